"""Which way the parts move. `DIRECTIONS` is the registry that the contract tests run over."""

from reverie.directions.adversarial import CriticUp, MinimaxGenerator, NonSaturatingGenerator
from reverie.directions.contrastive import Contrastive
from reverie.directions.direction import Ascent, Direction, Join, gradient
from reverie.directions.elbo import ClosedElbo, SampledElbo
from reverie.directions.em import ExpectationMaximisation
from reverie.directions.fisher import Fisher
from reverie.directions.inclusive import InclusiveFromData, InclusiveFromDreams
from reverie.directions.iwae import ImportanceWeightedBound
from reverie.directions.likelihood import Likelihood

DIRECTIONS: tuple[type[Direction], ...] = (
    Likelihood,
    SampledElbo,
    ClosedElbo,
    ImportanceWeightedBound,
    Fisher,
    InclusiveFromData,
    InclusiveFromDreams,
    Contrastive,
    CriticUp,
    MinimaxGenerator,
    NonSaturatingGenerator,
    ExpectationMaximisation,
)

__all__ = [
    "DIRECTIONS",
    "Ascent",
    "ClosedElbo",
    "Contrastive",
    "CriticUp",
    "Direction",
    "ExpectationMaximisation",
    "Fisher",
    "ImportanceWeightedBound",
    "InclusiveFromData",
    "InclusiveFromDreams",
    "Join",
    "Likelihood",
    "MinimaxGenerator",
    "NonSaturatingGenerator",
    "SampledElbo",
    "gradient",
]
