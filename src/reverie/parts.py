"""λ as named parts: the model θ, an inference model φ, a critic ψ, …, and which optimiser moves which.

A `Part` is a value with two lives. Written by a person it is **blank**: options only, `VAE(latent=8)`. `init` gives the
same value filled with arrays that fit the data. Options are static, so a blank part is its own configuration; arrays
are leaves of the pytree, so a filled part is its own parameters.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import msgspec
import optax
from jaxtyping import Array, Key, PyTree

from reverie.data.spec import Spec
from reverie.errors import InputError

_ROLE = "reverie-role"


def option(default: Any) -> Any:
    """A field that a person sets and that the configuration keeps."""
    return eqx.field(static=True, default=default, metadata={_ROLE: "option"})


def learned() -> Any:
    """A field that `init` fills with arrays (or modules of arrays); blank until then."""
    return eqx.field(default=None, metadata={_ROLE: "learned"})


def known() -> Any:
    """A static field that `init` sets from the data's spec."""
    return eqx.field(static=True, default=None, metadata={_ROLE: "known"})


class Part(eqx.Module):
    """Abstract: a named part of λ. Subclasses declare `option`, `known` and `learned` fields and the method `init`."""

    usual: ClassVar[Mapping[str, str]] = {}
    """For a model: the name of the part, by role, or of the learner, that is taken where nobody chose."""

    @property
    def usual_reader(self) -> str:
        """For a model: by what an inference model reads rows where nobody chose: `mlp`, `conv` or `lstm`."""
        return "mlp"

    @abstractmethod
    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """The part with arrays that fit the data.

        Args:
            key: a key for the starting values.
            spec: what the data are.
            model: the filled model, for parts that serve one; `None` when the part is the model.
        """

    def unsuited(self, spec: Spec) -> str | None:
        """Why this part cannot be used on such data, in one sentence; `None` when it can."""
        return None

    def unserving(self, model: Any) -> str | None:
        """Why this part cannot serve such a model, in one sentence; `None` when it can."""
        return None


Parts = dict[str, Any]


def options_of(part: Part) -> dict[str, Any]:
    """The options of a part by name."""
    return {
        field.name: getattr(part, field.name)
        for field in dataclasses.fields(part)
        if field.metadata.get(_ROLE) == "option"
    }


def filled(part: Part, **fields: Any) -> Any:
    """The part with some fields set: what `init` returns."""
    return dataclasses.replace(part, **fields)


def parameters(tree: PyTree) -> PyTree:
    """The arrays that a learner moves: the floating-point leaves."""
    return eqx.filter(tree, eqx.is_inexact_array)


def count_parameters(tree: PyTree) -> int:
    """How many numbers a learner moves."""
    return sum(int(leaf.size) for leaf in jax.tree.leaves(parameters(tree)))


def norm(tree: PyTree) -> Array:
    """The Euclidean norm over all leaves."""
    return jnp.sqrt(sum((jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(tree)), start=jnp.zeros(())))


class Optimiser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a part moves along its direction.

    Args:
        name: `adam`, `adamw`, `sgd` or `rmsprop`, of optax.
        rate: the step size γ (its peak, under a schedule).
        schedule: `constant`, `cosine`, `linear` (both to zero at the last step) or `robbins-monro`
            (γ_t = rate / (1 + t / `half`)), for which Σγ_t = ∞ and Σγ_t² < ∞.
        warmup: steps of linear growth from zero.
        half: the step at which `robbins-monro` has halved the rate.
        clip: the largest norm of a part's direction; longer ones are shortened to it.
        momentum: of `sgd` and `rmsprop`; β₁ of `adam`.
        decay: weight decay of `adamw`.
    """

    name: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    rate: float = 1e-3
    schedule: Literal["constant", "cosine", "linear", "robbins-monro"] = "constant"
    warmup: int = 0
    half: int = 1000
    clip: float | None = None
    momentum: float | None = None
    decay: float = 1e-4

    def check(self) -> None:
        """Refuse values that no optimiser can use."""
        if not 0.0 < self.rate < float("inf"):
            raise InputError(f"the learning rate must be positive and finite, not {self.rate}")
        if self.warmup < 0 or self.half < 1:
            raise InputError("warmup must not be negative and half must be at least 1")
        if self.clip is not None and not self.clip > 0:
            raise InputError(f"clip must be positive, not {self.clip}")
        if self.momentum is not None and not 0 <= self.momentum < 1:
            raise InputError(f"momentum must lie in [0, 1), not {self.momentum}")
        if not 0 <= self.decay < float("inf"):
            raise InputError(f"decay must not be negative nor infinite, not {self.decay}")

    def learning_rate(self, steps: int | None) -> optax.Schedule:
        """The rate as a function of the step; schedules that end need to know how many steps there are."""
        if self.schedule in ("cosine", "linear") and steps is None:
            raise InputError(f"the {self.schedule} schedule needs a number of steps or epochs, not a time budget")
        length = max(1, (steps or 1) - self.warmup)
        after: optax.Schedule
        if self.schedule == "cosine":
            after = optax.cosine_decay_schedule(self.rate, length)
        elif self.schedule == "linear":
            after = optax.linear_schedule(self.rate, 0.0, length)
        elif self.schedule == "robbins-monro":
            after = lambda count: self.rate / (1.0 + count / self.half)
        else:
            after = optax.constant_schedule(self.rate)
        if self.warmup == 0:
            return after
        before = optax.linear_schedule(0.0, self.rate, self.warmup)
        return optax.join_schedules([before, after], [self.warmup])

    def build(self, steps: int | None) -> optax.GradientTransformation:
        """The optax transformation. It is fed the *negated* direction, since optax descends and directions ascend."""
        self.check()
        rate = self.learning_rate(steps)
        beta = 0.9 if self.momentum is None else self.momentum
        if self.name == "adam":
            base = optax.adam(rate, b1=beta)
        elif self.name == "adamw":
            base = optax.adamw(rate, b1=beta, weight_decay=self.decay)
        elif self.name == "sgd":
            base = optax.sgd(rate, momentum=self.momentum)
        else:
            base = optax.rmsprop(rate, momentum=self.momentum)
        return base if self.clip is None else optax.chain(optax.clip_by_global_norm(self.clip), base)


def merge(optimiser: Optimiser, changes: Mapping[str, Any]) -> Optimiser:
    """An optimiser with some fields changed, checked for type."""
    fields = msgspec.to_builtins(optimiser) | dict(changes)
    try:
        made = msgspec.convert(fields, Optimiser, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"the optimiser's settings are off: {error}") from None
    made.check()
    return made


def keys_for(key: Key[Array, ""], names: Iterable[str]) -> dict[str, Array]:
    """One key a name, each a function of the key and the name's place."""
    return {name: jax.random.fold_in(key, place) for place, name in enumerate(names)}
