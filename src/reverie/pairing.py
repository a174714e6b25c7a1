"""Which learner fits which model: checked once, before the loop."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from jaxtyping import Array, Key

from reverie.auxiliaries import AUXILIARIES
from reverie.capabilities import capabilities_of, missing_from
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference import INFERENCE
from reverie.learners import LEARNERS, Learner
from reverie.models import MODELS
from reverie.options import option_types, pick, read_options
from reverie.parts import Part, Parts, keys_for

REGISTRIES: dict[str, dict[str, type[Part]]] = {"model": MODELS, "inference": INFERENCE, **AUXILIARIES}

FIRST = (
    "em", "denoising", "flow-matching", "mle", "vector-quantisation", "m2", "jem", "marginal-elbo",
    "elbo", "jsa", "pcd", "gan",
)  # fmt: skip
"""The learners that are tried first where nobody chose: what the model was made for, exact before bounded, bounded
before adversarial."""
MOST_NAMES = 6
"""Names that a refusal gives of what would serve."""


@functools.cache
def _usual_form(make: Callable[[], Any]) -> Any:
    """A learner or a blank part at its default options; neither ever changes, so one does for all."""
    return make()


class Verdict(NamedTuple):
    """Whether a pair fits, and the capabilities that are missing where it does not."""

    model: str
    learner: str
    fits: bool
    missing: tuple[str, ...]


def make_part(role: str, name: str, options: Mapping[str, Any]) -> Part:
    """A blank part from its name in the registry and its options, as words or values."""
    if role not in REGISTRIES:
        raise InputError(f"there is no part {role!r}; the parts are: {', '.join(REGISTRIES)}.")
    name = pick(role, name, REGISTRIES[role])
    cls = REGISTRIES[role][name]
    return cls(**read_options(name, part_options(cls), options))


def part_options(cls: type[Part]) -> dict[str, tuple[Any, Any]]:
    """The options of a class of parts: name → (type, default)."""
    optional = {field.name for field in dataclasses.fields(cls) if field.metadata.get("reverie-role") == "option"}
    return {name: kind for name, kind in option_types(cls).items() if name in optional}


def name_of(part: Part) -> tuple[str, str]:
    """(role, name in the registry) of a part."""
    for role, registry in REGISTRIES.items():
        for name, cls in registry.items():
            if type(part) is cls:
                return role, name
    raise InputError(f"{type(part).__name__} is in no registry; add a row to MODELS, INFERENCE or AUXILIARIES")


def make_learner(name: str, options: Mapping[str, Any] | None = None) -> Learner:
    """A learner from its name and options."""
    name = pick("learner", name, LEARNERS)
    return LEARNERS[name](**read_options(name, option_types(LEARNERS[name], skip=("return",)), options or {}))


def supply(model: Part, learner: Learner, given: Mapping[str, Part] | None = None) -> dict[str, Part | None]:
    """The parts that the learner asks for: the model, what was given, and defaults for the rest."""
    parts: dict[str, Part | None] = {"model": model}
    for name in learner.requires:
        if name != "model":
            parts[name] = (given or {}).get(name) or usual(name, model, learner.requires[name], learner.usual.get(name))
    return parts


def usual(role: str, model: Part, needs: tuple[type, ...], preferred: str | None = None) -> Part | None:
    """The part that serves where nobody chose, blank.

    It is the model's usual one, the learner's, or the first in the registry that can. Where none has all the
    capabilities that are needed, the first that serves the model is what the refusal names.
    """
    registry = REGISTRIES[role]
    names = [*(name for name in (model.usual.get(role), preferred) if name in registry), *registry]
    serving = [part for part in (_usual_form(registry[name]) for name in names) if part.unserving(model) is None]
    return next((part for part in serving if not missing_from(part, needs)), serving[0] if serving else None)


def missing(model: Part, learner: Learner, given: Mapping[str, Part] | None = None) -> dict[str, tuple[str, ...]]:
    """For each part, the capabilities that it lacks: the model's first, since the rest depends on it."""
    lacks = missing_from(model, learner.requires["model"])
    if lacks:
        return {"model": lacks}
    parts = supply(model, learner, given)
    found = {name: missing_from(parts[name], needs) for name, needs in learner.requires.items()}
    return {name: names for name, names in found.items() if names}


