"""Rows at random levels of noise, and chains that begin at the noisier row."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie import noise
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.kernel import Kernel
from reverie.samplers.langevin import Langevin
from reverie.samplers.sampler import Chain, Draw, Sampler, Tick


class Recovery(NamedTuple):
    """For each row a level, the noisier row, the state of the row at the level, and the state that a chain came to."""

    level: Array
    noisy: Array
    state: Array
    particle: Array


class RecoveryChains(Sampler):
    """Rows at two neighbouring levels of noise, and K moves of a chain in the model of the one given the other.

        k ~ U{0, …, L − 1},    z_k, z_{k+1} from the row,    r ← K_θ(· | r; k, z_{k+1}) from r ~ N(0, I)

    The levels of a batch are spread evenly. Biased towards where chains begin, the less so the nearer the levels are.

    Args:
        moves: K.
        kernel: how chains move; Langevin moves of size 0.1 where not given.

    Example:
        >>> from reverie.samplers import RecoveryChains
        >>> RecoveryChains(moves=30).exactness
        'biased'

    Reference: Gao, Song, Poole, Wu & Kingma 2021, *Learning energy-based models by diffusion recovery likelihood*,
    Alg. 1.
    """

    gives = ("recovery",)
    exactness = "biased"
    moves: int
    kernel: Kernel | None = None

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Fresh levels, noise and chains."""
        model, rows = parts["model"], batch.index.shape[0]
        kernel = self.kernel or Langevin(0.1)
        key_level, key_rows = jax.random.split(tick.key)
        share = (noise.uniform(key_level) + jnp.arange(rows) / rows) % 1.0
        level = jnp.minimum(jnp.floor(share * model.noise_levels), model.noise_levels - 1).astype(jnp.int32)

        def one(key: Array, x: Array, level: Array) -> tuple[Recovery, Array]:
            key_pair, key_start, key_begin, key_moves = jax.random.split(key, 4)
            state, noisy = model.noised_pair(key_pair, x, level)
            field = model.given_noisy(level, noisy)
            start = field.start(key_start)

            def move(now: tuple[Array, Chain], key: Array) -> tuple[tuple[Array, Chain], Array]:
                place, memory, rate = kernel.move(key, field, *now)
                return (place, memory), rate

            begun = (start, kernel.begin(key_begin, field, start))
            (particle, _), rates = jax.lax.scan(move, begun, jax.random.split(key_moves, self.moves))
            return Recovery(level, noisy, state, particle), jnp.mean(rates)

        drawn, rates = jax.vmap(one)(jax.random.split(key_rows, rows), batch.x, level)
        return {"recovery": drawn}, chain, {"acceptance": jnp.mean(rates)}
