"""Which way the parts move. `DIRECTIONS` is the registry that the contract tests run over."""

from reverie.directions.adversarial import CriticUp, MinimaxGenerator, NonSaturatingGenerator
from reverie.directions.aggregate import CodeCriticUp, CodeDiscrepancy, CodesPastCritic
from reverie.directions.alternating import Alternating, expecting, maximising
from reverie.directions.arm import AugmentReinforceMerge
from reverie.directions.augmented import AugmentedApproximation
from reverie.directions.auto_bound import AutoBound
from reverie.directions.avb import AdversarialElbo, PairCriticUp
from reverie.directions.class_contrastive import ClassContrastive
from reverie.directions.concrete_bound import ConcreteBound
from reverie.directions.conditional_contrast import ConditionalContrast
from reverie.directions.contrastive import Contrastive
from reverie.directions.control_variate import ControlVariate
from reverie.directions.direction import Ascent, Direction, Join, gradient
from reverie.directions.dreg import DoublyReparameterised
from reverie.directions.elbo import AutoElbo, ClosedElbo, SampledElbo
from reverie.directions.elbo_path import PathElbo
from reverie.directions.em import ExpectationMaximisation
from reverie.directions.enumeration import EnumeratedBound, EnumeratedElbo, EnumeratedLikelihood
from reverie.directions.field_generators import (
    FieldAgainstGenerator,
    GeneratorFromParticles,
    GeneratorFromRevised,
    GeneratorUpField,
)
from reverie.directions.fisher import Fisher
from reverie.directions.inclusive import InclusiveFromData, InclusiveFromDreams
from reverie.directions.iwae import ImportanceWeightedBound
from reverie.directions.jvi import JackknifeBound
from reverie.directions.label_likelihood import LabelLikelihood
from reverie.directions.lagging import LaggingElbo, inference_due, model_due
from reverie.directions.likelihood import Likelihood
from reverie.directions.machines_first import MachinesFirst
from reverie.directions.marginal_elbo import MarginalElbo
from reverie.directions.mean_field import MeanFieldContrastive
from reverie.directions.miwae import CombinedBound, MultiplyWeightedBound, PartiallyWeightedBound
from reverie.directions.muprop import MuProp
from reverie.directions.noise_contrast import NoiseContrast, NoiseLikelihood
from reverie.directions.noise_regression import NoiseRegression
from reverie.directions.nvil import NeuralVariational
from reverie.directions.predictability import PredictorsDown, UnpredictableCode
from reverie.directions.probability_flow import ProbabilityFlow
from reverie.directions.pseudo_likelihood import PseudoLikelihood
from reverie.directions.ratio_matching import RatioMatching
from reverie.directions.reconstruction import Reconstruction
from reverie.directions.recovery import RecoveryContrast
from reverie.directions.reference_contrast import ReferenceContrast
from reverie.directions.relaxation import Concrete, StraightThrough, StraightThroughConcrete
from reverie.directions.renyi import RenyiBound
from reverie.directions.score_function import ScoreFunction
from reverie.directions.score_matching import DenoisingScoreMatching, ExactScoreMatching, SlicedScoreMatching
from reverie.directions.semi_supervised import CodeClassification, SemiSupervisedElbo, StagedSemiSupervised
from reverie.directions.told_contrastive import ToldContrastive
from reverie.directions.told_likelihood import ToldLikelihood
from reverie.directions.told_noise_contrast import ToldNoiseContrast
from reverie.directions.told_pseudo_likelihood import ToldPseudoLikelihood
from reverie.directions.up_down import UpDown
from reverie.directions.vamp import TiedPrior
from reverie.directions.vector_quantisation import VectorQuantisation
from reverie.directions.velocity_regression import VelocityRegression
from reverie.directions.vimco import MonteCarloObjective
from reverie.directions.weighting import Weighting

