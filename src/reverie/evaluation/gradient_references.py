"""Whose direction is the true one: which learners' gradients are compared, and what each is compared with."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Key

from reverie.capabilities import HasFiniteCodes, HasPosterior, capabilities_of, missing_from, posterior_of
from reverie.data import Spec
from reverie.directions.enumeration import MOST_SETS, sets_of
from reverie.errors import InputError
from reverie.learners import LEARNERS, Learner
from reverie.learners.target import Target
from reverie.options import pick
from reverie.pairing import make_learner, usual
from reverie.parts import Parts

MOST_CODES = 2**12
"""Codes up to which a target is written out."""


class Asked(NamedTuple):
    """A learner, what it is called in the table, and all the parts that it moves or asks."""

    label: str
    learner: Learner
    parts: Parts

    @property
    def moved(self) -> list[str]:
        """The parts whose directions are told: the model and the inference model, or what else moves."""
        moves = self.learner.direction.moves
        return [name for name in moves if name in ("model", "inference")] or list(moves)

    @property
    def targets(self) -> Mapping[str, Target]:
        """What its directions are said to estimate, with these parts."""
        return self.learner.targets(self.parts)

    @property
    def exact(self) -> bool:
        """Whether its direction is without noise."""
        return self.learner.name == "enumeration"


def learner_of(asked: str | Learner) -> tuple[str, Learner]:
    """A learner and its label, from a value or from words: `vimco`, or with options `rws:k=10:sleep_phi=true`."""
    if isinstance(asked, Learner):
        defaults = LEARNERS[asked.name]().options if asked.name in LEARNERS else {}
        changed = [f"{name}={value}" for name, value in asked.options.items() if defaults.get(name) != value]
        return ":".join([asked.name, *changed]), asked
    name, *options = asked.split(":")
    name = pick("learner", name, LEARNERS)
    given = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise InputError(f"{asked!r} cannot be read: write a learner as NAME or NAME:OPTION=VALUE:OPTION=VALUE")
        given[key] = value
    return ":".join([name, *options]), make_learner(name, given)


def asked_of(asked: str | Learner, parts: Mapping[str, Any], spec: Spec | None, key: Key[Array, ""]) -> Asked:
    """A learner with all that it requires: the given parts, and fresh ones for roles that are not among them."""
    label, learner = learner_of(asked)
    found: Parts = {}
    if not learner.direction.moves:
        raise InputError(f"{label} sets its parts outright and moves none along a direction: it has no gradient")
    for place, (role, needs) in enumerate(learner.requires.items()):
        if role in parts:
            lacks = missing_from(parts[role], needs)
            if lacks:
                has = f"{type(parts[role]).__name__} has {', '.join(capabilities_of(parts[role]))}"
                raise InputError(f"{label} needs a part {role!r} with {', '.join(lacks)}; {has}")
            found[role] = parts[role]
            continue
        blank = usual(role, parts["model"], needs)
        if blank is None or missing_from(blank, needs):
            raise InputError(f"{label} needs a part {role!r}, and none is known that serves this model")
        if spec is None:
            raise InputError(f"{label} needs a part {role!r}: give it, or the spec of the data to make one")
        found[role] = blank.init(jax.random.fold_in(key, place), spec, parts["model"])
    return Asked(label, learner, found)


def enumerated(target: Target, parts: Mapping[str, Any]) -> str | None:
    """The learner that has a target without noise, in words; `None` where codes are no sums, or too many."""
    model, posterior = parts["model"], posterior_of(parts) if "inference" in parts else None
    if not (isinstance(model, HasFiniteCodes) and isinstance(posterior, HasPosterior)):
        return None
    count = model.code_count
    if target.objective == "dreams" or count > MOST_CODES:
        return None
    if target.objective != "bound":
        return f"enumeration:objective={target.objective}"
    return f"enumeration:objective=bound:k={target.k}" if sets_of(count, target.k) <= MOST_SETS else None


def references_of(asked: Iterable[Asked], parts: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """For each label and part the label of the learner that has its target for a mean, where there is one.

    The target is written out where that can be done. Else it is estimated by the first learner that claims to be
    unbiased for it, if another learner has the same target and is compared with it: a chain's long run serves where
    no independent draws do.
    """
    targets = {one.label: one.targets for one in asked}
    every = [(one, part) for one in asked for part in one.moved if part in targets[one.label]]
    found = {}
    for one, part in every:
        target = targets[one.label][part]
        words = enumerated(target, parts)
        if words is None:
            alike = [other for other, of in every if of == part and targets[other.label][of].same(target)]
            claims = ("unbiased", "asymptotic")
            sound = [one for claim in claims for one in alike if targets[one.label][part].claim == claim]
            if len(alike) < 2 or not sound:
                continue
            words = sound[0].label
        found[one.label, part] = words
    return found
