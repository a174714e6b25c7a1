"""The fit of a decoder to rows that went through an encoder, and nothing else."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.corruption import Corruption, corrupt
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def codes_of(parts: Parts, noise: PyTree, x: PyTree, *, random: bool) -> PyTree:
    """The codes of a batch of rows, [draws, batch, …]: h_φ(x, ε) of each noise, or the one that `encode` gives."""
    posterior = posterior_of(parts)
    if random:
        return jax.vmap(jax.vmap(posterior.transform), in_axes=(0, None))(noise, x)
    return jax.tree.map(lambda leaf: leaf[None], jax.vmap(posterior.encode)(x))


class Reconstruction(Direction):
    """∇ of E log p_θ(x | h_φ(x̃)), x̃ being x with noise on it, or x itself.

    With no noise and codes without chance an autoencoder, with noise on x̃ a denoising one. For Gaussian columns of
    fixed scale −log p(x | h) is a squared error. There is no divergence: nothing makes the codes follow the prior.

    Args:
        random: codes by `transform`, with chance; by `encode`, without it, where false (the noise then serves nothing).
        corruption: `none`, `mask`, `swap` or `gaussian`, as `corrupt` has them.
        amount: of the corruption.

    Example:
        >>> from reverie.directions import Reconstruction
        >>> Reconstruction(corruption="mask", amount=0.3).moves
        ('model', 'inference')

    Reference: Vincent, Larochelle, Bengio & Manzagol 2008, *Extracting and composing robust features with denoising
    autoencoders*, §2.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    random: bool = False
    corruption: Corruption = "none"
    amount: float = 0.3

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch."""
        seen = corrupt(tick.key, batch.x, self.corruption, self.amount)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            h = codes_of(parts, draw["noise"], seen, random=self.random)
            one = jax.vmap(lambda h, x: parts["model"].log_likelihood(x, h))
            fit = jnp.mean(jax.vmap(one, in_axes=(0, None))(h, batch.x))
            return fit, {"fit": fit}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
