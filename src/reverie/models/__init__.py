"""Definitions: what each distribution is. No learning here.

`MODELS` is the registry: one row subjects a model to every contract test and puts it into `reverie pairs`.
"""

from reverie.models.darn import DARN
from reverie.models.dlgm import DeepLatentGaussian
from reverie.models.fvsbn import FVSBN
from reverie.models.generator import Generator
from reverie.models.learned_prior import LearnedPriorVAE, MixturePriorVAE
from reverie.models.linear_gaussian import PPCA, FactorAnalysis
from reverie.models.made import MADE
from reverie.models.mixture import GaussianMixture
from reverie.models.rbm import RBM
from reverie.models.realnvp import RealNVP
from reverie.models.sbn import SigmoidBeliefNet
from reverie.models.vae import VAE
from reverie.models.vqvae import VQVAE
from reverie.parts import Part

MODELS: dict[str, type[Part]] = {
    "vae": VAE,
    "vae-mixture-prior": MixturePriorVAE,
    "vae-learned-prior": LearnedPriorVAE,
    "dlgm": DeepLatentGaussian,
    "sbn": SigmoidBeliefNet,
    "darn": DARN,
    "vq-vae": VQVAE,
    "made": MADE,
    "fvsbn": FVSBN,
    "realnvp": RealNVP,
    "generator": Generator,
    "rbm": RBM,
    "gaussian-mixture": GaussianMixture,
    "factor-analysis": FactorAnalysis,
    "ppca": PPCA,
}

__all__ = [
    "DARN",
    "FVSBN",
    "MADE",
    "MODELS",
    "PPCA",
    "RBM",
    "VAE",
    "VQVAE",
    "DeepLatentGaussian",
    "FactorAnalysis",
    "GaussianMixture",
    "Generator",
    "LearnedPriorVAE",
    "MixturePriorVAE",
    "RealNVP",
    "SigmoidBeliefNet",
]