DIRECTIONS: tuple[type[Direction], ...] = (
    Likelihood,
    SampledElbo,
    ClosedElbo,
    AutoElbo,
    AutoBound,
    PathElbo,
    LaggingElbo,
    MarginalElbo,
    SemiSupervisedElbo,
    StagedSemiSupervised,
    CodeClassification,
    ImportanceWeightedBound,
    DoublyReparameterised,
    RenyiBound,
    JackknifeBound,
    MultiplyWeightedBound,
    CombinedBound,
    PartiallyWeightedBound,
    Reconstruction,
    TiedPrior,
    VectorQuantisation,
    PredictorsDown,
    UnpredictableCode,
    CodeCriticUp,
    CodesPastCritic,
    CodeDiscrepancy,
    PairCriticUp,
    AdversarialElbo,
    AugmentReinforceMerge,
    ControlVariate,
    EnumeratedElbo,
    EnumeratedBound,
    EnumeratedLikelihood,
    MuProp,
    NeuralVariational,
    Concrete,
    ConcreteBound,
    StraightThrough,
    StraightThroughConcrete,
    ScoreFunction,
    MonteCarloObjective,
    Fisher,
    InclusiveFromData,
    InclusiveFromDreams,
    Contrastive,
    AugmentedApproximation,
    ClassContrastive,
    ToldContrastive,
    ToldLikelihood,
    ToldNoiseContrast,
    ToldPseudoLikelihood,
    MeanFieldContrastive,
    UpDown,
    PseudoLikelihood,
    RatioMatching,
    ProbabilityFlow,
    ConditionalContrast,
    RecoveryContrast,
    ExactScoreMatching,
    SlicedScoreMatching,
    DenoisingScoreMatching,
    NoiseContrast,
    ReferenceContrast,
    NoiseLikelihood,
    GeneratorFromRevised,
    GeneratorFromParticles,
    FieldAgainstGenerator,
    GeneratorUpField,
    LabelLikelihood,
    CriticUp,
    MinimaxGenerator,
    NonSaturatingGenerator,
    ExpectationMaximisation,
    NoiseRegression,
    VelocityRegression,
)

__all__ = [
    "DIRECTIONS",
    "AdversarialElbo",
    "Alternating",
    "Ascent",
    "AugmentReinforceMerge",
    "AugmentedApproximation",
    "AutoBound",
    "AutoElbo",
    "ClassContrastive",
    "ClosedElbo",
    "CodeClassification",
    "CodeCriticUp",
    "CodeDiscrepancy",
    "CodesPastCritic",
    "CombinedBound",
    "Concrete",
    "ConcreteBound",
    "ConditionalContrast",
    "Contrastive",
    "ControlVariate",
    "CriticUp",
    "NoiseRegression",
    "DenoisingScoreMatching",
    "Direction",
    "DoublyReparameterised",
    "EnumeratedBound",
    "EnumeratedElbo",
    "EnumeratedLikelihood",
    "ExactScoreMatching",
    "ExpectationMaximisation",
    "FieldAgainstGenerator",
    "Fisher",
    "GeneratorFromParticles",
    "GeneratorFromRevised",
    "GeneratorUpField",
    "ImportanceWeightedBound",
    "InclusiveFromData",
    "InclusiveFromDreams",
    "JackknifeBound",
    "Join",
    "LabelLikelihood",
    "LaggingElbo",
    "Likelihood",
    "MachinesFirst",
    "MarginalElbo",
    "MeanFieldContrastive",
    "MinimaxGenerator",
    "MonteCarloObjective",
    "MuProp",
    "MultiplyWeightedBound",
    "NeuralVariational",
    "NoiseContrast",
    "NoiseLikelihood",
    "NonSaturatingGenerator",
    "PairCriticUp",
    "PartiallyWeightedBound",
    "PathElbo",
    "PredictorsDown",
    "ProbabilityFlow",
    "PseudoLikelihood",
    "RatioMatching",
    "RecoveryContrast",
    "Reconstruction",
    "ReferenceContrast",
    "RenyiBound",
    "SampledElbo",
    "ScoreFunction",
    "SemiSupervisedElbo",
    "SlicedScoreMatching",
    "StagedSemiSupervised",
    "StraightThrough",
    "StraightThroughConcrete",
    "TiedPrior",
    "UnpredictableCode",
    "ToldContrastive",
    "ToldLikelihood",
    "ToldNoiseContrast",
    "ToldPseudoLikelihood",
    "UpDown",
    "VectorQuantisation",
    "VelocityRegression",
    "Weighting",
    "expecting",
    "gradient",
    "inference_due",
    "maximising",
    "model_due",
]
