"""Greedy learning of a stack of machines, then its fine-tuning by wake and sleep."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Passes, Tick
from reverie.samplers.stack import turn


class UpDown(Direction):
    """Layer by layer for some steps each, and then all of them.

        turn of level l: ∇ [mean over h_l from the data of u_l − mean over particles of u_l], R_l moved as W_l is
        thereafter: ∇ mean over rises of Σ_l log p(h_l | h_{l+1}) + ∇ [u_top of rises − u_top of particles]
                    + ∇ mean over falls of Σ_l log q(h_{l+1} | h_l)

    and while the top is learned ∇ mean over rises of log p_0(h_{L−1}), p_0 the base of its path.

    Of a part that has had its turn only what momentum an optimiser has left moves on.

    Args:
        pretrain: steps for each machine, the same as the sampler's.

    Example:
        >>> from reverie.directions import UpDown
        >>> UpDown(pretrain=1000).uses
        ('passes',)

    Reference: Hinton, Osindero & Teh 2006, *A fast learning algorithm for deep belief nets*, §4, §5 and appendix B.
    """

    moves = ("model",)
    uses = ("passes",)
    pretrain: int

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The direction of the level whose turn it is, or of all."""
        passes: Passes = draw["passes"]
        depth = parts["model"].depth
        level, tuning = turn(tick.step, self.pretrain, depth)

        def contrast(parts: Parts, place: int) -> Array:
            potential = jax.vmap(parts["model"].machine(place).potential)
            return jnp.mean(potential(passes.up[place])) - jnp.mean(potential(passes.particles[place]))

        def greedy(parts: Parts) -> tuple[Array, dict[str, Array]]:
            zero = jnp.zeros(())
            terms = [
                jax.lax.cond(level == place, lambda parts, p=place: contrast(parts, p), lambda parts: zero, parts)
                for place in range(depth)
            ]
            at_top = jax.lax.cond(level == depth - 1, base, lambda parts: zero, parts)
            return sum(terms, start=at_top), {"contrast": sum(terms, start=zero)}

        def base(parts: Parts) -> Array:
            return jnp.mean(jax.vmap(parts["model"].base_log_prob)(passes.up[-1]))

        def whole(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model = parts["model"]
            top = contrast(parts, depth - 1)
            wake = jnp.mean(jax.vmap(model.log_prob_down)(passes.up))
            sleep = jnp.mean(jax.vmap(model.log_prob_up)(passes.down))
            return top + wake + sleep + base(parts), {"contrast": top}

        def first() -> tuple[Ascent, dict[str, Array]]:
            ascent, info = gradient(greedy, parts, self.moves)
            return Ascent({"model": ascent.along["model"].tied()}, {}), info

        ascent, info = jax.lax.cond(tuning, lambda: gradient(whole, parts, self.moves), first)
        return ascent, memory, info
