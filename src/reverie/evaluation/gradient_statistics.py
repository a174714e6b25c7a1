"""What the directions of learners are like on the same parts and rows: bias, variance, cosine, signal to noise.

With draws g_1, g_2, … of a learner's direction for one part, and a reference r, the direction that it should have:

    norm      ‖E g‖                                     bias      ‖E g − r‖
    variance  E ‖g − E g‖²                              cosine    E cos(g, r)
    SNR       ‖E g‖ / √variance

The lengths of means are what a sum over draws overstates by its own noise: their squares are taken over pairs of
independent groups of draws, which is unbiased, with the jackknife's standard error over the groups. A group has a chain
and a memory of its own, which have settled before its first draw counts.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import HasFiniteCodes, HasPosterior, capabilities_of, missing_from, posterior_of
from reverie.data import Batch, Spec
from reverie.errors import InputError
from reverie.evaluation.gradient_lengths import length, squared_bias, squared_norm
from reverie.learners import LEARNERS, Learner
from reverie.options import pick
from reverie.pairing import make_learner, usual
from reverie.parts import Parts, parameters
from reverie.samplers import Tick

GROUPS = 20
LONGER = 10
"""How many times the draws of the others a reference gets that is no closed form."""
MOST_CODES = 2**12
"""Codes up to which enumeration is the reference where nobody chose."""
NUMBERS = 2**24
"""About how many numbers the directions of groups that run side by side may have."""
LATE = 10**6
"""The step at which a learner is asked where nobody says: after every warm-up."""


class PartStatistics(NamedTuple):
    """A learner's direction for one part.

    Attributes:
        learner: the learner.
        part: the part.
        size: how many numbers the direction has.
        norm: ‖E g‖.
        norm_se: its standard error.
        bias: ‖E g − r‖; `None` where the reference does not move the part.
        bias_se: its standard error.
        bias_errors: its square in standard errors of that square: 4 and more is no accident.
        variance: E ‖g − E g‖².
        cosine: E cos(g, r); `None` as for the bias.
        cosine_se: its standard error.
        snr: ‖E g‖ / √variance.
    """

    learner: str
    part: str
    size: int
    norm: float
    norm_se: float
    bias: float | None
    bias_se: float | None
    bias_errors: float | None
    variance: float
    cosine: float | None
    cosine_se: float | None
    snr: float


class GradientStatistics(NamedTuple):
    """A table of `PartStatistics`.

    Attributes:
        reference: the learner whose direction is the reference.
        exact: whether that is without noise.
        norms: its length for each part.
        rows: how many rows the directions are means over.
        draws: how many directions each learner gave.
        table: one entry for each learner and part.
    """

    reference: str
    exact: bool
    norms: dict[str, float]
    rows: int
    draws: int
    table: tuple[PartStatistics, ...]

    def of(self, learner: str, part: str) -> PartStatistics:
        """One entry."""
        return next(one for one in self.table if (one.learner, one.part) == (learner, part))

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""

        def plain(value: Any) -> Any:
            return None if isinstance(value, float) and not math.isfinite(value) else value

        entries = [{name: plain(value) for name, value in one._asdict().items()} for one in self.table]
        return self._asdict() | {"table": entries}


class Asked(NamedTuple):
    """A learner, what it is called in the table, and all the parts that it moves or asks."""

    label: str
    learner: Learner
    parts: Parts


class _Found(NamedTuple):
    """Of one part: the means of the groups [groups, size], the variance within them, the mean cosines [groups]."""

    means: np.ndarray
    within: float
    cosines: np.ndarray


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


@eqx.filter_jit
def _groups(
    learner: Learner,
    parts: Parts,
    batch: Batch,
    references: dict[str, Array],
    keys: Key[Array, " groups"],
    counts: tuple[Array, Array],
    step: Array,
    side_by_side: int,
) -> dict[str, tuple[Array, Array, Array]]:
    """Of each part the mean direction, the variance and the mean cosine of each group.

    Directions are summed as deviations from the group's first one, so that those without noise have none by rounding.
    """
    settle, count = counts

    def group(key: Key[Array, ""]) -> dict[str, tuple[Array, Array, Array]]:
        key_chain, key_memory, key_steps = jax.random.split(key, 3)
        chain = learner.sampler.init(key_chain, parts, batch.index.shape[0], batch)
        memory = learner.direction.init(key_memory, parts)

        def one(i: Array, chain: PyTree, memory: PyTree) -> tuple[dict[str, Array], PyTree, PyTree]:
            key_draw, key_ascend = jax.random.split(jax.random.fold_in(key_steps, i))
            draw, chain, _ = learner.sampler.draw(Tick(key_draw, step), parts, batch, chain)
            ascent, memory, _ = learner.direction.ascend(Tick(key_ascend, step), parts, batch, draw, memory)
            vectors = {name: ravel_pytree(parameters(ascent.along[name]))[0] for name in references}
            return vectors, chain, memory

        def settled(i: Array, state: tuple[PyTree, PyTree]) -> tuple[PyTree, PyTree]:
            return one(i, *state)[1:]

        def counted(i: Array, state: tuple[Any, PyTree, PyTree]) -> tuple[Any, PyTree, PyTree]:
            sums, chain, memory = state
            vectors, chain, memory = one(settle + i, chain, memory)
            added = {}
            for name, vector in vectors.items():
                first, off, square, cosine = sums[name]
                first = jnp.where(i == 0, vector, first)
                deviation, reference = vector - first, references[name]
                lengths = jnp.sqrt(jnp.sum(vector**2) * jnp.sum(reference**2))
                turn = jnp.where(lengths > 0, jnp.dot(vector, reference) / jnp.maximum(lengths, 1e-30), 0.0)
                square = square + jnp.sum(deviation**2) / count
                added[name] = first, off + deviation / count, square, cosine + turn / count
            return added, chain, memory

        zero = jnp.zeros(())
        sums = {name: (*(jnp.zeros(one.shape),) * 2, zero, zero) for name, one in references.items()}
        start = jax.lax.fori_loop(0, settle, settled, (chain, memory))
        found = jax.lax.fori_loop(0, count, counted, (sums, *start))[0]
        return {
            name: (first + off, square - jnp.sum(off**2), cosine)
            for name, (first, off, square, cosine) in found.items()
        }

    return jax.lax.map(group, keys, batch_size=side_by_side)


def _run(
    asked: Asked,
    batch: Batch,
    references: Mapping[str, np.ndarray],
    key: Key[Array, ""],
    draws: int,
    settle: int,
    step: int,
) -> dict[str, _Found]:
    moved = [name for name in asked.learner.direction.moves if name in ("model", "inference")] or list(
        asked.learner.direction.moves
    )
    sizes = {name: ravel_pytree(parameters(asked.parts[name]))[0].size for name in moved}
    given = {name: jnp.asarray(references.get(name, np.zeros(sizes[name])), jnp.float32) for name in moved}
    groups = min(GROUPS, draws)
    per_group = -(-draws // groups)
    counts = jnp.asarray(settle), jnp.asarray(per_group)
    side_by_side = int(np.clip(NUMBERS // max(1, sum(sizes.values())), 1, groups))
    keys = jax.random.split(key, groups)
    found = _groups(asked.learner, asked.parts, batch, given, keys, counts, jnp.asarray(step), side_by_side)
    plain = {name: [np.asarray(one, np.float64) for one in found[name]] for name in moved}
    return {name: _Found(means, float(within.mean()), cosines) for name, (means, within, cosines) in plain.items()}


def _statistics(label: str, part: str, found: _Found, reference: np.ndarray | None) -> PartStatistics:
    groups, size = found.means.shape
    norm, norm_se = length(*squared_norm(found.means))
    between = float(np.square(found.means - found.means.mean(axis=0)).sum()) / max(1, groups - 1)
    variance = found.within + between
    snr = norm / math.sqrt(variance) if variance > 0 else math.inf
    if reference is None:
        return PartStatistics(label, part, size, norm, norm_se, None, None, None, variance, None, None, snr)
    square, square_se = squared_bias(found.means, reference)
    bias, bias_se = length(square, square_se)
    cosines = found.cosines
    cosine_se = float(cosines.std(ddof=1)) / math.sqrt(groups) if groups > 1 else 0.0
    errors = square / square_se if square_se > 0 else 0.0
    cosine = float(cosines.mean())
    return PartStatistics(label, part, size, norm, norm_se, bias, bias_se, errors, variance, cosine, cosine_se, snr)


def reference_for(parts: Mapping[str, Any], learners: Iterable[str | Learner]) -> str | Learner:
    """The reference where nobody chose: the lower bound's gradient by enumeration, or the first learner's long run."""
    model, posterior = parts["model"], posterior_of(parts) if "inference" in parts else None
    if isinstance(model, HasFiniteCodes) and model.code_count <= MOST_CODES and isinstance(posterior, HasPosterior):
        return "enumeration:objective=elbo"
    return next(iter(learners))


def gradient_statistics(
    parts: Mapping[str, Any],
    learners: Iterable[str | Learner],
    batch: Batch,
    *,
    reference: str | Learner | None = None,
    draws: int = 1000,
    settle: int = 100,
    seed: int = 0,
    step: int = LATE,
    spec: Spec | None = None,
    heard: Callable[[str], None] = lambda label: None,
) -> GradientStatistics:
    """Statistics of the directions of several learners on the same parts and rows.

    Args:
        parts: the filled parts; what a learner requires besides is made afresh.
        learners: values or words, such as `"reinforce"`, `"rws:k=10"`.
        batch: the rows, as the model sees them.
        reference: the learner whose direction is the true one; where none is given, the gradient of the evidence lower
            bound by enumeration where codes are few, else a run of the first learner with ten times the draws.
        draws: directions of each learner.
        settle: steps of chain and memory before the first of them, in each of the 20 groups.
        seed: of everything random.
        step: the step that schedules are asked at.
        spec: of the data, for parts that are made afresh.
        heard: called with a learner's label before it is run.
    """
    learners = list(learners)
    if not learners:
        raise InputError("say which learners' gradients to compare")
    if draws < 2 * GROUPS or settle < 0:
        raise InputError(f"gradients need at least {2 * GROUPS} draws and no negative settling, not {draws}, {settle}")
    key = noise.make_key(seed)
    key_parts, key_reference, key_draws = jax.random.split(key, 3)
    asked = [asked_of(one, parts, spec, key_parts) for one in learners]
    labels = [one.label for one in asked]
    if len(set(labels)) < len(labels):
        raise InputError(f"{next(one for one in labels if labels.count(one) > 1)} is named twice")
    true = asked_of(reference_for(parts, learners) if reference is None else reference, parts, spec, key_parts)
    heard(f"{true.label}, the reference")
    exact = true.learner.name == "enumeration"
    long = _run(true, batch, {}, key_reference, GROUPS if exact else LONGER * draws, 0 if exact else settle, step)
    references = {name: one.means[:1] if exact else one.means for name, one in long.items()}
    table = []
    for place, one in enumerate(asked):
        heard(one.label)
        means = {name: groups.mean(axis=0) for name, groups in references.items()}
        found = _run(one, batch, means, jax.random.fold_in(key_draws, place), draws, settle, step)
        table += [_statistics(one.label, name, part, references.get(name)) for name, part in found.items()]
    norms = {name: length(*squared_norm(groups))[0] for name, groups in references.items()}
    return GradientStatistics(true.label, exact, norms, int(batch.index.shape[0]), draws, tuple(table))
