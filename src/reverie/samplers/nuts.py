"""Hamiltonian moves whose trajectories end where they turn back, by blackjax."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasRealPotential
from reverie.errors import InputError
from reverie.samplers.kernel import Kernel

# blackjax is imported where it is used: it takes a quarter of a second, and most runs move no chain by it.


class Tuning(NamedTuple):
    """What a chain that tunes itself remembers: how often it has moved, the search for its step, and its masses."""

    moved: Array
    steps: PyTree
    masses: PyTree


class NoUTurn(Kernel):
    """A fresh momentum v ~ N(0, M), and a point of a trajectory that doubles until it turns back on itself.

        H(x, v) = −u(x) + ½ v·M⁻¹v,  leapfrog steps of size ε,  the next x drawn from the trajectory ∝ e^{−H}

    so that there is no length to choose. In a batch of chains a move takes as long as the longest trajectory.

    During its first `warmup` moves a chain searches its own ε (towards the rate of acceptance) and, from 20 moves on,
    M⁻¹ (its variances, in windows that double). Both are in the chain's memory, and fixed afterwards: only then is p
    left invariant. Chains that begin anew at each step never get there.

    Args:
        step: ε; with `warmup`, where the search begins.
        inverse_mass: the diagonal of M⁻¹, best near the variances of p; ones where not given.
        doublings: at most so many, of a trajectory.
        warmup: moves in which a chain tunes itself.
        target: the rate of acceptance that it aims at.

    Example:
        >>> from reverie.samplers import NoUTurn
        >>> NoUTurn(step=0.3).exactness
        'asymptotic'

    Reference: Hoffman & Gelman 2014, *The No-U-Turn sampler*, Alg. 3 and §3.2; Betancourt 2017, *A conceptual
    introduction to Hamiltonian Monte Carlo*, App. A, for the drawing; Cabezas et al. 2024, *BlackJAX*.
    """

    exactness = "asymptotic"
    needs = (HasRealPotential,)
    step: float = 0.1
    inverse_mass: tuple[float, ...] | None = None
    doublings: int = 8
    warmup: int = 0
    target: float = 0.8

    def __check_init__(self) -> None:
        """Refuse options that describe no kernel."""
        if self.doublings < 1 or self.warmup < 0 or not 0.0 < self.target < 1.0:
            raise InputError("a no-U-turn kernel needs doublings >= 1, warmup >= 0 and a target in (0, 1)")
        if self.inverse_mass is not None and not all(0.0 < one < float("inf") for one in self.inverse_mass):
            raise InputError("the inverse mass of each column must be positive and finite")

    def _masses(self, x: Array) -> Array:
        if self.inverse_mass is None:
            return jnp.ones(x.shape)
        if len(self.inverse_mass) != x.size:
            raise InputError(f"an inverse mass for each of {x.size} columns is needed, not {len(self.inverse_mass)}")
        return jnp.asarray(self.inverse_mass, x.dtype)

    def _searches(self) -> tuple[Any, Any]:
        from blackjax.adaptation.mass_matrix import mass_matrix_adaptation
        from blackjax.adaptation.step_size import dual_averaging_adaptation

        return dual_averaging_adaptation(self.target), mass_matrix_adaptation(is_diagonal_matrix=True)

    def begin(self, key: Key[Array, ""], model: Any, x: Array) -> Tuning | None:
        """Nothing, or a search that has not begun."""
        if self.warmup == 0:
            return None
        (start_steps, _, _), (start_masses, _, _) = self._searches()
        begun = Tuning(jnp.zeros((), jnp.int32), start_steps(self.step), start_masses(x.size, self._masses(x)))
        return _typed(begun)

    def move(
        self, key: Key[Array, ""], model: Any, x: Array, memory: Tuning | None
    ) -> tuple[Array, Tuning | None, Array]:
        """One trajectory."""
        from blackjax.mcmc import nuts

        state = nuts.init(x, model.potential)
        if memory is None:
            step, masses = jnp.asarray(self.step), self._masses(x)
        else:
            searching = memory.moved < self.warmup
            step = jnp.exp(jnp.where(searching, memory.steps.log_step_size, memory.steps.log_step_size_avg))
            masses = memory.masses.inverse_mass_matrix
        after, info = nuts.build_kernel()(key, state, model.potential, step, masses, self.doublings)
        rate = jnp.where(jnp.isnan(info.acceptance_rate), 0.0, info.acceptance_rate)
        return after.position, None if memory is None else self._tuned(memory, after.position, rate), rate

    def _tuned(self, memory: Tuning, x: Array, rate: Array) -> Tuning:
        """The search after a move, by the windows of Stan's warm-up."""
        from blackjax.adaptation.staged_adaptation import build_schedule

        (start_steps, next_steps, found_step), (_, next_masses, found_masses) = self._searches()
        windows = jnp.asarray(build_schedule(self.warmup), jnp.int32)
        slow, ends = windows[jnp.minimum(memory.moved, self.warmup - 1)].astype(bool)
        steps, masses = next_steps(memory.steps, rate), memory.masses
        masses = _chosen(slow, next_masses(masses, x), masses)
        masses = _chosen(ends, found_masses(masses), masses)
        steps = _chosen(ends, start_steps(found_step(steps)), steps)
        searching = memory.moved < self.warmup
        return _chosen(searching, Tuning(memory.moved + 1, steps, masses), memory)


def _chosen(condition: Array, new: PyTree, old: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b).astype(b.dtype), new, _typed(old))


def _typed(tree: PyTree) -> PyTree:
    """Arrays of definite types, as they are once a step has been taken: a compiled step then takes both."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(leaf)), tree)
