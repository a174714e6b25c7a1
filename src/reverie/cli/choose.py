"""The pair that a person asked for, completed where they did not say."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from reverie.cli.words import listed
from reverie.errors import InputError

if TYPE_CHECKING:
    from reverie.data import Spec
    from reverie.learners import Learner
    from reverie.parts import Part

PREFERRED = {
    "realnvp": "it has an exact likelihood and fits continuous columns well",
    "gaussian-mixture": "it has an exact likelihood and takes a single continuous column",
    "made": "it has an exact likelihood and fits bits well",
    "vae": "it takes columns of every kind",
}
"""Models for people who name none, the best first, and why."""


class Choice(NamedTuple):
    """A blank pair, the other parts that were asked for, and what to tell a person about it."""

    model: "Part"
    learner: "Learner"
    parts: dict[str, "Part"]
    notes: list[str]


def choose(
    spec: "Spec",
    model: str | None,
    learner: str | None,
    others: Mapping[str, str | None],
    options: Mapping[str, Mapping[str, Any]],
) -> Choice:
    """The pair, with defaults that suit the data where nothing was said.

    Args:
        spec: what the data are.
        model: the model's name, if one was given.
        learner: likewise.
        others: other parts' names by role, where they were given.
        options: part → name → value, as words.
    """
    from reverie.models import MODELS
    from reverie.options import pick
    from reverie.pairing import REGISTRIES, make_learner, make_part, serving

    known = [*REGISTRIES, "learner", "optimiser"]
    strangers = [role for role in options if role not in known]
    if strangers:
        raise InputError(f"there is no part {strangers[0]!r} to set an option of; there are {listed(known)}")
    notes = []
    rule = None if learner is None else make_learner(learner, options.get("learner"))
    if model is None:
        model, why = _fitting(spec, rule)
        notes.append(f"model: {model}, since none was named and {why}; --model chooses another")
    else:
        model = pick("model", model, MODELS)
    definition = make_part("model", model, options.get("model", {}))
    if rule is None:
        names = serving(definition)
        if not names:
            raise InputError(f"no learner fits {model}")
        rule = make_learner(names[0], options.get("learner"))
        more = f"; {listed(names[1:])} would fit too" if len(names) > 1 else ""
        notes.append(f"learner: {names[0]}, the first that fits {model}{more}")
    return Choice(definition, rule, _others(definition, rule, others, options), notes)


def _fitting(spec: "Spec", rule: "Learner | None") -> tuple[str, str]:
    """The first model that takes such data, and that the learner fits where there is one."""
    from reverie.models import MODELS
    from reverie.pairing import missing

    for name in [*PREFERRED, *(name for name in MODELS if name not in PREFERRED)]:
        blank = MODELS[name]()
        if blank.unsuited(spec) is None and (rule is None or not missing(blank, rule)):
            why = PREFERRED.get(name, "it takes such data") if rule is None else f"{rule.name} fits it"
            return name, why
    by = "" if rule is None else f" that {rule.name} fits"
    raise InputError(f"no model here{by} takes {spec.kind} columns: try another --measure")


def _others(
    model: "Part", rule: "Learner", named: Mapping[str, str | None], options: Mapping[str, Mapping[str, Any]]
) -> dict[str, "Part"]:
    """The parts beside the model that were named or given options; a default part may be given options too."""
    from reverie.pairing import make_part, name_of, supply

    found = {}
    for role, name in named.items():
        if name is None and role not in options:
            continue
        if role not in rule.requires:
            raise InputError(f"{rule.name} uses no part named {role}; it uses {listed(rule.requires)}")
        if name is None:
            default = supply(model, rule)[role]
            if default is None:
                raise InputError(f"say which --{role} its options belong to: none is known for this model")
            name = name_of(default)[1]
        found[role] = make_part(role, name, options.get(role, {}))
    return found
