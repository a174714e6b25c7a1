"""log Z = log Σ_x exp u(x): by enumeration, or by an estimate that says when it failed."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from reverie import noise
from reverie.capabilities import HasEnumeration, HasLogNormaliser, HasTempering, whole_of
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation.adjusted_mixture import wander
from reverie.evaluation.annealing import anneal
from reverie.evaluation.tempered_smc import anneal_populations

MOST_STATES = 2**25
AUTO_STATES = 2**18
"""Up to here a sum over all states takes no longer than 256 chains through 1,000 temperatures."""
STATES = 2**12
"""States that are summed at once."""
LEVELS = (1, 4, 16)
"""How many times the temperatures that were asked for are tried in turn."""
FEWEST_CHAINS = 16
APART, ALIKE = 3.0, 0.02
"""Errors by which a learned log normaliser may lie off; nats that an error is not taken for less than."""


@eqx.filter_jit
def _log_sums(model: Any, chunks: int, width: int) -> Array:
    """The log of the sum over each chunk of `width` states."""
    levels = model.enumeration_levels
    binary = all(count == 2 for count in levels)
    # The first variable changes fastest: its stride is one.
    strides = np.cumprod([1, *levels])[:-1].astype(np.uint32)

    def term(number: Array, inside: Array) -> Array:
        values = number // strides % np.asarray(levels, np.uint32)
        state = values == 1 if binary else values.astype(jnp.int32)
        return jnp.where(inside, model.enumerated_term(state), -jnp.inf)

    def chunk(start: Array) -> Array:
        numbers = start + jnp.arange(width, dtype=jnp.uint32)
        return jax.nn.logsumexp(jax.vmap(term)(numbers, numbers < math.prod(levels)))

    return jax.lax.map(chunk, jnp.arange(chunks, dtype=jnp.uint32) * jnp.uint32(width))


def _enumerated(model: Any) -> Estimate:
    states = math.prod(model.enumeration_levels)
    if states > MOST_STATES:
        raise InputError(
            f"exact log Z would sum over 2^{math.log2(states):.4g} states and the most is 2^25: try method='ais'"
        )
    width = min(states, STATES)
    # The chunks are added up in float64: thousands of float32 additions would show in the sixth digit.
    value = float(np.logaddexp.reduce(np.asarray(_log_sums(model, -(-states // width), width), np.float64)))
    if not math.isfinite(value):
        return failed("log Z is not finite: the model's potential overflows or its parameters are not finite")
    return Estimate(value, 0.0, "exact")


def sums_out(model: Any) -> bool:
    """Whether `auto` sums over all states of a model, or of the one that it is part of."""
    model = whole_of(model)
    return isinstance(model, HasEnumeration) and math.prod(model.enumeration_levels) <= AUTO_STATES


def learned_normaliser(parts: Mapping[str, Any], log_z: Estimate | None = None) -> Estimate | None:
    """The log normaliser c that a learner found along with the model; `None` where it found none.

    How it errs is not known. Where log Z is known by other means, the estimate says when the two are apart by more than
    three errors.

    Args:
        parts: the filled parts; `normaliser` is asked.
        log_z: log Z by a sum or by annealing.
    """
    part = parts.get("normaliser")
    if not isinstance(part, HasLogNormaliser):
        return None
    value = float(part.log_normaliser())
    if not math.isfinite(value):
        return failed("the learned log normaliser is not finite")
    return Estimate(value, math.nan, "learned", warnings=_apart(value, log_z))


def _apart(value: float, log_z: Estimate | None) -> tuple[str, ...]:
    if log_z is None:
        return ()
    if log_z.failed:
        return ("log Z by other means failed: nothing tells how far off the learned one is",)
    gap, error = value - log_z.value, max(log_z.se, ALIKE)
    if abs(gap) <= APART * error:
        return ()
    by = "exact" if log_z.kind == "exact" else "annealed"
    side = "above" if gap > 0 else "below"
    return (f"it lies {abs(gap):.3g} nats {side} the {by} log Z, more than {APART:g} errors: believe that one",)


def log_normaliser(
    model: Any,
    *,
    method: Literal["auto", "ais", "smc", "sa", "exact"] = "auto",
    seed: int = 0,
    chains: int = 256,
    temperatures: int = 1000,
    attempts: int = len(LEVELS),
    start: PyTree = None,
) -> Estimate:
    """log Z in nats: exact, a lower bound (AIS), consistent (stochastic approximation), or failed, with the reason.

    Args:
        model: a filled model that `HasEnumeration` or `HasTempering`, or is part of one that does.
        method: `exact` sums over all states, up to 2^25 of them; `ais` anneals once, `smc` with chains that are
            resampled on their way; `sa` lets chains wander between temperatures; `auto` sums up to 2^18 states and
            otherwise anneals, after a failure four and then sixteen times as slowly.
        seed: of the chains.
        chains: how many go forward; half as many come back, as a check. Of `sa`, how many wander.
        temperatures: steps from the base to the model; of `sa`, steps of the recursion.
        attempts: how often `auto` anneals, from 1 to 3.
        start: states [n, …] of the model (or of the one that it is part of), such as training rows or a learner's
            particles, from which half of the chains that come back begin, so that a mode that they know and annealing
            misses is told of; the others, and all where none are given, begin at scattered states.

    Example:
        >>> import numpy as np
        >>> from reverie.models import RBM
        >>> rbm = RBM.from_arrays(weights=np.zeros((3, 2)), visible_bias=np.zeros(3), hidden_bias=np.zeros(2))
        >>> round(log_normaliser(rbm).value, 4)  # 5 log 2
        3.4657
    """
    if method not in ("auto", "ais", "smc", "sa", "exact"):
        raise InputError(f"method must be auto, ais, smc, sa or exact, not {method!r}")
    if chains < FEWEST_CHAINS or temperatures < 1:
        raise InputError(
            f"AIS needs at least {FEWEST_CHAINS} chains and 1 temperature, not {chains} and {temperatures}"
        )
    if not 1 <= attempts <= len(LEVELS):
        raise InputError(f"attempts must be 1 to {len(LEVELS)}, not {attempts}")
    if start is not None and method in ("exact", "sa"):
        raise InputError(f"start is where chains come back from, and with method={method!r} none do: leave it out")
    name = type(model).__name__
    model = whole_of(model)
    enumerable = isinstance(model, HasEnumeration)
    if method == "exact" and not enumerable:
        raise InputError(f"{name} has no exact log Z: that needs HasEnumeration")
    if method == "exact" or (method == "auto" and sums_out(model)):
        return _enumerated(model)
    if not isinstance(model, HasTempering):
        raise InputError(f"{name} has no log Z to estimate: AIS needs HasTempering")
    why, ess = "", 0.0
    for level in LEVELS[: attempts if method == "auto" else 1]:
        key, steps = jax.random.fold_in(noise.make_key(seed), level), temperatures * level
        if method == "sa":
            found = wander(model, key, chains, steps)
        else:
            found = (anneal_populations if method == "smc" else anneal)(model, key, chains, steps, start)
        if found.wrong is None and method == "sa":
            return Estimate(found.log_z, found.se, "consistent")
        if found.wrong is None:
            return Estimate(found.log_z, found.se, "lower bound", ess=found.ess)
        why, ess = f"log Z failed with {temperatures * level} temperatures: {found.wrong}", found.ess
    return failed(why, ess=ess)
