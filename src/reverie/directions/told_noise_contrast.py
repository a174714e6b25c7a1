"""Noise contrast of told columns by ranking: which of several values is the row's own."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient, held
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ToldNoiseContrast(Direction):
    """∇_θ 1/n Σ_i log [e^{G(y_i)} / Σ_{k=0..K} e^{G(y_ik)}],  y_i0 = y_i, the others ~ p_n,  G = u_θ(·; v_i) − log p_n.

    Which of the K + 1 values is the row's own and which are noise. What depends on v alone is in all of them, so that
    neither Z(v) nor an estimate of it is needed. The noise p_n is where the paths of annealing begin: the told
    columns' own distribution as if they were independent of each other and of v.

    Args:
        noise: K.

    Example:
        >>> from reverie.directions import ToldNoiseContrast
        >>> ToldNoiseContrast(noise=5).noise
        5

    Reference: Ma & Collins 2018, *Noise contrastive estimation and negative sampling for conditional models:
    consistency and statistical efficiency*, Eq. 5 (ranking).
    """

    moves = ("model",)
    uses = ()
    noise: int = 10

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""
        keys = jax.random.split(tick.key, (jax.tree.leaves(batch.x)[0].shape[0], self.noise))
        model = held(parts["model"])

        def drawn(x: Array, keys: Array) -> tuple[Array, Array]:
            """The row's own value and the noise's, and log p_n of each."""
            field = model.conditioned(x)
            y = jnp.concatenate([model.told(x)[None], jax.vmap(field.base_sample)(keys)])
            return y, jax.vmap(lambda y: field.tempered_potential(y, jnp.zeros(())))(y)

        some, log_noise = jax.vmap(drawn)(batch.x, keys)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            conditioned = parts["model"].conditioned
            u = jax.vmap(lambda x, some: jax.vmap(conditioned(x).potential)(some))(batch.x, some)
            value = jnp.mean(jax.nn.log_softmax(u - log_noise, axis=1)[:, 0])
            return value, {"told_noise_contrast": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
