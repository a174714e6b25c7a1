"""Score matching: the slope of the potential towards the data's, without log Z, in three forms."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ExactScoreMatching(Direction):
    """Up −E_data [tr ∇²u(x) + ½ |∇u(x)|²], which is −½ E_data |∇u − ∇ log p₀|² up to a constant.

    The trace is a sum of as many second derivatives as x has numbers, each a Jacobian-vector product of ∇u.

    Example:
        >>> from reverie.directions import ExactScoreMatching
        >>> ExactScoreMatching().uses
        ()

    Reference: Hyvärinen 2005, *Estimation of non-normalized statistical models by score matching*, Theorem 1, Eq. 4.
    """

    moves = ("model",)
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""

        def one(model: Any, x: Array, key: Array) -> Array:
            slope = jax.grad(model.potential)
            every = jnp.eye(x.shape[0], dtype=x.dtype)
            bent = jax.vmap(lambda v: v @ jax.jvp(slope, (x,), (v,))[1])(every)
            return jnp.sum(bent) + 0.5 * jnp.sum(jnp.square(slope(x)))

        return _down(one, tick, parts, batch, memory)


class SlicedScoreMatching(Direction):
    """Up −E_data [E_v v·∇²u(x) v + ½ |∇u(x)|²] with v ~ N(0, I): in the mean the exact form, at the price of a slice.

    Args:
        slices: how many v for each row.

    Example:
        >>> from reverie.directions import SlicedScoreMatching
        >>> SlicedScoreMatching(slices=2).slices
        2

    Reference: Song, Garg, Shi & Ermon 2019, *Sliced score matching*, Eq. 8 (with the variance reduced).
    """

    moves = ("model",)
    uses = ()
    slices: int = 1

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""

        def one(model: Any, x: Array, key: Array) -> Array:
            slope = jax.grad(model.potential)
            directions = noise.normal(key, (self.slices, *x.shape))
            bent = jax.vmap(lambda v: jnp.sum(v * jax.jvp(slope, (x,), (v,))[1]))(directions)
            return jnp.mean(bent) + 0.5 * jnp.sum(jnp.square(slope(x)))

        return _down(one, tick, parts, batch, memory)


class DenoisingScoreMatching(Direction):
    """Up −½ E |∇u(x + σ ε) + ε/σ|² + ½ E |ε|²/σ², ε ~ N(0, I): score matching of data that are blurred by N(0, σ² I).

    The optimum is p₀ * N(0, σ² I), so that σ is a bias that is chosen. Each ε is used with both signs, and the constant
    is left out, so that what is averaged,

        ¼ |∇u(x + σ ε)|² + ¼ |∇u(x − σ ε)|² + ε·(∇u(x + σ ε) − ∇u(x − σ ε)) / 2σ,

    keeps a finite variance as σ → 0, where it is the sliced form.

    Args:
        sigma: σ, in the units of the rows as the model sees them.

    Example:
        >>> from reverie.directions import DenoisingScoreMatching
        >>> DenoisingScoreMatching(sigma=0.1).sigma
        0.1

    Reference: Vincent 2011, *A connection between score matching and denoising autoencoders*, Eq. 11.
    """

    moves = ("model",)
    uses = ()
    sigma: float = 0.1

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""

        def one(model: Any, x: Array, key: Array) -> Array:
            slope = jax.grad(model.potential)
            fresh = noise.normal(key, x.shape)
            up, down = slope(x + self.sigma * fresh), slope(x - self.sigma * fresh)
            lengths = 0.25 * (jnp.sum(jnp.square(up)) + jnp.sum(jnp.square(down)))
            return lengths + jnp.sum(fresh * (up - down)) / (2.0 * self.sigma)

        return _down(one, tick, parts, batch, memory)


Term = Callable[[Any, Array, Key[Array, ""]], Array]


def _down(
    term: Term, tick: Tick, parts: Parts, batch: Batch, memory: Memory
) -> tuple[Ascent, Memory, dict[str, Array]]:
    """Down the mean of a term over the batch, each row with a key of its own."""
    keys = jax.random.split(tick.key, batch.index.shape[0])

    def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
        value = -jnp.mean(jax.vmap(lambda x, key: term(parts["model"], x, key))(batch.x, keys))
        return value, {"score_matching": value}

    ascent, info = gradient(objective, parts, ("model",))
    return ascent, memory, info
