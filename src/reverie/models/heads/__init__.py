"""Heads: how the columns of one leaf are distributed, given numbers from a network. One file a family."""

from reverie.models.heads.bernoulli import Bernoulli
from reverie.models.heads.categorical import Categorical
from reverie.models.heads.gaussian import Gaussian
from reverie.models.heads.head import Head
from reverie.models.heads.logistics import DiscretisedLogistics, Logistics
from reverie.models.heads.scales import LOWEST_LOG_SCALE, Scale
from reverie.models.heads.student_t import StudentT

__all__ = [
    "LOWEST_LOG_SCALE",
    "Bernoulli",
    "Categorical",
    "DiscretisedLogistics",
    "Gaussian",
    "Head",
    "Logistics",
    "Scale",
    "StudentT",
]
