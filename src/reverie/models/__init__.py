"""Definitions: what each distribution is. No learning here.

`MODELS` is the registry: one row subjects a model to every contract test and puts it into `reverie pairs`.
"""

from reverie.models.class_vae import CVAE, GMVAE
from reverie.models.conditional_field import ConditionalField, ConditionalRealField
from reverie.models.conv_vae import ConvVAE
from reverie.models.crf import LinearChainCRF
from reverie.models.darn import DARN
from reverie.models.dbm import DeepBoltzmannMachine
from reverie.models.dbn import DeepBeliefNet
from reverie.models.ddpm import DDPM
from reverie.models.dlgm import DeepLatentGaussian
from reverie.models.fvsbn import FVSBN
from reverie.models.generator import Generator
from reverie.models.ising import Ising
from reverie.models.joint_field import JointBitField, JointField
from reverie.models.language_model import LanguageModel
from reverie.models.learned_prior import LearnedPriorVAE, MixturePriorVAE
from reverie.models.linear_gaussian import PPCA, FactorAnalysis
from reverie.models.made import MADE
from reverie.models.mixture import GaussianMixture
from reverie.models.mixture_products import ProductMixture
from reverie.models.potts import Potts
from reverie.models.random_field import BitField, RandomField
from reverie.models.rbm import RBM
from reverie.models.rbm_categorical import CategoricalRBM
from reverie.models.rbm_conditional import ConditionalRBM
from reverie.models.rbm_gaussian import GaussianRBM
from reverie.models.rbm_given_columns import RBMGivenColumns
from reverie.models.realnvp import RealNVP
from reverie.models.recovery_field import RecoveryField
from reverie.models.sbn import SigmoidBeliefNet
from reverie.models.sequence_field import SequenceField
from reverie.models.stacked_vae import M1M2, SDGM
from reverie.models.straight_flow import StraightFlow
from reverie.models.text_vae import DilatedTextVAE, TextVAE
from reverie.models.vae import VAE
from reverie.models.ve_sde import VESDE
from reverie.models.vp_sde import VPSDE
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
    "conv-vae": ConvVAE,
    "text-vae": TextVAE,
    "text-vae-dilated": DilatedTextVAE,
    "made": MADE,
    "fvsbn": FVSBN,
    "realnvp": RealNVP,
    "generator": Generator,
    "rbm": RBM,
    "dbm": DeepBoltzmannMachine,
    "dbn": DeepBeliefNet,
    "rbm-categorical": CategoricalRBM,
    "rbm-gaussian": GaussianRBM,
    "rbm-conditional": ConditionalRBM,
    "rbm-given-columns": RBMGivenColumns,
    "ising": Ising,
    "potts": Potts,
    "random-field": RandomField,
    "bit-field": BitField,
    "recovery-field": RecoveryField,
    "joint-field": JointField,
    "joint-bit-field": JointBitField,
    "crf": LinearChainCRF,
    "conditional-field": ConditionalField,
    "conditional-real-field": ConditionalRealField,
    "trf": SequenceField,
    "language-model": LanguageModel,
    "gaussian-mixture": GaussianMixture,
    "product-mixture": ProductMixture,
    "factor-analysis": FactorAnalysis,
    "ppca": PPCA,
    "gmvae": GMVAE,
    "cvae": CVAE,
    "m1m2": M1M2,
    "sdgm": SDGM,
    "ddpm": DDPM,
    "vp-sde": VPSDE,
    "ve-sde": VESDE,
    "straight-flow": StraightFlow,
}

__all__ = [
    "BitField",
    "CVAE",
    "CategoricalRBM",
    "ConditionalRBM",
    "ConditionalField",
    "ConditionalRealField",
    "ConvVAE",
    "DARN",
    "DDPM",
    "DeepBeliefNet",
    "DeepBoltzmannMachine",
    "DeepLatentGaussian",
    "DilatedTextVAE",
    "FVSBN",
    "FactorAnalysis",
    "GMVAE",
    "GaussianMixture",
    "GaussianRBM",
    "Generator",
    "Ising",
    "JointBitField",
    "JointField",
    "LinearChainCRF",
    "Potts",
    "LanguageModel",
    "LearnedPriorVAE",
    "M1M2",
    "MADE",
    "MODELS",
    "MixturePriorVAE",
    "PPCA",
    "ProductMixture",
    "RBM",
    "RBMGivenColumns",
    "RandomField",
    "RealNVP",
    "RecoveryField",
    "SDGM",
    "SequenceField",
    "SigmoidBeliefNet",
    "StraightFlow",
    "TextVAE",
    "VAE",
    "VESDE",
    "VPSDE",
    "VQVAE",
]
