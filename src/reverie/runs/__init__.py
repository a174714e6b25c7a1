"""The run folder: configuration, metrics, checkpoints, and what is read from them."""

from reverie.runs.evaluating import Evaluation, evaluate
from reverie.runs.fitting import fit, resume
from reverie.runs.folder import RunSummary, list_runs, remove_run
from reverie.runs.gradient_table import Gradients, gradients
from reverie.runs.run import Run, load_run
from reverie.runs.session import Progress

__all__ = [
    "Evaluation",
    "Gradients",
    "Progress",
    "Run",
    "RunSummary",
    "evaluate",
    "fit",
    "gradients",
    "list_runs",
    "load_run",
    "remove_run",
    "resume",
]
