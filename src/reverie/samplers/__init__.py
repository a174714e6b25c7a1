"""What is drawn. `SAMPLERS` is the registry that the contract tests run over."""

from reverie.samplers.base_noise import BaseNoise
from reverie.samplers.code_noise import CodeNoise
from reverie.samplers.dream import Dream
from reverie.samplers.gibbs import GibbsFromData, PersistentGibbs
from reverie.samplers.importance import Importance
from reverie.samplers.local_variational import LocalVariational
from reverie.samplers.metropolis import MetropolisIndependence
from reverie.samplers.sampler import Codes, DataOnly, Draw, Dreams, Sampler, Tick, Together

SAMPLERS: tuple[type[Sampler], ...] = (
    DataOnly,
    BaseNoise,
    CodeNoise,
    Importance,
    LocalVariational,
    Dream,
    MetropolisIndependence,
    GibbsFromData,
    PersistentGibbs,
)

__all__ = [
    "SAMPLERS",
    "BaseNoise",
    "CodeNoise",
    "Codes",
    "DataOnly",
    "Draw",
    "Dream",
    "Dreams",
    "GibbsFromData",
    "Importance",
    "LocalVariational",
    "MetropolisIndependence",
    "PersistentGibbs",
    "Sampler",
    "Tick",
    "Together",
]
