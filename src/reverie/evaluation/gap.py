"""The inference gap, and what it is made of: the family of posteriors, and the network that picks one for a row.

    log p(x) − ELBO(q_φ)  =  log p(x) − ELBO(q*)  +  ELBO(q*) − ELBO(q_φ)
    inference                approximation           amortisation

q* is the best of a family for the row alone, found by Adam: factorised (for reals a diagonal Gaussian), and, where all
blocks are reals, a flow as well. Cremer, Li & Duvenaud 2018, *Inference suboptimality in variational autoencoders*, §3.

log p(x) is exact where the model gives it or its codes are few; else the highest of several lower bounds: by annealing,
by weighting codes of the inference model, and by weighting codes of the q*. What it misses is missing from the
inference and approximation gaps; what Adam misses is added to the approximation gap and taken from the amortisation
gap.
"""

import math
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasJointSample, HasLogJoint, HasLogProb, Proposes, Reparameterised, posterior_of
from reverie.data import Measure
from reverie.errors import InputError
from reverie.estimate import Estimate, failed, mean_of
from reverie.evaluation.annealing_codes import annealed_likelihood
from reverie.evaluation.bounds import row_bounds
from reverie.evaluation.chunks import count_rows, fingerprints, in_chunks, seen
from reverie.evaluation.likelihood import score
from reverie.evaluation.local import elbo, factorised, flow
from reverie.evaluation.weights import log_mean_weight
from reverie.evaluation.widths import joint_width
from reverie.parts import Parts

FLOW = "flow"
DRAWS, JUDGES, STARTS = 16, 512, 64
"""Codes of a row in a step of Adam, at its end, and to take starting values from."""
RATE = 0.05
ROWS, NUMBERS = 32, 2**24
"""The most rows in a chunk, and about how many numbers one layer of it may have."""
STILL_RISING = 0.1
"""Nats that the mean over the last quarter of the steps may exceed that of the quarter before."""


Annealed: TypeAlias = tuple[Estimate, np.ndarray]
"""The mean of log p(x) over rows, and each row's."""


class Family(NamedTuple):
    """One family of posteriors, the best of which was found for each row alone.

    Attributes:
        name: in words.
        elbo: of the best of the family.
        approximation: log p(x) − `elbo`.
        amortisation: `elbo` − that of the inference model; `None` where that has none.
    """

    name: str
    elbo: Estimate
    approximation: Estimate
    amortisation: Estimate | None


