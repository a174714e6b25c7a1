"""What a run's model tells of rows: their classes, or the columns that it tells given the others."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie import noise
from reverie.capabilities import ConditionsOnClass
from reverie.data import Rows
from reverie.errors import InputError
from reverie.evaluation import class_log_probs, class_scores
from reverie.runs import Run


class Classified(NamedTuple):
    """Rows and the probabilities of their classes.

    Attributes:
        names: of the classes; their numbers where a learner made them without labels.
        probabilities: p(y | x), [rows, classes].
        warnings: sentences for people.
    """

    names: tuple[str, ...]
    probabilities: NDArray[np.float64]
    warnings: tuple[str, ...]

    @property
    def likeliest(self) -> list[str]:
        """The class of each row with the largest probability."""
        return [self.names[place] for place in np.argmax(self.probabilities, axis=1)]


def classify(run: Run, data: Any, *, seed: int = 0) -> Classified:
    """The probabilities of the classes of rows.

    By Bayes' rule where the model is of rows given a class, p(y | x) ∝ p(y) p(x | y) with the log Z of each class;
    else by the part that tells classes: the model, the inference model, or a classifier of codes.

    Args:
        run: an opened run.
        data: `Rows`, or anything that `load` reads with the run's columns; labels in them are not read.
        seed: of what is drawn on the way.
    """
    rows = data if isinstance(data, Rows) else run.read(data)
    model, key = run.parts["model"], noise.make_key(seed, run.config.prng)
    if not len(rows):
        raise InputError("there are no rows to classify")
    warnings: tuple[str, ...] = ()
    if isinstance(model, ConditionsOnClass):
        scores = class_scores(model, run.measure, rows.raw, key, run.class_log_z)
        if scores.kind == "failed":
            raise InputError(f"the log Z of a class is not to be believed: {'; '.join(scores.warnings)}")
        told, warnings = scores.log_joint, scores.warnings
    else:
        found = class_log_probs(run.parts, run.measure, rows.raw, key)
        if found is None:
            raise InputError(f"{run.model} by {run.learner} tells no classes of rows: that needs a model with a class")
        told = found.astype(np.float64)
    label = run.schema.label if run.config.make_learner().labels else None
    names = tuple(map(str, range(told.shape[1]) if label is None else label.classes[: told.shape[1]]))
    told = np.exp(told - told.max(axis=1, keepdims=True))
    return Classified(names, told / told.sum(axis=1, keepdims=True), warnings)
