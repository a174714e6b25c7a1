"""Sylvester flows."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.flows import FlowPosterior, start
from reverie.parts import filled, option


class SylvesterPosterior(FlowPosterior):
    """A Gaussian bent along several orthogonal directions at once, all of which x sets.

        f(z) = z + Q R tanh(R̃ Qᵀ z + b),  QᵀQ = I of `columns` columns,  R and R̃ upper triangular,
        log |det| = Σ_i log(1 + R_ii R̃_ii (1 − tanh²(·)_i)),  |R_ii|, |R̃_ii| < 1

    Q is a product of Householder reflections. There is no inverse in closed form: draws have densities, other codes
    have none.

    Args:
        hidden: widths of the encoder's hidden layers; where not given one of 200, or none right after convolutions or
            an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        layers: how many.
        columns: of Q; at most the number of latent variables.

    Example:
        >>> from reverie.inference import SylvesterPosterior
        >>> SylvesterPosterior(columns=8).columns
        8

    Reference: van den Berg, Hasenclever, Tomczak & Welling 2018, *Sylvester normalizing flows*, Eq. 12–18 (H-SNF).
    """

    columns: int = option(4)

    def __check_init__(self) -> None:
        """Refuse a number of columns that is none."""
        if self.columns < 1:
            raise InputError(f"a Sylvester flow needs at least one column, not columns={self.columns}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Directions that bend little."""
        return filled(self, **start(self, key, spec, model))

    def per_layer(self, size: int) -> int:
        """One reflection a column, R, R̃ and b."""
        columns = min(self.columns, size)
        return columns * size + 2 * columns**2 + columns

    def forward(self, layer: int, z: Array, asked: Array) -> tuple[Array, Array]:
        """One layer."""
        columns = min(self.columns, self.size)
        mirrors = asked[: columns * self.size].reshape(columns, self.size) + jnp.eye(columns, self.size)
        q = jnp.eye(self.size)[:, :columns]
        for mirror in mirrors:
            q = q - 2.0 * jnp.outer(mirror, mirror @ q) / (mirror @ mirror + 1e-12)
        rest = asked[columns * self.size :]
        r, r_tilde = (self._triangular(one) for one in rest[: 2 * columns**2].reshape(2, columns, columns))
        bend = jnp.tanh(r_tilde @ (q.T @ z) + rest[-columns:])
        slope = 1.0 + jnp.diag(r) * jnp.diag(r_tilde) * (1.0 - bend**2)
        return z + q @ (r @ bend), jnp.sum(jnp.log(slope))

    @staticmethod
    def _triangular(said: Array) -> Array:
        """Upper triangular, the diagonal in (−1, 1), so that every layer is invertible."""
        return jnp.triu(said, 1) + jnp.diag(jnp.tanh(jnp.diag(said)))
