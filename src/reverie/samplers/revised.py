"""Chains that begin at a generator's draws: the generator proposes, the field revises."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasRealPotential
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.chains import kernel_for
from reverie.samplers.kernel import Chains, Kernel, begin_all, move_all
from reverie.samplers.langevin import MALA
from reverie.samplers.sampler import Chain, Draw, Dreams, Sampler, Tick


class CodesOf(HasRealPotential):
    """The code of one row under a generator: u(h) = log q(x, h), so that chains on h seek q(h | x)."""

    generator: Any
    x: Array
    h: Array

    def start(self, key: Key[Array, ""]) -> Array:
        """The code that the row came from."""
        return self.h

    def potential(self, x: Array) -> Array:
        """log q(x, h)."""
        return self.generator.log_prior((x,)) + self.generator.log_likelihood(self.x, (x,))


def exchanged(key: Key[Array, ""], generator: Any, x: Array, h: Any) -> Any:
    """For each row a code of the batch, row i's being h_j with a probability in proportion to q(x_i | h_j).

    The others' codes are draws of q(h) that know nothing of the row, and its own is where its chain is: the choice
    leaves q(h | x) invariant, however far from h the row has moved and however many modes q(h | x) has. A code that
    stays behind its row is noise to the generator, whose s then grows by as much as rows move.

    Reference: Andrieu, Lee & Vihola 2018, *Uniform ergodicity of the iterated conditional SMC and geometric ergodicity
    of particle Gibbs samplers*, for the choice among fresh draws and where the chain is, with one step.
    """
    log_q = jax.vmap(lambda one: jax.vmap(lambda code: generator.log_likelihood(one, code))(h))(x)
    chosen = jax.vmap(noise.categorical)(jax.random.split(key, x.shape[0]), log_q)
    return jax.tree.map(lambda block: block[chosen], h)


class ChainsFromGenerator(Sampler):
    """(h, x) ~ q_φ, then moves of x towards p_θ, then of h towards q_φ(h | x): sample revision.

    Biased towards the generator for any finite number k of moves, by (q_φ − p_θ) Kᵏ: in proportion to what the
    generator is off, and geometrically less in k, at the rate at which the kernel K forgets. Langevin moves of size ε
    in a field N(μ, s²) leave (1 − ε / 2s²)ᵏ of what the generator's mean was off; their own bias, of the order of ε, is
    added. The `revised` pairs are what the generator learns from; the `particles` are their x.

    Args:
        moves: moves of x.
        kernel: how x moves; the model's usual where not given.
        code_moves: Metropolis-adjusted Langevin moves of h, after each row has chosen among the codes of the batch;
            with none, h is kept. What is not adjusted flies off where the generator's noise over its slope is less than
            about √step.
        code_step: their step size.
        noiseless: whether a chain begins at g(h) and not at a draw about it.

    Example:
        >>> from reverie.samplers import ChainsFromGenerator
        >>> ChainsFromGenerator(moves=10).exactness
        'biased'

    Reference: Song & Ou 2018, *Learning neural random fields with inclusive auxiliary generators*, Alg. 1–2 (with the
    moves of x by p_θ alone, as where h* = h there); Xie, Lu, Gao, Zhu & Wu 2018, *Cooperative training of descriptor
    and generator networks*, Alg. 3.
    """

    gives = ("particles", "revised")
    exactness = "biased"
    moves: int = 10
    kernel: Kernel | None = None
    code_moves: int = 0
    code_step: float = 0.01
    noiseless: bool = False

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """The revised pairs."""
        model, generator = parts["model"], parts["generator"]
        kernel = self.kernel or kernel_for(model)
        key_noise, key_begin, key_move, key_codes = jax.random.split(tick.key, 4)
        fresh = jax.vmap(generator.noise)(jax.random.split(key_noise, batch.index.shape[0]))
        first, h = jax.vmap(generator.pair)(fresh)
        if self.noiseless:
            first = jax.vmap(generator.centre)(h)
        began = Chains(first, begin_all(kernel, key_begin, model, first))
        (x, _), rate = move_all(kernel, key_move, model, began, self.moves)
        info = {"acceptance": rate, "revision": jnp.mean(jnp.sqrt(jnp.mean(jnp.square(x - first), axis=-1)))}
        if self.code_moves:
            key_exchange, key_codes = jax.random.split(key_codes)
            h = exchanged(key_exchange, generator, x, h)
            moved, rates = self._codes(key_codes, generator, x, h[0])
            h, info["code_acceptance"] = (moved,), jnp.mean(rates)
        return {"particles": x, "revised": Dreams(x, h)}, chain, info

    def _codes(self, key: Key[Array, ""], generator: Any, x: Array, h: Array) -> tuple[Array, Array]:
        kernel = MALA(self.code_step)

        def one(key: Array, x: Array, h: Array) -> tuple[Array, Array]:
            def move(h: Array, key: Array) -> tuple[Array, Array]:
                after, _, rate = kernel.move(key, CodesOf(generator, x, h), h, None)
                return after, rate

            after, rates = jax.lax.scan(move, h, jax.random.split(key, self.code_moves))
            return after, jnp.mean(rates)

        return jax.vmap(one)(jax.random.split(key, x.shape[0]), x, h)
