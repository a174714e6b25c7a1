"""Reverie fits deep generative models, and says whether to believe the result.

Fit and keep:       `fit`, `resume`, `load_run`, `Run`
Judge:              `evaluate`, `gradients`, `bakeoff`, `Estimate`
What fits what:     `pairs`
Data:               `data` (`data.load`, `data.Dataset`, measures)
Definitions:        `models`, `inference`, `auxiliaries` (critics, baselines)
Algorithms:         `learners`, and below them `samplers` and `directions`
Figures:            `evaluation` (`log_normaliser`, `two_sample`, …)
Uses:               `tasks` (`impute`, `denoise`, `separation`)

Everything here is loaded when it is first used, so that importing the package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from reverie.version import __version__

_ROOMS = ("auxiliaries", "data", "directions", "evaluation", "inference", "learners", "models", "samplers", "tasks")
_FROM = {
    "Estimate": "reverie.estimate",
    "InputError": "reverie.errors",
    "Run": "reverie.runs",
    "bakeoff": "reverie.bakeoffs.contest",
    "evaluate": "reverie.runs",
    "fit": "reverie.runs",
    "gradients": "reverie.runs",
    "load_run": "reverie.runs",
    "pairs": "reverie.pairing",
    "resume": "reverie.runs",
}

if TYPE_CHECKING:
    from reverie import auxiliaries, data, directions, evaluation, inference, learners, models, samplers, tasks
    from reverie.bakeoffs.contest import bakeoff
    from reverie.errors import InputError
    from reverie.estimate import Estimate
    from reverie.pairing import pairs
    from reverie.runs import Run, evaluate, fit, gradients, load_run, resume


def __getattr__(name: str) -> Any:
    if name in _FROM:
        importlib.import_module("reverie.backend").prepare()
        return getattr(importlib.import_module(_FROM[name]), name)
    if name in _ROOMS:
        importlib.import_module("reverie.backend").prepare()
        return importlib.import_module(f"reverie.{name}")
    raise AttributeError(f"module 'reverie' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Estimate",
    "InputError",
    "Run",
    "__version__",
    "auxiliaries",
    "bakeoff",
    "data",
    "directions",
    "evaluate",
    "evaluation",
    "fit",
    "gradients",
    "inference",
    "learners",
    "load_run",
    "models",
    "pairs",
    "resume",
    "samplers",
    "tasks",
]
