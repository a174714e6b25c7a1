"""Definitions: what each distribution is. No learning here.

`MODELS` is the registry: one row subjects a model to every contract test and puts it into `reverie pairs`.
"""

from reverie.models.fvsbn import FVSBN
from reverie.models.generator import Generator
from reverie.models.made import MADE
from reverie.models.mixture import GaussianMixture
from reverie.models.rbm import RBM
from reverie.models.realnvp import RealNVP
from reverie.models.sbn import SigmoidBeliefNet
from reverie.models.vae import VAE
from reverie.parts import Part

MODELS: dict[str, type[Part]] = {
    "vae": VAE,
    "sbn": SigmoidBeliefNet,
    "made": MADE,
    "fvsbn": FVSBN,
    "realnvp": RealNVP,
    "generator": Generator,
    "rbm": RBM,
    "gaussian-mixture": GaussianMixture,
}

__all__ = [
    "FVSBN",
    "MADE",
    "MODELS",
    "RBM",
    "VAE",
    "GaussianMixture",
    "Generator",
    "RealNVP",
    "SigmoidBeliefNet",
]
