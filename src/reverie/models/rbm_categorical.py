"""The restricted Boltzmann machine with softmax visible units."""

from typing import Any, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasRelaxedPotential
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.restricted import RestrictedMachine, checked
from reverie.models.suits import only
from reverie.models.visible import Categories
from reverie.parts import filled, known, learned


class CategoricalRBM(RestrictedMachine, HasRelaxedPotential):
    """Categories x and hidden bits h with couplings between the two layers only.

        p(x, h) ∝ exp(Σ_i b_i(x_i) + c·h + Σ_ij W_ij(x_i) h_j)
        u(x) = Σ_i b_i(x_i) + Σ_j softplus(c_j + Σ_i W_ij(x_i))

    so that p(x_i = k | h) ∝ exp(b_i(k) + Σ_j W_ij(k) h_j), a softmax. Columns may have different numbers of levels. The
    path of annealed importance sampling is that of `RBM`, from independent categories whose logits `base` holds.

    Args:
        hidden: how many hidden units.

    Example:
        >>> from reverie.models import CategoricalRBM
        >>> CategoricalRBM(hidden=64).hidden
        64

    Reference: Salakhutdinov, Mnih & Hinton 2007, *Restricted Boltzmann machines for collaborative filtering*, Eq. 1–3.
    """

    counts: tuple[int, ...] = known()
    visible_bias: Array = learned()
    base: Array = learned()

    @classmethod
    def from_arrays(
        cls, *, weights: Any, visible_bias: Any, hidden_bias: Any, counts: tuple[int, ...] | None = None
    ) -> "CategoricalRBM":
        """The model with known weights [visible, levels, hidden] and biases; `counts` where columns lack levels."""
        w, b, c = (np.asarray(array, np.float32) for array in (weights, visible_bias, hidden_bias))
        checked(w, b, c, ("visible", "levels"))
        arrays = {"weights": w, "visible_bias": b, "hidden_bias": c, "base": b + w.sum(axis=2) / 2}
        found = tuple(counts or (w.shape[1],) * w.shape[0])
        if len(found) != w.shape[0] or min(found) < 1 or max(found) != w.shape[1]:
            raise InputError(
                f"counts must name the levels of each of {w.shape[0]} columns, the most of which is the {w.shape[1]} "
                f"that weights have, not {', '.join(map(str, found))}"
            )
        return cls(hidden=w.shape[2], counts=found, **{name: jnp.asarray(array) for name, array in arrays.items()})

    def unsuited(self, spec: Spec) -> str | None:
        """Only categories."""
        return only("categorical", spec, "an RBM of categories")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Weights N(0, 0.01²), and no biases: a spec does not say how frequent levels are."""
        leaf = spec.leaves["categorical"]
        weights = 0.01 * noise.normal(key, (leaf.size, leaf.levels, self.hidden))
        bias = jnp.zeros((leaf.size, leaf.levels))
        arrays = {"weights": weights, "visible_bias": bias, "hidden_bias": jnp.zeros(self.hidden), "base": bias}
        return filled(self, counts=leaf.counts, **arrays)

    @property
    def levels(self) -> int:
        """The largest number of levels of a column."""
        return max(self.counts)

    @property
    def visible(self) -> Categories:
        """Categories."""
        return Categories(self.counts)

    def natural(self) -> Array:
        """b."""
        return self.visible_bias

    def base_natural(self) -> Array:
        """The logits of the base."""
        return self.base

    def couplings(self) -> Array:
        """W, a row for each column and level."""
        return self.weights.reshape(-1, self.hidden)
