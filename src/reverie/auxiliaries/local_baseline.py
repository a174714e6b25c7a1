"""A baseline for each layer of a code, which reads the layer below it."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import Code, HasLogJoint, Latent, PredictsLocalValues
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class LocalBaseline(Part, PredictsLocalValues):
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

    hidden: tuple[int, ...] = option((100,))
    activation: str = option("tanh")
    shape: tuple[Layout, ...] = known()
    blocks: tuple[Latent, ...] = known()
    network: MLP = learned()
    above: tuple[MLP, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no baseline."""
        if any(width < 1 for width in self.hidden):
            raise InputError("a baseline needs hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def unserving(self, model: Any) -> str | None:
        """Models with latent variables only."""
        return None if isinstance(model, HasLogJoint) else "a baseline serves models with latent variables"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights: the guesses start near zero."""
        shape, blocks = layouts(spec), tuple(model.latents)
        key_row, *keys = jax.random.split(key, len(blocks))
        width = sum(layout.width for layout in shape)
        above = (
            mlp(one, below.size * max(1, below.levels), self.hidden, 1, self.activation)
            for one, below in zip(keys, blocks[:-1], strict=True)
        )
        network = mlp(key_row, width, self.hidden, len(blocks), self.activation)
        return filled(self, shape=shape, blocks=blocks, network=network, above=tuple(above))

    def values(self, x: PyTree) -> Array:
        """A(x)."""
        return self.network(features(x, self.shape))

    def local_values(self, x: PyTree, h: Code) -> Array:
        """C(x, h)."""
        read = [
            jax.nn.one_hot(block, one.levels).reshape(-1) if one.kind == "categories" else block.astype(jnp.float32)
            for block, one in zip(h[:-1], self.blocks[:-1], strict=True)
        ]
        seen = [network(block)[0] for network, block in zip(self.above, read, strict=True)]
        return self.values(x) + jnp.stack([jnp.zeros(()), *seen])
