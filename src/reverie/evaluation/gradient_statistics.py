"""What the directions of learners are like on the same parts and rows: bias, variance, cosine, signal to noise.

With draws g_1, g_2, … of a learner's direction for one part, and a reference r, the gradient that it estimates:

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
from reverie.data import Batch, Spec
from reverie.errors import InputError
from reverie.evaluation.gradient_lengths import length, squared_bias, squared_norm
from reverie.evaluation.gradient_references import Asked, asked_of, references_of
from reverie.learners import Learner
from reverie.learners.target import Target
from reverie.parts import Parts, parameters
from reverie.samplers import Tick

GROUPS = 20
LONGER = 10
"""How many times the draws of the others a reference gets that is no closed form."""
NUMBERS = 2**24
"""About how many numbers the directions of groups that run side by side may have."""
LATE = 10**6
"""The step at which a learner is asked where nobody says: after every warm-up."""
CERTAIN = 4.0
"""Standard errors from which on a bias is no accident."""


class PartStatistics(NamedTuple):
    """A learner's direction for one part.

    Attributes:
        learner: the learner.
        part: the part.
        size: how many numbers the direction has.
        norm: ‖E g‖.
        norm_se: its standard error.
        bias: ‖E g − r‖; `None` where there is no r, or where r is the learner's own long run.
        bias_se: its standard error.
        bias_errors: its square in standard errors of that square: 4 and more is no accident.
        variance: E ‖g − E g‖².
        cosine: E cos(g, r); `None` where there is no r.
        cosine_se: its standard error.
        snr: ‖E g‖ / √variance.
        target: the gradient that the learner estimates, in words; `None` where it declares none.
        claim: what it claims to be for it: `unbiased`, `asymptotic`, `scaled` or `biased`.
        reference: the learner that r comes from; `None` where there is nothing to compare with.
        exact: whether r is without noise; else it is a long run.
        length: ‖r‖.
        verdict: on the bias, in words.
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
    target: str | None
    claim: str | None
    reference: str | None
    exact: bool | None
    length: float | None
    verdict: str


class GradientStatistics(NamedTuple):
    """A table of `PartStatistics`.

    Attributes:
        reference: the learner that somebody chose for all to be compared with; `None`: each with its own target.
        rows: how many rows the directions are means over.
        draws: how many directions each learner gave.
        table: one entry for each learner and part.
    """

    reference: str | None
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


class _Found(NamedTuple):
    """Of one part: the means of the groups [groups, size], the variance within them, the mean cosines [groups]."""

    means: np.ndarray
    within: float
    cosines: np.ndarray


class _Reference(NamedTuple):
    """The means of a reference's groups for one part, whose they are, and whether they are without noise."""

    label: str
    exact: bool
    means: np.ndarray


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
    moved = asked.moved
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


def _statistics(
    label: str, part: str, found: _Found, target: Target | None, reference: _Reference | None, *, chosen: bool = False
) -> PartStatistics:
    groups, size = found.means.shape
    norm, norm_se = length(*squared_norm(found.means))
    between = float(np.square(found.means - found.means.mean(axis=0)).sum()) / max(1, groups - 1)
    variance = found.within + between
    entry = PartStatistics(
        learner=label,
        part=part,
        size=size,
        norm=norm,
        norm_se=norm_se,
        bias=None,
        bias_se=None,
        bias_errors=None,
        variance=variance,
        cosine=None,
        cosine_se=None,
        snr=norm / math.sqrt(variance) if variance > 0 else math.inf,
        target=target.words if target else None,
        claim=target.claim if target else None,
        reference=None,
        exact=None,
        length=None,
        verdict="not compared" if target or chosen else "no target",
    )
    if reference is None:
        return entry
    entry = entry._replace(
        cosine=float(found.cosines.mean()),
        cosine_se=float(found.cosines.std(ddof=1)) / math.sqrt(groups) if groups > 1 else 0.0,
        reference=reference.label,
        exact=reference.exact,
        length=length(*squared_norm(reference.means))[0],
    )
    if reference.label == label and not chosen:
        return entry._replace(verdict="the reference")
    square, square_se = squared_bias(found.means, reference.means)
    bias, bias_se = length(square, square_se)
    errors = square / square_se if square_se > 0 else 0.0
    verdict = _verdict(errors, None if chosen or target is None else target.claim)
    return entry._replace(bias=bias, bias_se=bias_se, bias_errors=errors, verdict=verdict)


def _verdict(errors: float, claim: str | None) -> str:
    """On a bias, given what was claimed; `None`: nothing of this reference."""
    if errors < CERTAIN:
        return "none seen"
    declared = {"scaled": "scaled, as declared", "biased": "biased, as declared", "asymptotic": "biased still"}
    return "differs" if claim is None else declared.get(claim, "biased")


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
        reference: the learner that all are compared with. Where none is given, each is compared with the gradient that
            it declares to estimate: by enumeration where codes are few, else with a run, of ten times the draws, of the
            first learner that claims to be unbiased for that gradient. Where no two share it there is no bias to tell.
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
    chosen = reference is not None
    if reference is not None:
        true = asked_of(reference, parts, spec, key_parts)
        wanted = {(one.label, part): true.label for one in asked for part in one.moved}
        known = {one.label: one for one in asked} | {true.label: true}
    else:
        wanted = references_of(asked, parts)
        known = {one.label: one for one in asked}
    sources: dict[str, dict[str, _Reference]] = {}
    for place, label in enumerate(dict.fromkeys(wanted.values())):
        one = known[label] if label in known else asked_of(label, parts, spec, key_parts)
        heard(f"{label}, a reference")
        many, long = (GROUPS, 0) if one.exact else (LONGER * draws, settle)
        found = _run(one, batch, {}, jax.random.fold_in(key_reference, place), many, long, step)
        sources[label] = {
            part: _Reference(label, one.exact, means[:1] if one.exact else means)
            for part, (means, _, _) in found.items()
        }
    table = []
    for place, one in enumerate(asked):
        heard(one.label)
        own = {part: sources[wanted[one.label, part]].get(part) for part in one.moved if (one.label, part) in wanted}
        means = {part: its.means.mean(axis=0) for part, its in own.items() if its is not None}
        found = _run(one, batch, means, jax.random.fold_in(key_draws, place), draws, settle, step)
        for part, its in found.items():
            target = one.targets.get(part)
            table.append(_statistics(one.label, part, its, target, own.get(part), chosen=chosen))
    return GradientStatistics(true.label if chosen else None, int(batch.index.shape[0]), draws, tuple(table))
