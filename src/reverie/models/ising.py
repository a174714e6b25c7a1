"""Boltzmann machines without hidden units: bits that are coupled in pairs."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie import noise
from reverie.bits import draw_bits, log_odds, softplus
from reverie.capabilities import HasConditionalGibbs, HasEnumeration, HasRelaxedPotential, HasTemperedGibbs
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.graph import Graph, edges, visits
from reverie.models.suits import grid_of, only
from reverie.parts import Part, filled, known, learned, option


class Ising(Part, HasRelaxedPotential, HasConditionalGibbs, HasTemperedGibbs, HasEnumeration):
    """A fully visible Boltzmann machine: bits with a field each and couplings in pairs, all of them or on a grid.

        u(x) = Σ_i f_i s_i + Σ_{i<j} J_ij s_i s_j,    s = 2x − 1

    so that p(s_i | the rest) = σ(2 s_i (f_i + Σ_j J_ij s_j)). A sweep draws site after site, or one half of a grid's
    chequerboard after the other, there and back again. The path of annealed importance sampling is

        u_β(x) = Σ_i ((1 − β) a_i + β f_i) s_i + β Σ_{i<j} J_ij s_i s_j,

    from independent bits, `base` holding a: half the log-odds of the training rows, or f when the model was made from
    arrays. No learner moves it. With relaxed bits, floats in [0, 1], u is linear in each of them.

    Args:
        graph: `full` for all pairs, `grid` for neighbours in a picture.
        periodic: whether a grid is closed to a torus.

    Example:
        >>> from reverie.models import Ising
        >>> Ising.grid(4, 4, coupling=1.0, temperature=2.27).couplings.shape
        (24,)

    Reference: Ising 1925; Ackley, Hinton & Sejnowski 1985, *A learning algorithm for Boltzmann machines*, Eq. 1–3.
    """

    graph: Graph = option("full")
    periodic: bool = option(False)
    shape: tuple[int, int] | None = known()
    field: Array = learned()
    couplings: Array = learned()
    base: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.graph not in ("full", "grid"):
            raise InputError(f"graph must be full or grid, not {self.graph!r}")
        if self.periodic and self.graph == "full":
            raise InputError("only a grid can be periodic: choose graph=grid")

    @classmethod
    def from_arrays(cls, *, field: Any, couplings: Any) -> "Ising":
        """The model with known fields [sites] and symmetric couplings [sites, sites]."""
        f, j = np.asarray(field, np.float32), np.asarray(couplings, np.float32)
        if f.ndim != 1 or j.shape != (f.size, f.size):
            raise InputError(
                f"field must be [sites] and couplings [sites, sites]; their shapes are {f.shape}, {j.shape}"
            )
        if not (np.isfinite(f).all() and np.isfinite(j).all()):
            raise InputError("the Ising model's arrays must be finite")
        if not np.array_equal(j, j.T) or np.diagonal(j).any():
            raise InputError("couplings must be symmetric, and zero on the diagonal")
        first, second = edges(f.size, None, periodic=False).T
        return cls(field=jnp.asarray(f), couplings=jnp.asarray(j[first, second]), base=jnp.asarray(f))

    @classmethod
    def grid(
        cls,
        height: int,
        width: int,
        *,
        coupling: float = 1.0,
        field: float = 0.0,
        temperature: float = 1.0,
        periodic: bool = False,
    ) -> "Ising":
        """Equal couplings between neighbours and equal fields, both divided by the temperature."""
        if height < 1 or width < 1 or not temperature > 0:
            raise InputError(
                f"a grid needs a positive height, width and temperature, not {height}, {width} and {temperature}"
            )
        shape = (height, width)
        fields = jnp.full(height * width, field / temperature)
        couplings = jnp.full(len(edges(height * width, shape, periodic=periodic)), coupling / temperature)
        return cls("grid", periodic, shape=shape, field=fields, couplings=couplings, base=fields)

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits; of a grid, pictures."""
        why = only("binary", spec, "an Ising model")
        return why or (grid_of(spec, "an Ising model") if self.graph == "grid" else None)

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Couplings N(0, 0.01²), fields at the bits' log-odds."""
        bias = 0.5 * log_odds(jnp.asarray(spec.leaves["binary"].mean))
        shape = spec.image[:2] if self.graph == "grid" and spec.image is not None else None
        couplings = 0.01 * noise.normal(key, (len(edges(spec.size, shape, periodic=self.periodic)),))
        return filled(self, shape=shape, field=bias, couplings=couplings, base=bias)

    def matrix(self) -> Array:
        """J, symmetric, [sites, sites]."""
        sites = self.field.shape[0]
        first, second = edges(sites, self.shape, periodic=self.periodic).T
        half = jnp.zeros((sites, sites)).at[first, second].set(self.couplings)
        return half + half.T

    def potential(self, x: Array) -> Array:
        """u(x)."""
        return self._potential(x, self.field, jnp.ones(()))

    def _potential(self, x: Array, field: Array, beta: Array) -> Array:
        s = 2.0 * x.astype(jnp.float32) - 1.0
        return s @ (field + 0.5 * beta * (self.matrix() @ s))

    def start(self, key: Key[Array, ""]) -> Array:
        """Bits of the base."""
        return self.base_sample(key)

    def gibbs(self, key: Key[Array, ""], x: Array) -> Array:
        """Every site from its conditional, there and back again."""
        return self.tempered_gibbs(key, x, jnp.ones(()))

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """Independent bits with fields a."""
        return draw_bits(key, 2.0 * self.base)

    def base_log_normaliser(self) -> Array:
        """Σ_i log 2 cosh a_i."""
        return jnp.sum(softplus(2.0 * self.base) - self.base)

    def _field(self, beta: Array) -> Array:
        return (1.0 - beta) * self.base + beta * self.field

    def tempered_potential(self, x: Array, beta: Array) -> Array:
        """u_β(x)."""
        return self._potential(x, self._field(beta), beta)

    def tempered_gibbs(self, key: Key[Array, ""], x: Array, beta: Array) -> Array:
        """A sweep at inverse temperature β."""
        return self._sweep(key, x, self._field(beta), beta, jnp.zeros(x.shape, bool))

    def conditional_gibbs(self, key: Key[Array, ""], x: Array, held: Array, pull: Array) -> Array:
        """Every open site from its conditional, there and back again; a pull on x is a field of half of it on s."""
        return self._sweep(key, x, self.field + 0.5 * pull, jnp.ones(()), held)

    def _sweep(self, key: Key[Array, ""], x: Array, field: Array, beta: Array, held: Array) -> Array:
        order = visits(self.field.shape[0], self.shape, periodic=self.periodic)
        couplings = self.matrix()

        def visit(s: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
            sites, one = now
            bits = draw_bits(one, 2.0 * (field[sites] + beta * (couplings[sites] @ s)))
            drawn = jnp.where(held[sites], s[sites], jnp.where(bits, 1.0, -1.0))
            return s.at[sites].set(drawn, mode="drop"), None

        start = 2.0 * x.astype(jnp.float32) - 1.0
        return jax.lax.scan(visit, start, (jnp.asarray(order), jax.random.split(key, len(order))))[0] > 0

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """All of the bits."""
        return (2,) * self.field.shape[0]

    def enumerated_term(self, state: Array) -> Array:
        """u of a state."""
        return self.potential(state)
