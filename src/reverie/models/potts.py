"""Boltzmann machines without hidden units: categories that are coupled in pairs."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasConditionalGibbs, HasEnumeration, HasRelaxedPotential, HasTemperedGibbs
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.categories import forbidden, one_hot
from reverie.models.graph import Graph, edges, visits
from reverie.models.suits import grid_of, only
from reverie.parts import Part, filled, known, learned, option

MOST = 10**7
"""Numbers in the tables of couplings."""


class Potts(Part, HasRelaxedPotential, HasConditionalGibbs, HasTemperedGibbs, HasEnumeration):
    """A fully visible Boltzmann machine of categories: a table for each column and one for each coupled pair.

        u(x) = Σ_i f_i(x_i) + Σ_{i<j} J_ij(x_i, x_j)

    so that p(x_i = k | the rest) ∝ exp(f_i(k) + Σ_j J_ij(k, x_j)). Potts's own model is J_ij(k, l) = J 1[k = l].
    Sweeps are as those of `Ising`, and so is the path of annealed importance sampling: from independent categories
    with logits a, which `base` holds,

        u_β(x) = Σ_i (1 − β) a_i(x_i) + β f_i(x_i) + β Σ_{i<j} J_ij(x_i, x_j).

    Columns may have different numbers of levels. With relaxed categories, points of the simplex [sites, levels], u is
    linear in each of them.

    Args:
        graph: `full` for all pairs, `grid` for neighbours in a picture.
        periodic: whether a grid is closed to a torus.

    Example:
        >>> from reverie.models import Potts
        >>> Potts.grid(3, 3, levels=3, coupling=1.0, temperature=2.0).couplings.shape
        (12, 3, 3)

    Reference: Potts 1952; Wu 1982, *The Potts model*, Eq. 1.1 and 1.9.
    """

    graph: Graph = option("full")
    periodic: bool = option(False)
    shape: tuple[int, int] | None = known()
    counts: tuple[int, ...] = known()
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
    def from_arrays(cls, *, field: Any, couplings: Any) -> "Potts":
        """The model with known tables [sites, levels] and [sites, sites, levels, levels], of which i < j are read.

        A level that a column lacks has the field −∞.
        """
        f, j = np.asarray(field, np.float32), np.asarray(couplings, np.float32)
        if f.ndim != 2 or j.shape != (f.shape[0], f.shape[0], f.shape[1], f.shape[1]):
            raise InputError(
                "field must be [sites, levels] and couplings [sites, sites, levels, levels]; "
                f"their shapes are {f.shape} and {j.shape}"
            )
        lacking = np.isneginf(f)
        counts = (~lacking).sum(axis=1)
        if not (np.isfinite(j).all() and (np.isfinite(f) | lacking).all() and counts.all()):
            raise InputError(
                "the Potts model's arrays must be finite, but for fields of −∞ where a column lacks a level"
            )
        if (lacking != (np.arange(f.shape[1]) >= counts[:, None])).any():
            raise InputError("levels that a column lacks must come after those that it has")
        first, second = edges(len(f), None, periodic=False).T
        fields = jnp.asarray(np.where(lacking, 0.0, f), jnp.float32)
        found = tuple(int(count) for count in counts)
        return cls(counts=found, field=fields, couplings=jnp.asarray(j[first, second]), base=fields)

    @classmethod
    def grid(
        cls,
        height: int,
        width: int,
        *,
        levels: int,
        coupling: float = 1.0,
        temperature: float = 1.0,
        periodic: bool = False,
    ) -> "Potts":
        """J 1[x_i = x_j] / temperature between neighbours, and no fields."""
        if height < 1 or width < 1 or levels < 2 or not temperature > 0:
            raise InputError(
                "a grid needs a positive height, width and temperature and two levels, "
                f"not {height}, {width}, {temperature} and {levels}"
            )
        shape, sites = (height, width), height * width
        table = jnp.eye(levels) * (coupling / temperature)
        couplings = jnp.broadcast_to(table, (len(edges(sites, shape, periodic=periodic)), levels, levels))
        fields = jnp.zeros((sites, levels))
        counts = (levels,) * sites
        return cls("grid", periodic, shape=shape, counts=counts, field=fields, couplings=couplings, base=fields)

    def unsuited(self, spec: Spec) -> str | None:
        """Only categories, of not too many levels; of a grid, pictures."""
        why = only("categorical", spec, "a Potts model")
        if why is not None or self.graph == "grid":
            return why or grid_of(spec, "a Potts model")
        pairs, levels = spec.size * (spec.size - 1) // 2, spec.leaves["categorical"].levels
        if pairs * levels**2 <= MOST:
            return None
        return (
            f"a Potts model has a table for each pair of columns, {pairs * levels**2:.2g} numbers for these "
            f"categorical columns, and takes up to {MOST:.0g}: it needs fewer columns or levels"
        )

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Couplings N(0, 0.01²), and no fields: a spec does not say how frequent levels are."""
        leaf = spec.leaves["categorical"]
        shape = spec.image[:2] if self.graph == "grid" and spec.image is not None else None
        pairs = len(edges(spec.size, shape, periodic=self.periodic))
        couplings = 0.01 * noise.normal(key, (pairs, leaf.levels, leaf.levels))
        fields = jnp.zeros((leaf.size, leaf.levels))
        return filled(self, shape=shape, counts=leaf.counts, field=fields, couplings=couplings, base=fields)

    @property
    def levels(self) -> int:
        """The largest number of levels of a column."""
        return max(self.counts)

    def matrix(self) -> Array:
        """J between any two columns, [sites, levels, sites · levels], zero between a column and itself."""
        sites, levels = self.field.shape
        first, second = edges(sites, self.shape, periodic=self.periodic).T
        half = jnp.zeros((sites, sites, levels, levels)).at[first, second].set(self.couplings)
        both = half + jnp.transpose(half, (1, 0, 3, 2))
        return jnp.transpose(both, (0, 2, 1, 3)).reshape(sites, levels, sites * levels)

    def potential(self, x: Array) -> Array:
        """u(x)."""
        return self.tempered_potential(x, jnp.ones(()))

    def start(self, key: Key[Array, ""]) -> Array:
        """Categories of the base."""
        return self.base_sample(key)

    def gibbs(self, key: Key[Array, ""], x: Array) -> Array:
        """Every column from its conditional, there and back again."""
        return self.tempered_gibbs(key, x, jnp.ones(()))

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """Independent categories with logits a."""
        return noise.categorical(key, self._field(jnp.zeros(())))

    def base_log_normaliser(self) -> Array:
        """Σ_i log Σ_k exp a_i(k)."""
        return jnp.sum(jax.nn.logsumexp(self._field(jnp.zeros(())), axis=1))

    def _field(self, beta: Array) -> Array:
        return forbidden((1.0 - beta) * self.base + beta * self.field, self.counts)

    def tempered_potential(self, x: Array, beta: Array) -> Array:
        """u_β(x)."""
        hot = one_hot(x, self.levels)
        return jnp.sum(hot * (self._field(beta) + 0.5 * beta * (self.matrix() @ hot.reshape(-1))))

    def tempered_gibbs(self, key: Key[Array, ""], x: Array, beta: Array) -> Array:
        """A sweep at inverse temperature β."""
        return self._sweep(key, x, self._field(beta), beta, jnp.zeros(x.shape, bool))

    def conditional_gibbs(self, key: Key[Array, ""], x: Array, held: Array, pull: Array) -> Array:
        """Every open column from its conditional, there and back again."""
        return self._sweep(key, x, self._field(jnp.ones(())) + pull, jnp.ones(()), held)

    def _sweep(self, key: Key[Array, ""], x: Array, field: Array, beta: Array, held: Array) -> Array:
        sites, levels = self.field.shape
        order = visits(sites, self.shape, periodic=self.periodic)
        couplings = self.matrix()

        def visit(x: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
            places, one = now
            logits = field[places] + beta * (couplings[places] @ one_hot(x, levels).reshape(-1))
            drawn = jnp.where(held[places], x[places], noise.categorical(one, logits).astype(x.dtype))
            return x.at[places].set(drawn, mode="drop"), None

        return jax.lax.scan(visit, x, (jnp.asarray(order), jax.random.split(key, len(order))))[0]

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """All columns."""
        return self.counts

    def enumerated_term(self, state: Array) -> Array:
        """u of a state."""
        return self.potential(state)
