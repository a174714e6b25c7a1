"""Named assemblies: a sampler, a direction, and the defaults of the paper. `LEARNERS` is the registry."""

from reverie.learners.cd import ContrastiveDivergence
from reverie.learners.elbo import ELBO
from reverie.learners.em import EM
from reverie.learners.gan import GAN
from reverie.learners.iwae import IWAE
from reverie.learners.jsa import JSA
from reverie.learners.learner import LEARNERS, Learner
from reverie.learners.mle import MaximumLikelihood
from reverie.learners.rws import ReweightedWakeSleep
from reverie.learners.sml import StochasticMaximumLikelihood
from reverie.learners.wake_sleep import WakeSleep

__all__ = [
    "ELBO",
    "EM",
    "GAN",
    "IWAE",
    "JSA",
    "LEARNERS",
    "ContrastiveDivergence",
    "Learner",
    "MaximumLikelihood",
    "ReweightedWakeSleep",
    "StochasticMaximumLikelihood",
    "WakeSleep",
]
