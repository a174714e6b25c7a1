"""Parts that serve a learner: critics, baselines. `AUXILIARIES` is the registry, by role and name."""

from reverie.auxiliaries.baseline import Baseline
from reverie.auxiliaries.code_classifier import CodeClassifier
from reverie.auxiliaries.code_critic import CodeCritic
from reverie.auxiliaries.critic import Critic
from reverie.auxiliaries.discrete_generator import AutoregressiveGenerator
from reverie.auxiliaries.generator import FieldGenerator
from reverie.auxiliaries.local_baseline import LocalBaseline
from reverie.auxiliaries.log_normaliser import LogNormaliser
from reverie.auxiliaries.noise import IndependentNoise, ModelNoise
from reverie.auxiliaries.pair_critic import PairCritic
from reverie.auxiliaries.predictor import Predictor
from reverie.auxiliaries.pseudo_inputs import PseudoInputs
from reverie.auxiliaries.surrogate import ConcreteSurrogate, NetworkSurrogate
from reverie.parts import Part

AUXILIARIES: dict[str, dict[str, type[Part]]] = {
    "critic": {"critic": Critic, "code-critic": CodeCritic, "pair-critic": PairCritic},
    "baseline": {"baseline": Baseline, "local-baseline": LocalBaseline},
    "surrogate": {"concrete": ConcreteSurrogate, "network": NetworkSurrogate},
    "predictor": {"predictor": Predictor},
    "pseudo-inputs": {"pseudo-inputs": PseudoInputs},
    "classifier": {"code-classifier": CodeClassifier},
    "generator": {"field-generator": FieldGenerator, "autoregressive-generator": AutoregressiveGenerator},
    "noise": {"independent": IndependentNoise, "model": ModelNoise},
    "normaliser": {"normaliser": LogNormaliser},
}

__all__ = [
    "AUXILIARIES",
    "AutoregressiveGenerator",
    "Baseline",
    "CodeClassifier",
    "CodeCritic",
    "ConcreteSurrogate",
    "Critic",
    "FieldGenerator",
    "IndependentNoise",
    "LocalBaseline",
    "LogNormaliser",
    "ModelNoise",
    "NetworkSurrogate",
    "PairCritic",
    "Predictor",
    "PseudoInputs",
]
