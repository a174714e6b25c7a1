"""The two players of a generative adversarial net."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def _values(parts: Parts, batch: Batch, draw: Draw) -> tuple[Array, Array]:
    """V(x) for the data and V(G(ε)) for the draws."""
    model, critic = parts["model"], parts["critic"]
    fake = jax.vmap(lambda noise: critic.logit(model.push(noise)))(draw["noise"][0])
    return jax.vmap(critic.logit)(batch.x), fake


class CriticUp(Direction):
    """∇_ψ E_{p₀} log D(x) + E_ε log(1 − D(G(ε))),  D = σ(V)                                  (Ou 2019, Eq. 28).

    Example:
        >>> from reverie.directions import CriticUp
        >>> CriticUp().moves
        ('critic',)
    """

    moves = ("critic",)
    uses = ("noise",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The critic's gradient."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            real, fake = _values(parts, batch, draw)
            value = jnp.mean(log_sigmoid(real)) + jnp.mean(log_sigmoid(-fake))
            right = 0.5 * (jnp.mean(real > 0, dtype=jnp.float32) + jnp.mean(fake < 0, dtype=jnp.float32))
            return value, {"gan_value": value, "critic_accuracy": right}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class MinimaxGenerator(Direction):
    """Down ∇_θ E_ε log(1 − D(G_θ(ε))): the original game, whose gradient fades when D wins    (Ou 2019, Eq. 28).

    Example:
        >>> from reverie.directions import MinimaxGenerator
        >>> MinimaxGenerator().moves
        ('model',)
    """

    moves = ("model",)
    uses = ("noise",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The generator's gradient."""
        return _generator(lambda fake: -jnp.mean(log_sigmoid(-fake)), parts, batch, draw, memory)


class NonSaturatingGenerator(Direction):
    """Up ∇_θ E_ε log D(G_θ(ε)): the log D trick, with the same fixed point                  (Ou 2019, §3.2.4).

    Example:
        >>> from reverie.directions import NonSaturatingGenerator
        >>> NonSaturatingGenerator().uses
        ('noise',)
    """

    moves = ("model",)
    uses = ("noise",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The generator's gradient."""
        return _generator(lambda fake: jnp.mean(log_sigmoid(fake)), parts, batch, draw, memory)


def _generator(
    payoff: Any, parts: Parts, batch: Batch, draw: Draw, memory: Memory
) -> tuple[Ascent, Memory, dict[str, Array]]:
    def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
        value = payoff(_values(parts, batch, draw)[1])
        return value, {"generator_value": value}

    ascent, info = gradient(objective, parts, ("model",))
    return ascent, memory, info
