"""Labels of which only some are kept: what semi-supervised learning is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from reverie.data.rows import Rows
from reverie.data.spec import Batch
from reverie.data.split import amount
from reverie.errors import InputError

UNLABELLED = -1
"""What `y` is where a row has no label."""


def labels_of(batch: Batch) -> Any:
    """The labels of a batch, −1 where a row has none; refused where no row could have any."""
    if batch.y is None:
        raise InputError("this learner learns from labels and these rows have none: load them with their label")
    return batch.y


def keep_labels(train: Rows, labelled: float, classes: int, seed: int, name: str) -> Rows:
    """The rows with so many of their labels, and `UNLABELLED` in place of the others.

    Each class keeps equally many, but for a remainder of one, as long as it has them. Which they are is a pure function
    of the seed, and with more labels those that were kept are kept again.

    Args:
        train: the training rows.
        labelled: a fraction of the rows that have a label, below 1, or their number.
        classes: how many classes there are.
        seed: of the choice.
        name: of the data.
    """
    if train.y is None:
        raise InputError(f"labelled is {labelled} and {name} has no labels: say which column they are with label")
    known = np.flatnonzero(train.y != UNLABELLED)
    count = amount(labelled, len(known), "labelled")
    present = len(np.unique(train.y[known]))
    if count > len(known):
        raise InputError(f"labelled is {labelled} and only {len(known)} training rows of {name} have a label")
    if count < max(present, 1):
        few = f"{count} label{'s' * (count != 1)}"
        raise InputError(f"labelled is {labelled}: {few} for {present} classes, which need at least one each")
    order = np.random.default_rng([seed, classes]).permutation(known)
    turn = np.empty(len(order), np.int64)
    for one in range(classes):
        members = np.flatnonzero(train.y[order] == one)
        turn[members] = np.arange(len(members))
    kept = order[np.argsort(turn, kind="stable")[:count]]
    y = np.full(len(train), UNLABELLED, np.int32)
    y[kept] = train.y[kept]
    return replace(train, y=y)