class Gap(NamedTuple):
    """The inference gap and its two parts, in nats a row.

    Attributes:
        log_likelihood: log p(x).
        method: how that was found, in words.
        elbo: of the inference model; `None` where it has none.
        inference: log p(x) − `elbo`.
        families: the split, for each family of posteriors.
        notes: what there is to say besides.
    """

    log_likelihood: Estimate
    method: str
    elbo: Estimate | None
    inference: Estimate | None
    families: tuple[Family, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""

        def plain(value: Any) -> Any:
            return value.to_dict() if isinstance(value, Estimate) else value

        found: dict[str, Any] = {name: plain(value) for name, value in self._asdict().items()}
        families = [{name: plain(value) for name, value in one._asdict().items()} for one in self.families]
        return found | {"families": families, "notes": list(self.notes)}


@eqx.filter_jit
def _optimised(
    model: Any, posterior: Any, measure: Measure, key: Key[Array, ""], steps: int, family: str, rows: PyTree
) -> tuple[Array, Array, Array]:
    """For each row the weights of codes of the best posterior found, [rows, codes], the correction, and the rise.

    The rise is that of the bound from the third to the last quarter of the steps.

    The noise of a step is common to all rows and both families, and is fresh in each step: what is fitted is the
    expectation. The codes at the end come from noise of their own.
    """
    schedule = optax.cosine_decay_schedule(RATE, steps)
    # The key itself is for what all figures of a row share: the view that a random measure gives of it.
    key_start, key_steps, key_judge, key_flow = jax.random.split(jax.random.fold_in(key, 1), 4)
    starts = jax.random.split(key_start, STARTS)

    def begin(x: PyTree) -> Any:
        if isinstance(posterior, Proposes):
            h = jax.vmap(lambda one: posterior.propose(one, x)[0])(starts)
        elif isinstance(posterior, Reparameterised):
            h = jax.vmap(lambda one: posterior.transform(posterior.noise(one), x))(starts)
        else:
            h = jax.vmap(lambda one: model.sample_joint(one)[1])(starts)
        return factorised(model.latents, h)

    def ascended(q: Any, x: PyTree) -> tuple[Any, Array]:
        moving, still = eqx.partition(q, eqx.is_inexact_array)
        optimiser = optax.adam(schedule)

        def step(state: tuple[Any, Any], i: Array) -> tuple[tuple[Any, Any], Array]:
            moving, memory = state
            keys = jax.random.split(jax.random.fold_in(key_steps, i), DRAWS)

            def down(moving: Any) -> tuple[Array, Array]:
                value, objective = elbo(eqx.combine(moving, still), model, x, keys)
                return -objective, jnp.mean(value)

            (_, value), slope = jax.value_and_grad(down, has_aux=True)(moving)
            slope = jax.tree.map(lambda g: jnp.where(jnp.isfinite(g), g, 0.0), slope)
            updates, memory = optimiser.update(slope, memory, moving)
            return (optax.apply_updates(moving, updates), memory), value

        (moving, _), values = jax.lax.scan(step, (moving, optimiser.init(moving)), jnp.arange(steps))
        quarter = max(1, steps // 4)
        rise = jnp.mean(values[-quarter:]) - jnp.mean(values[-2 * quarter : -quarter])
        return eqx.combine(moving, still), rise

    def one(words: Array, raw: PyTree) -> tuple[Array, Array, Array]:
        x, correction, _ = seen(measure, key, words, raw)
        q, rise = ascended(begin(x), x)
        if family == FLOW:
            q, rise = ascended(flow(key_flow, q), x)
        value, _ = elbo(q, model, x, jax.random.split(key_judge, JUDGES))
        return value, correction, rise

    return jax.vmap(one)(*rows)


class _Best(NamedTuple):
    """The best posterior of each row: its bound, the bound of weighting its codes, their effective number, the rise."""

    elbo: np.ndarray
    weighed: np.ndarray
    ess: np.ndarray
    rise: np.ndarray


class _Truth(NamedTuple):
    """log p(x): the estimate, the rows' values, and how it was found, in words."""

    estimate: Estimate
    values: np.ndarray
    method: str

    @property
    def exact(self) -> bool:
        return self.estimate.kind == "exact"

    def above(self, below: np.ndarray, kind: str) -> Estimate:
        """The mean difference from a bound."""
        if self.estimate.failed:
            return failed("; ".join(self.estimate.warnings), n=below.size)
        return mean_of(self.values - below, kind)


def _likelihood(
    parts: Parts,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    annealed: Annealed | None,
    samples: int,
    best: dict[str, _Best],
) -> _Truth:
    model = parts["model"]
    if isinstance(model, HasLogProb):
        scores = score(parts, measure, raw, key)
        assert scores is not None
        return _Truth(mean_of(scores.values, scores.kind), scores.values, "the model's own density")
    if annealed is not None and annealed[0].kind == "exact":
        return _Truth(*annealed, "a sum over all codes")
    weighed = row_bounds(parts, measure, raw, key, samples=samples, ks=(samples,)) if "inference" in parts else None
    found = [] if annealed is None else [_Truth(*annealed, "annealing")]
    if weighed is not None:
        mean = mean_of(weighed.curve[:, 0], "lower bound", ess=float(weighed.ess.mean()))
        found.append(_Truth(mean, weighed.curve[:, 0], f"importance weighting with {samples:,} codes"))
    for name, one in best.items():
        mean = mean_of(one.weighed, "lower bound", ess=float(one.ess.mean()))
        found.append(_Truth(mean, one.weighed, f"importance weighting with {JUDGES} codes of each row's best {name}"))
    return max(found, key=lambda one: -np.inf if one.estimate.failed else one.estimate.value)


def inference_gap(
    parts: Parts,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    *,
    steps: int = 500,
    samples: int = 5000,
    annealing: dict[str, int] | None = None,
    annealed: Annealed | None = None,
    flows: bool = True,
) -> Gap | None:
    """The inference gap of rows, split; `None` for a model without latent variables.

    Args:
        parts: the filled parts.
        measure: how a raw row becomes the model's.
        raw: the rows.
        key: of everything random.
        steps: of Adam, for each row and family.
        samples: codes for each row of the importance-weighted bound that log p(x) may be, and of the inference model's
            own bound.
        annealing: `chains`, `temperatures` and `leaps` of the annealed bound that log p(x) may be.
        annealed: what `annealed_likelihood` gave for these rows and this key, where it is known already.
        flows: whether to fit flows too.
    """
    model, posterior = parts["model"], posterior_of(parts) if "inference" in parts else None
    if not isinstance(model, HasLogJoint):
        return None
    if steps < 8 or samples < 1:
        raise InputError(f"the gap needs at least 8 steps and 1 sample, not {steps} and {samples}")
    raw = jax.tree.map(np.asarray, raw)
    if not jax.tree.leaves(raw) or not count_rows(raw):
        raise InputError("there are no rows to evaluate")
    if not isinstance(posterior, Proposes | Reparameterised) and not isinstance(model, HasJointSample):
        return None
    own = row_bounds(parts, measure, raw, key, samples=min(samples, 1000))
    reals = {latent.kind for latent in model.latents} == {"reals"}
    # As many rows side by side as their codes leave room for; of the widest models one at a time.
    room = NUMBERS // (JUDGES * joint_width(model, measure, raw))
    size = 2 ** int(math.log2(min(max(room, 1), ROWS)))
    names = ["diagonal Gaussian" if reals else "factorised posterior", *([FLOW] if flows and reals else [])]

    def best_of(name: str) -> _Best:
        def chunk(rows: PyTree) -> tuple[np.ndarray, ...]:
            found = _optimised(model, posterior, measure, key, steps, name, rows)
            log_w, correction, rise = (np.asarray(one, np.float64) for one in found)
            weighed, ess = log_mean_weight(log_w)
            return log_w.mean(axis=1) + correction, weighed + correction, ess, rise

        return _Best(*in_chunks(chunk, (fingerprints(raw), raw), size))

    best = {name: best_of(name) for name in names}
    if annealed is None and not isinstance(model, HasLogProb):
        annealed = annealed_likelihood(model, measure, raw, key, **(annealing or {}))
    truth = _likelihood(parts, measure, raw, key, annealed, samples, best)
    families = tuple(
        Family(
            name,
            mean_of(one.elbo, "lower bound"),
            # An optimiser that stops short makes a gap too large, a log p(x) that is a bound makes it too small.
            truth.above(one.elbo, "upper bound" if truth.exact else "optimistic"),
            None if own is None else mean_of(one.elbo - own.elbo, "lower bound"),
        )
        for name, one in best.items()
    )
    return Gap(
        truth.estimate,
        truth.method,
        None if own is None else mean_of(own.elbo, "lower bound"),
        None if own is None else truth.above(own.elbo, "unbiased" if truth.exact else "lower bound"),
        families,
        (
            *_notes(families, best),
            *([] if reals or not flows else ["a flow needs latent variables that are all reals"]),
        ),
    )


def _notes(families: tuple[Family, ...], best: dict[str, _Best]) -> list[str]:
    """What there is to say of the optimiser and of the inference model, in words."""
    notes = []
    for name, one in best.items():
        rise = float(np.mean(one.rise))
        if rise > STILL_RISING:
            said = f"the {name} was still gaining {rise:.2f} nats when it ended"
            notes.append(f"{said}: give it more steps (`--gap-steps`)")
    amortised = families[0].amortisation
    if amortised is None:
        notes.append("the inference model's codes cannot be weighed: it has no bound, and no amortisation gap")
    elif amortised.value < -3.0 * amortised.se:
        notes.append(f"the inference model does better than the best {families[0].name}: its family is richer")
    return notes
