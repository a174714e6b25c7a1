"""What a fitted model is worth: estimates with their standard errors and kinds.

Everything here asks a model what it can do (`reverie.capabilities`) and never what it is.
"""

from reverie.evaluation.annealing_codes import Bracket, annealed_likelihood, bracket
from reverie.evaluation.bounds import Bounds, bounds
from reverie.evaluation.by_class import (
    ClassScores,
    class_accuracy,
    class_normalisers,
    class_scores,
    likelihood_given_label,
)
from reverie.evaluation.classification import accuracy, class_log_probs
from reverie.evaluation.collapse import Collapse, collapse
from reverie.evaluation.draws import classes_of, samples_of, to_raw
from reverie.evaluation.gap import Gap, inference_gap
from reverie.evaluation.gradient_statistics import GradientStatistics, gradient_statistics
from reverie.evaluation.jackknife import jackknifed
from reverie.evaluation.lengths import (
    approximated_normalisers,
    length_normalisers,
    log_likelihoods_by_length,
    summed_normaliser,
)
from reverie.evaluation.likelihood import Scores, log_likelihood, score
from reverie.evaluation.mixing import Mixing, mixing
from reverie.evaluation.normaliser import learned_normaliser, log_normaliser
from reverie.evaluation.normaliser_bracket import normaliser_bracket
from reverie.evaluation.perplexity import perplexity, token_counts
from reverie.evaluation.recoding import decoded, encoded, uncoded
from reverie.evaluation.shares import Share
from reverie.evaluation.told import annealed_told, reference_of, retold, told_accuracy
from reverie.evaluation.two_sample import TwoSample, two_sample

__all__ = [
    "Bounds",
    "Bracket",
    "ClassScores",
    "Collapse",
    "Gap",
    "GradientStatistics",
    "Mixing",
    "Scores",
    "Share",
    "TwoSample",
    "accuracy",
    "annealed_likelihood",
    "annealed_told",
    "approximated_normalisers",
    "bounds",
    "bracket",
    "class_accuracy",
    "class_log_probs",
    "class_normalisers",
    "class_scores",
    "classes_of",
    "collapse",
    "decoded",
    "encoded",
    "gradient_statistics",
    "inference_gap",
    "jackknifed",
    "learned_normaliser",
    "likelihood_given_label",
    "length_normalisers",
    "log_likelihood",
    "log_likelihoods_by_length",
    "log_normaliser",
    "mixing",
    "normaliser_bracket",
    "perplexity",
    "reference_of",
    "retold",
    "samples_of",
    "score",
    "summed_normaliser",
    "to_raw",
    "token_counts",
    "told_accuracy",
    "two_sample",
    "uncoded",
]
