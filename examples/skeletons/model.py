"""Skeleton of a model: copy to src/reverie/models/<name>.py, and write every line anew.

One file, one distribution, no learning. It declares what it can do by the capabilities it inherits, implements their
methods for one row, and says in `init` how its arrays begin.
"""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.bits import as_float, draw_bits, log_odds
from reverie.capabilities import HasEnumeration, HasGibbs, HasPotential
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.suits import only
from reverie.parts import Part, filled, known, learned, option


class BoltzmannMachine(Part, HasPotential, HasGibbs, HasEnumeration):
    """A fully visible Boltzmann machine: bits, a bias each, and a coupling for each pair.

        p(x) ∝ exp u(x),    u(x) = b·x + Σ_{i<j} J_ij x_i x_j

    so that p(x_i = 1 | the others) = σ(b_i + Σ_j J_ij x_j). Assumes bits.

    Args:
        scale: the standard deviation of the couplings at the start.

    Example:
        >>> from examples.skeletons.model import BoltzmannMachine
        >>> BoltzmannMachine(scale=0.1).scale
        0.1

    Reference: Ackley, Hinton & Sejnowski 1985, *A learning algorithm for Boltzmann machines*.
    """

    scale: float = option(0.01)  # an option: a person sets it, config.json keeps it, the command line offers it
    size: int = known()  # known from the data's spec; static, so it may shape arrays
    bias: Array = learned()  # arrays, or modules of arrays: what a learner moves
    upper: Array = learned()  # J above the diagonal; the rest is not read

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.scale >= 0:
            raise InputError(f"scale is a standard deviation and must not be negative, not {self.scale}")

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "a Boltzmann machine")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Biases at the bits' log-odds, small couplings."""
        bias = log_odds(jnp.asarray(spec.leaves["binary"].mean))
        upper = self.scale * jax.random.normal(key, (spec.size, spec.size))
        return filled(self, size=spec.size, bias=bias, upper=upper)

    def _couplings(self) -> Array:
        """J, symmetric and with a diagonal of zeros."""
        above = jnp.triu(self.upper, 1)
        return above + above.T

    def potential(self, x: Array) -> Array:
        """u(x)."""
        v = as_float(x)
        return v @ self.bias + 0.5 * v @ self._couplings() @ v

    def start(self, key: Key[Array, ""]) -> Array:
        """Independent bits with log-odds b."""
        return draw_bits(key, self.bias)

    def gibbs(self, key: Key[Array, ""], x: Array) -> Array:
        """Each bit given all others, once, from the first to the last."""
        couplings = self._couplings()

        def one(x: Array, turn: tuple[Array, Array]) -> tuple[Array, None]:
            place, key = turn
            return x.at[place].set(draw_bits(key, self.bias[place] + couplings[place] @ as_float(x))), None

        turns = (jnp.arange(self.size), jax.random.split(key, self.size))
        return jax.lax.scan(one, x, turns)[0]

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """All of the bits."""
        return (2,) * self.size

    def enumerated_term(self, state: Array) -> Array:
        """u(x)."""
        return self.potential(state)
