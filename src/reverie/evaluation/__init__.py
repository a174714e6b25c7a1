"""What a fitted model is worth: estimates with their standard errors and kinds.

Everything here asks a model what it can do (`reverie.capabilities`) and never what it is.
"""

from reverie.evaluation.annealing_codes import Bracket, annealed_likelihood, bracket
from reverie.evaluation.bounds import Bounds, bounds
from reverie.evaluation.classification import accuracy, class_log_probs
from reverie.evaluation.collapse import Collapse, collapse
from reverie.evaluation.draws import samples_of, to_raw
from reverie.evaluation.gap import Gap, inference_gap
from reverie.evaluation.gradient_statistics import GradientStatistics, gradient_statistics
from reverie.evaluation.jackknife import jackknifed
from reverie.evaluation.likelihood import Scores, log_likelihood, score
from reverie.evaluation.normaliser import log_normaliser
from reverie.evaluation.normaliser_bracket import normaliser_bracket
from reverie.evaluation.two_sample import TwoSample, two_sample

__all__ = [
    "Bounds",
    "Bracket",
    "Collapse",
    "Gap",
    "GradientStatistics",
    "Scores",
    "TwoSample",
    "accuracy",
    "annealed_likelihood",
    "bounds",
    "bracket",
    "class_log_probs",
    "collapse",
    "gradient_statistics",
    "inference_gap",
    "jackknifed",
    "log_likelihood",
    "log_normaliser",
    "normaliser_bracket",
    "samples_of",
    "score",
    "to_raw",
    "two_sample",
]
