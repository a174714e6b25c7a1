"""The ordinary differential equation whose solution carries noise to rows, and what it says of their density."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from reverie import noise

Field: TypeAlias = Callable[[Array, Array], Array]
"""(u, a) → du/da."""

MOST_STEPS = 4096
"""Of the adaptive solver; a row that needs more has no density."""


def integrate(
    slope: Callable[[Array, PyTree], PyTree],
    state: PyTree,
    start: Array,
    end: Array,
    tolerance: float | None,
    steps: int,
) -> PyTree:
    """The solution at `end` of d state/da = slope(a, state), from a state at `start`.

    Args:
        slope: the right-hand side.
        state: at the start.
        start: where to begin.
        end: where to end, before or after it.
        tolerance: of the error of an adaptive step (Tsitouras' method of order 5); `None` for equal steps of the
            classical Runge–Kutta method of order 4.
        steps: how many equal steps.
    """
    return (
        _equal(slope, state, start, end, steps) if tolerance is None else _adaptive(slope, state, start, end, tolerance)
    )


def _adaptive(
    slope: Callable[[Array, PyTree], PyTree], state: PyTree, start: Array, end: Array, tolerance: float
) -> PyTree:
    import diffrax  # Takes seconds to import: only those who solve pay.

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda a, state, _: slope(jnp.asarray(a), state)),
        diffrax.Tsit5(),
        start,
        end,
        0.02 * (end - start),
        state,
        stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
        max_steps=MOST_STEPS,
        throw=False,
    )
    solved = solution.result == diffrax.RESULTS.successful
    assert solution.ys is not None
    return jax.tree.map(lambda leaf: jnp.where(solved, leaf[-1], jnp.nan), solution.ys)


# The stages of the method: how far along the step, and the weight of the slope there.
_STAGES = np.array([[0.0, 1 / 6], [0.5, 1 / 3], [0.5, 1 / 3], [1.0, 1 / 6]], np.float32)


def _equal(slope: Callable[[Array, PyTree], PyTree], state: PyTree, start: Array, end: Array, steps: int) -> PyTree:
    """The stages are scanned too, so that the slope is compiled once."""
    size = (end - start) / steps

    def step(state: PyTree, i: Array) -> tuple[PyTree, None]:
        def stage(carry: tuple[PyTree, PyTree], row: Array) -> tuple[tuple[PyTree, PyTree], None]:
            last, total = carry
            ahead = size * row[0]
            here = jax.tree.map(lambda leaf, k: leaf + ahead * k, state, last)
            now = slope(start + i * size + ahead, here)
            return (now, jax.tree.map(lambda leaf, k: leaf + size * row[1] * k, total, now)), None

        begin = (jax.tree.map(jnp.zeros_like, state), state)
        return jax.lax.scan(stage, begin, jnp.asarray(_STAGES))[0][1], None

    return jax.lax.scan(step, state, jnp.arange(steps))[0]


def with_divergence(field: Field, probe: Array | None) -> Callable[[Array, tuple[Array, Array]], tuple[Array, Array]]:
    """The slope of (u, ∫ div): the field, and its divergence Σ_i ∂F_i/∂u_i.

    Args:
        field: du/da.
        probe: a random vector v of independent signs, for the unbiased vᵀ (∂F/∂u) v (Hutchinson 1990; Grathwohl et al.
            2019, Eq. 7); `None` for the trace itself, one product with the Jacobian for each column.
    """

    def slope(a: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        u = state[0]

        def along(v: Array) -> tuple[Array, Array]:
            value, change = jax.jvp(lambda u: field(u, a), (u,), (v,))
            return value, jnp.vdot(v, change)

        if probe is not None:
            return along(probe)
        values, diagonal = jax.vmap(along)(jnp.eye(u.shape[0], dtype=u.dtype))
        return values[0], jnp.sum(diagonal)

    return slope


def signs_of(u: Float[Array, " columns"]) -> Float[Array, " columns"]:
    """A vector of random signs keyed by the row's own bits: the same row has the same one, whoever stands beside it."""
    words = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(u), jnp.uint32)
    odd = 2 * np.arange(u.shape[0], dtype=np.uint32) + 1
    folded = jnp.sum(words * (odd * np.uint32(0x9E3779B1)), dtype=jnp.uint32)
    key = jax.random.fold_in(noise.make_key(0), folded)
    return jnp.where(noise.uniform(key, u.shape) < 0.5, -1.0, 1.0)
