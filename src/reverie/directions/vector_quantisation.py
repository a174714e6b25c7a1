"""Learning a codebook and the encoder that rounds to it."""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class Usage(NamedTuple):
    """Running sums over the embeddings that each vector of the codebook stood for.

    Attributes:
        number: how many they were, [levels].
        total: their sum, [levels, dimension].
    """

    number: Float[Array, " levels"]
    total: Float[Array, "levels dimension"]


class VectorQuantisation(Direction):
    """Up the bound in the decoder and the prior, and straight through the rounding to the encoder.

        log p(x | z_q) + log p(h) − c ‖z − sg[e_h]‖² − ‖sg[z] − e_h‖²,   z_q = z + sg[e_h − z]

    with z = z(x) the encoder's vectors, e_h the nearest ones of the codebook and sg[·] what no gradient passes
    (van den Oord et al. 2017, Eq. 3). Along φ the bound log p(x, h) is flat but for jumps; passing the gradient at the
    decoder's input on to the encoder makes φ's direction biased. The decoder's and the prior's are the bound's own.
    The codes carry no gradient to or from the prior: fitting it along with the rest comes, once the codes stand still,
    to what fitting it afterwards does.

    The codebook follows the last term's gradient, or (`moving-average`) is set to the running mean of the embeddings
    that it stood for: N_k ← γ N_k + (1 − γ) n_k, m_k ← γ m_k + (1 − γ) Σ z, e_k ← m_k / N_k (appendix A.1). A vector
    that is hardly ever the nearest would never move; it is set to an embedding of the batch.

    Args:
        codebook: `moving-average` or `gradient`.
        commitment: c, what keeps the encoder near the codebook.
        decay: γ.
        restart: a vector used less often than this share of an equal share is set anew; 0: never.
        prior_from: a step: the prior is fitted from there on, and it alone (an optimiser with momentum takes a few
            steps to stop the rest); before, all but the prior. `None`: all the time, with the rest.

    Example:
        >>> from reverie.directions import VectorQuantisation
        >>> VectorQuantisation(codebook="gradient").commitment
        0.25

    Reference: van den Oord, Vinyals & Kavukcuoglu 2017, *Neural discrete representation learning*; new starts:
    Dhariwal et al. 2020, *Jukebox*, §3.
    """

    moves = ("model", "inference")
    uses = ()
    codebook: Literal["moving-average", "gradient"] = eqx.field(static=True, default="moving-average")
    commitment: float = 0.25
    decay: float = 0.99
    restart: float = 0.1
    prior_from: int | None = None

    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """Each vector has stood for itself, once."""
        vectors = parts["model"].vectors()
        return Usage(jnp.ones(vectors.shape[0]), vectors)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Usage
    ) -> tuple[Ascent, Usage, dict[str, Array]]:
        """The gradient, and the codebook as it is after this batch."""
        h = jax.lax.stop_gradient(jax.vmap(posterior_of(parts).encode)(batch.x))
        first = self._first_phase(tick)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model = parts["model"]
            z = jax.vmap(parts["inference"].embed)(batch.x)
            nearest = model.vectors()[h[0]]
            through = z + jax.lax.stop_gradient(nearest - z)
            fit = jnp.mean(jax.vmap(model.log_likelihood_of)(batch.x, through))
            prior = jnp.mean(jax.vmap(model.log_prior)(h))
            to_encoder = jnp.mean(jnp.sum((z - jax.lax.stop_gradient(nearest)) ** 2, axis=(1, 2)))
            to_codebook = jnp.mean(jnp.sum((jax.lax.stop_gradient(z) - nearest) ** 2, axis=(1, 2)))
            value = fit - self.commitment * to_encoder
            if self.codebook == "gradient":
                value -= to_codebook
            if self.prior_from is None:
                value += prior
            else:
                value = jnp.where(first, value, prior)
            return value, {"elbo": fit + prior, "fit": fit, "log_prior": prior, "distance": to_encoder}

        ascent, info = gradient(objective, parts, self.moves)
        z = jax.vmap(parts["inference"].embed)(batch.x)
        vectors, usage, said = self._follow(tick, parts["model"].vectors(), z, h[0], memory)
        if self.prior_from is not None:
            keep = lambda new, old: jnp.where(first, new, old)
            vectors, usage = jax.tree.map(keep, (vectors, usage), (parts["model"].vectors(), memory))
        return Ascent(ascent.along, {"model": parts["model"].with_vectors(vectors)}), usage, info | said

    def _first_phase(self, tick: Tick) -> Array:
        return jnp.ones((), bool) if self.prior_from is None else tick.step < self.prior_from

    def _follow(
        self, tick: Tick, vectors: Array, z: Array, h: Array, memory: Usage
    ) -> tuple[Array, Usage, dict[str, Array]]:
        """The codebook and the running sums after a batch."""
        levels = vectors.shape[0]
        flat = z.reshape(-1, z.shape[-1])
        chosen = jax.nn.one_hot(h.reshape(-1), levels)
        count = self.decay * memory.number + (1.0 - self.decay) * jnp.sum(chosen, axis=0)
        total = self.decay * memory.total + (1.0 - self.decay) * chosen.T @ flat
        if self.codebook == "moving-average":
            vectors = jnp.where(count[:, None] > 1e-6, total / jnp.maximum(count, 1e-6)[:, None], vectors)
        idle = count * levels < self.restart * jnp.sum(count)
        anew = flat[jax.random.randint(tick.key, (levels,), 0, flat.shape[0])]
        mean = jnp.mean(count)
        vectors = jnp.where(idle[:, None], anew, vectors)
        usage = Usage(jnp.where(idle, mean, count), jnp.where(idle[:, None], mean * anew, total))
        share = jnp.mean(chosen, axis=0)
        perplexity = jnp.exp(jnp.sum(jax.scipy.special.entr(share)))
        return vectors, usage, {"perplexity": perplexity, "restarted": jnp.sum(idle, dtype=jnp.float32)}
