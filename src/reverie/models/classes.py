"""How many classes a model has."""

from reverie.data.spec import Spec

MANY = 10
"""Classes where neither a person nor a label has said how many."""


def count_of(asked: int | None, spec: Spec | None = None) -> int:
    """What was asked for, or as many as the labels name."""
    named = None if spec is None else spec.classes
    return asked or max(2, named or MANY)
