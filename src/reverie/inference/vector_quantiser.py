"""The encoder that rounds to a codebook."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import ConsultsModel, EmbedsCodes, HasCodebook, Proposes
from reverie.data.spec import Spec
from reverie.inference.reading import Perceiving
from reverie.networks.mlp import MLP
from reverie.parts import filled, known, learned


class VectorQuantiser(Perceiving, EmbedsCodes, Proposes, ConsultsModel):
    """To each position a vector, and for its code the nearest vector of the model's codebook.

        q(h | x) = 1[h_n = argmin_k ‖z_n(x) − e_k‖ for all n]                        (van den Oord et al. 2017, Eq. 1)

    Where convolutions read x and their last map has as many places as the code has positions, each z_n is told of its
    own place; else all are told of all.

    A point mass: a code comes without chance, log q of it is 0, and log p(x, h) at that code is a lower bound of
    log p(x). The density of any other code is nought, which leaves nothing to ascend; so it proposes codes, and is no
    `HasPosterior`.

    Args:
        hidden: widths of the hidden layers; where not given one of 200, or none right after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import VectorQuantiser
        >>> VectorQuantiser(hidden=(64,)).hidden
        (64,)

    Reference: van den Oord, Vinyals & Kavukcuoglu 2017, *Neural discrete representation learning*, §3.1.
    """

    positions: int = known()
    placed: bool = known()
    encoder: MLP = learned()
    codebook: Array | None = learned()  # The model's, at hand while it is consulted and no parameter of this part.

    def unserving(self, model: Any) -> str | None:
        """Models with a codebook."""
        return None if isinstance(model, HasCodebook) else "a vector quantiser serves models with a codebook"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """An encoder onto the model's positions and dimension."""
        (latent,), dimension = model.latents, model.vectors().shape[1]
        read = self.new_reader(key, spec, model)
        placed = 1 < read.places == latent.size
        outputs = dimension if placed else latent.size * dimension
        encoder = self.perceptron(key, read, outputs, each_place=placed)
        return filled(self, read=read, placed=placed, positions=latent.size, encoder=encoder)

    def consulting(self, model: Any) -> "VectorQuantiser":
        """The encoder with the model's codebook at hand."""
        return filled(self, codebook=model.vectors())

    def embed(self, x: PyTree) -> Array:
        """z_1(x), …, z_N(x)."""
        told = self.read(x)
        if self.placed:
            return jax.vmap(self.encoder)(told.reshape(self.positions, -1))
        return self.encoder(told).reshape(self.positions, -1)

    def encode(self, x: PyTree) -> tuple[Array, ...]:
        """The nearest vectors, by number."""
        assert self.codebook is not None, "a quantiser rounds while it consults the model: see `posterior_of`"
        # ‖z − e‖² without ‖z‖², which is the same for all e.
        distance = jnp.sum(self.codebook**2, axis=1) - 2.0 * self.embed(x) @ self.codebook.T
        return (jnp.argmin(distance, axis=1).astype(jnp.int32),)

    def propose(self, key: Key[Array, ""], x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """The code, and log 1."""
        return self.encode(x), jnp.zeros(())
