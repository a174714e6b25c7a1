"""A baseline for each layer of a code, which reads the layer below it."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.auxiliaries.baseline import RowBaseline
from reverie.capabilities import Code, Latent, PredictsLocalValues
from reverie.data.spec import Spec
from reverie.networks.codes import code_features, code_width
from reverie.networks.mlp import MLP, mlp
from reverie.parts import filled, known, learned


class LocalBaseline(RowBaseline, PredictsLocalValues):
    """A perceptron of x with one output for each block, and one of the block below for each block but the first.

        C_1(x),   C_l(x, h_{l−1}) = A_l(x) + B_l(h_{l−1}),  l = 2, …, L

    h_{l−1} is given where h_l is drawn, so that C_l takes no bias into ∇ log q(h_l | h_{l−1}).

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.

    Example:
        >>> from reverie.auxiliaries import LocalBaseline
        >>> LocalBaseline((50,)).hidden
        (50,)

    Reference: Mnih & Gregor 2014, *Neural variational inference and learning in belief networks*, §2.3.3, where C_l
    reads h_{l−1} alone.
    """

    blocks: tuple[Latent, ...] = known()
    above: tuple[MLP, ...] = learned()

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Guesses near zero."""
        blocks = tuple(model.latents)
        key_row, *keys = jax.random.split(key, len(blocks))
        above = tuple(
            mlp(one, code_width((below,)), self.hidden, 1, self.activation)
            for one, below in zip(keys, blocks[:-1], strict=True)
        )
        return filled(self, blocks=blocks, above=above, **self.of_rows(key_row, spec, model))

    def local_values(self, x: PyTree, h: Code) -> Array:
        """C(x, h)."""
        read = [code_features((block,), (one,)) for block, one in zip(h[:-1], self.blocks[:-1], strict=True)]
        seen = [network(block)[0] for network, block in zip(self.above, read, strict=True)]
        return self.values(x) + jnp.stack([jnp.zeros(()), *seen])
