"""What is drawn. `SAMPLERS` is the registry that the contract tests run over."""

from reverie.samplers.base_noise import BaseNoise
from reverie.samplers.chains import ChainsFromData, PersistentChains, ReplayBuffer, kernel_for
from reverie.samplers.class_chains import (
    ClampedGibbs,
    ClassChainsFromData,
    ClassParticles,
    PersistentClassChains,
    labelled_weight,
)
from reverie.samplers.code_noise import CodeNoise
from reverie.samplers.dream import Dream
from reverie.samplers.fast_weights import FastWeightChains
from reverie.samplers.hamiltonian import FrictionHamiltonian, Hamiltonian
from reverie.samplers.importance import Importance
from reverie.samplers.independence import IndependenceChains
from reverie.samplers.informed import GibbsWithGradients
from reverie.samplers.kernel import Gibbs, Kernel
from reverie.samplers.kernels import KERNELS, KernelName, kernel_of
from reverie.samplers.langevin import MALA, Langevin
from reverie.samplers.length_jumps import LengthJumps
from reverie.samplers.local_variational import LocalVariational
from reverie.samplers.locally_balanced import LocallyBalanced
from reverie.samplers.metropolis import MetropolisIndependence
from reverie.samplers.noise_or_codes import NoiseOrCodes
from reverie.samplers.noise_rows import NoiseRows
from reverie.samplers.noised import Noised, NoisedData
from reverie.samplers.nuts import NoUTurn
from reverie.samplers.recovery import Recovery, RecoveryChains
from reverie.samplers.revised import ChainsFromGenerator
from reverie.samplers.sampler import Codes, DataOnly, Draw, Dreams, Sampler, Tick, Together
from reverie.samplers.single_changes import changes
from reverie.samplers.stack import Passes, StackPasses
from reverie.samplers.states import PersistentStates
from reverie.samplers.tempering import ParallelTempering
from reverie.samplers.told_chains import PersistentToldChains, ToldChainsFromData

SAMPLERS: tuple[type[Sampler], ...] = (
    DataOnly,
    BaseNoise,
    CodeNoise,
    Importance,
    NoiseOrCodes,
    LocalVariational,
    Dream,
    NoisedData,
    MetropolisIndependence,
    IndependenceChains,
    ChainsFromData,
    PersistentChains,
    PersistentStates,
    ClassChainsFromData,
    PersistentClassChains,
    ToldChainsFromData,
    PersistentToldChains,
    StackPasses,
    ReplayBuffer,
    ChainsFromGenerator,
    NoiseRows,
    ParallelTempering,
    FastWeightChains,
    RecoveryChains,
)

__all__ = [
    "BaseNoise",
    "ChainsFromData",
    "ChainsFromGenerator",
    "ClampedGibbs",
    "ClassChainsFromData",
    "ClassParticles",
    "CodeNoise",
    "Codes",
    "DataOnly",
    "Draw",
    "Dream",
    "Dreams",
    "FastWeightChains",
    "FrictionHamiltonian",
    "Gibbs",
    "GibbsWithGradients",
    "Hamiltonian",
    "Importance",
    "IndependenceChains",
    "KERNELS",
    "Kernel",
    "KernelName",
    "Langevin",
    "LengthJumps",
    "LocalVariational",
    "LocallyBalanced",
    "MALA",
    "MetropolisIndependence",
    "NoUTurn",
    "NoiseOrCodes",
    "Noised",
    "NoisedData",
    "NoiseRows",
    "ParallelTempering",
    "Passes",
    "PersistentChains",
    "PersistentClassChains",
    "PersistentStates",
    "PersistentToldChains",
    "Recovery",
    "RecoveryChains",
    "ReplayBuffer",
    "SAMPLERS",
    "Sampler",
    "StackPasses",
    "Tick",
    "Together",
    "ToldChainsFromData",
    "changes",
    "kernel_for",
    "kernel_of",
    "labelled_weight",
]
