"""Named assemblies: a sampler, a direction, and the defaults of the paper. `LEARNERS` is the registry."""

from reverie.learners.aae import AAE
from reverie.learners.arm import ARM
from reverie.learners.autoencoder import Autoencoder
from reverie.learners.avb import AVB
from reverie.learners.cd import ContrastiveDivergence
from reverie.learners.ciwae import CIWAE
from reverie.learners.conditional_cd import ConditionalCD
from reverie.learners.conditional_nce import ConditionalNCE
from reverie.learners.conditional_pcd import ConditionalPCD
from reverie.learners.denoising import Denoising
from reverie.learners.dreg import DReG
from reverie.learners.elbo import ELBO
from reverie.learners.em import EM
from reverie.learners.enumeration import Enumeration
from reverie.learners.fast_weights import FastWeightPCD
from reverie.learners.field_generators import CooperativeField, ExclusiveField, InclusiveField
from reverie.learners.flow_matching import FlowMatching
from reverie.learners.gan import GAN
from reverie.learners.gumbel import GumbelSoftmax
from reverie.learners.inclusive_mis import InclusiveDiscreteField
from reverie.learners.infovae import InfoVAE
from reverie.learners.iwae import IWAE
from reverie.learners.jem import JointEnergy
from reverie.learners.jsa import JSA
from reverie.learners.jvi import JVI
from reverie.learners.lagging import LaggingInference
from reverie.learners.learner import LEARNERS, Learner
from reverie.learners.m1 import M1
from reverie.learners.m2 import M2, M1ThenM2
from reverie.learners.marginal_elbo import MarginalELBO
from reverie.learners.mean_field_pcd import MeanFieldPCD
from reverie.learners.miwae import MIWAE
from reverie.learners.mle import MaximumLikelihood
from reverie.learners.muprop import MuProp
from reverie.learners.nce import DynamicNCE, NoiseContrastiveEstimation
from reverie.learners.nvil import NVIL
from reverie.learners.piwae import PIWAE
from reverie.learners.predictability import PredictabilityMinimisation
from reverie.learners.probability_flow import MinimumProbabilityFlow
from reverie.learners.pseudo_likelihood import MaximumPseudoLikelihood
from reverie.learners.ratio_matching import MatchedRatios
from reverie.learners.rebar import REBAR
from reverie.learners.recovery import RecoveryLikelihood
from reverie.learners.reinforce import Reinforce
from reverie.learners.relax import RELAX
from reverie.learners.renyi import VariationalRenyi
from reverie.learners.rws import ReweightedWakeSleep
from reverie.learners.score_matching import ScoreMatching
from reverie.learners.semi_amortised import SemiAmortised
from reverie.learners.sml import StochasticMaximumLikelihood
from reverie.learners.straight_through import StraightThrough
from reverie.learners.svi import StochasticVariationalInference
from reverie.learners.tempered import TemperedMaximumLikelihood
from reverie.learners.told_cd import ToldCD
from reverie.learners.told_likelihood import MaximumToldLikelihood
from reverie.learners.told_nce import ToldNCE
from reverie.learners.told_pcd import ToldPCD
from reverie.learners.told_pseudo_likelihood import MaximumToldPseudoLikelihood
from reverie.learners.trf_nce import ReferenceNCE
from reverie.learners.trf_sa import AugmentedSA
from reverie.learners.up_down import GreedyUpDown
from reverie.learners.vamp import VampPrior
from reverie.learners.variational_em import VariationalEM
from reverie.learners.vector_quantisation import VectorQuantisedAutoencoder
from reverie.learners.vimco import VIMCO
from reverie.learners.wae import WAEGAN, WAEMMD
from reverie.learners.wake_sleep import WakeSleep

__all__ = [
    "AAE",
    "ARM",
    "AVB",
    "AugmentedSA",
    "CIWAE",
    "ELBO",
    "EM",
    "GAN",
    "IWAE",
    "JSA",
    "JVI",
    "LEARNERS",
    "M1",
    "M2",
    "MIWAE",
    "NVIL",
    "PIWAE",
    "REBAR",
    "RELAX",
    "VIMCO",
    "WAEGAN",
    "WAEMMD",
    "Autoencoder",
    "ConditionalCD",
    "ConditionalNCE",
    "ConditionalPCD",
    "ContrastiveDivergence",
    "CooperativeField",
    "DReG",
    "Denoising",
    "DynamicNCE",
    "Enumeration",
    "FastWeightPCD",
    "FlowMatching",
    "ExclusiveField",
    "GreedyUpDown",
    "GumbelSoftmax",
    "InclusiveDiscreteField",
    "InclusiveField",
    "InfoVAE",
    "JointEnergy",
    "LaggingInference",
    "Learner",
    "M1ThenM2",
    "MarginalELBO",
    "MaximumLikelihood",
    "MeanFieldPCD",
    "MaximumPseudoLikelihood",
    "MaximumToldLikelihood",
    "MaximumToldPseudoLikelihood",
    "MatchedRatios",
    "MinimumProbabilityFlow",
    "MuProp",
    "NoiseContrastiveEstimation",
    "PredictabilityMinimisation",
    "RecoveryLikelihood",
    "ReferenceNCE",
    "Reinforce",
    "ReweightedWakeSleep",
    "ScoreMatching",
    "SemiAmortised",
    "StochasticMaximumLikelihood",
    "StochasticVariationalInference",
    "TemperedMaximumLikelihood",
    "ToldCD",
    "ToldNCE",
    "ToldPCD",
    "StraightThrough",
    "VampPrior",
    "VariationalEM",
    "VariationalRenyi",
    "VectorQuantisedAutoencoder",
    "WakeSleep",
]