def serving(model: Part) -> list[str]:
    """The learners that fit a model at their default options, by name: its usual one, those of `FIRST`, the rest."""
    own = model.usual.get("learner")
    names = dict.fromkeys([*([] if own is None else [own]), *FIRST, *LEARNERS])
    return [name for name in names if not missing(model, _usual_form(LEARNERS[name]))]


def usual_learner(model: Part, *, labels: bool) -> Learner:
    """The learner that is taken where nobody chose: the first that fits, and that finds the labels that it reads.

    Args:
        model: a blank model.
        labels: whether the data have any.
    """
    fitting = [make_learner(name) for name in serving(model)]
    return next((one for one in fitting if labels or not one.labels), fitting[0])


def check(model: Part, learner: Learner, given: Mapping[str, Part] | None = None) -> dict[str, Part]:
    """The blank parts of a pair that fits; one that does not is refused in one sentence that says what would serve."""
    lacking = missing(model, learner, given)
    if not lacking:
        parts = supply(model, learner, given)
        extra = set(given or {}) - set(parts)
        if extra:
            raise InputError(
                f"{learner.name} uses no part named {', '.join(sorted(extra))}; it uses {', '.join(parts)}."
            )
        for name, part in parts.items():
            why = part.unserving(model) if part is not None and name != "model" else None
            if why is not None:
                other = usual(name, model, learner.requires[name])
                served = "" if other is None else f"; {name_of(other)[1]} would serve"
                raise InputError(f"{why}{served}")
        return {name: part for name, part in parts.items() if part is not None}
    role, names = next(iter(lacking.items()))
    part = supply(model, learner, given)[role] if role != "model" else model
    what = role if role == "model" else f"{role} part"
    article = "an" if role[0] in "aeiou" else "a"
    has = "none is known for this model"
    if part is not None:
        has = f"{type(part).__name__} has {', '.join(capabilities_of(part))}"
    if role in (given or {}):
        needs = learner.requires[role]
        names_serving = [name for name, cls in REGISTRIES[role].items() if all(issubclass(cls, need) for need in needs)]
    else:
        names_serving = serving(model)
    more = len(names_serving) - MOST_NAMES
    several = ", ".join(names_serving[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    serves = f"Try: {several}." if names_serving else "Nothing here serves."
    raise InputError(f"{learner.name} needs {article} {what} with {', '.join(names)}; {has}. {serves}")


def matrix(models: Iterable[str] = MODELS, learners: Iterable[str] = LEARNERS) -> tuple[Verdict, ...]:
    """Every model with every learner, at their default options."""
    verdicts = []
    for model_name in models:
        model = _usual_form(MODELS[model_name])
        for learner_name in learners:
            lacking = missing(model, _usual_form(LEARNERS[learner_name]))
            names = tuple(name for names in lacking.values() for name in names)
            verdicts.append(Verdict(model_name, learner_name, not names, names))
    return tuple(verdicts)


class Pairs(NamedTuple):
    """The matrix, as `reverie pairs` prints it."""

    models: tuple[str, ...]
    learners: tuple[str, ...]
    pairs: tuple[Verdict, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        verdicts = [pair._asdict() | {"missing": list(pair.missing)} for pair in self.pairs]
        return {"models": list(self.models), "learners": list(self.learners), "pairs": verdicts}


def pairs(model: str | None = None, learner: str | None = None) -> Pairs:
    """All models, all learners, and the verdict on every pair; or those of one model, or of one learner."""
    models = tuple(MODELS) if model is None else (pick("model", model, MODELS),)
    learners = tuple(LEARNERS) if learner is None else (pick("learner", learner, LEARNERS),)
    return Pairs(models, learners, matrix(models, learners))


def summary(role: str, name: str) -> str:
    """The first line of the docstring of a part or a learner."""
    unit = LEARNERS[name] if role == "learner" else REGISTRIES[role][name]
    return (unit.__doc__ or "").strip().splitlines()[0]


def fill(parts: Mapping[str, Part], key: Key[Array, ""], spec: Spec) -> Parts:
    """The parts with arrays that fit the data; refused where one cannot take such data."""
    for part in parts.values():
        why = part.unsuited(spec)
        if why is not None:
            raise InputError(why)
    keys = keys_for(key, parts)
    model = parts["model"].init(keys["model"], spec)
    rest = {name: part.init(keys[name], spec, model) for name, part in parts.items() if name != "model"}
    return {"model": model} | rest
