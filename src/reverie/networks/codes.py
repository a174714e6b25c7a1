"""A code as one vector of floats, for networks to read."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from reverie.capabilities import Code, Latent


def code_width(latents: tuple[Latent, ...]) -> int:
    """How many features a code has."""
    return sum(one.size * max(1, one.levels) for one in latents)


def code_features(h: Code, latents: tuple[Latent, ...]) -> Float[Array, " width"]:
    """All blocks in a row: reals as they are, bits as 0 and 1, categories one-hot; relaxed codes pass."""

    def one(block: Array, latent: Latent) -> Array:
        if latent.kind == "categories" and not jnp.issubdtype(block.dtype, jnp.floating):
            block = jax.nn.one_hot(block, latent.levels)
        return block.astype(jnp.float32).reshape(-1)

    return jnp.concatenate([one(block, latent) for block, latent in zip(h, latents, strict=True)])
