"""Bring all rows' codes together, q(h) = E_{p̃(x)} q(h | x), to the prior: past a critic, or by their discrepancy."""

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid
from jaxtyping import Array, PyTree

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.reconstruction import codes_of
from reverie.divergences import Kernel, mmd2
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def _first(h: PyTree) -> PyTree:
    """One code for each row: those of one row are not independent draws of q(h)."""
    return jax.tree.map(lambda leaf: leaf[0], h)


class CodeCriticUp(Direction):
    """∇_ψ E_{q(h)} log σ(V(h)) + E_{p(h)} log(1 − σ(V(h))),  at whose optimum V = log q(h)/p(h).

    Args:
        random: codes by `transform`, with chance; by `encode`, without it, where false.

    Example:
        >>> from reverie.directions import CodeCriticUp
        >>> CodeCriticUp().uses
        ('noise', 'dreams')

    Reference: Makhzani et al. 2015, *Adversarial autoencoders*, §2, the regularisation phase.
    """

    moves = ("critic",)
    uses = ("noise", "dreams")
    random: bool = True

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The critic's gradient."""
        given = _first(codes_of(parts, draw["noise"], batch.x, random=self.random))

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            critic = jax.vmap(parts["critic"].code_logit)
            ours, prior = critic(given), critic(draw["dreams"].h)
            value = jnp.mean(log_sigmoid(ours)) + jnp.mean(log_sigmoid(-prior))
            right = 0.5 * (jnp.mean(ours > 0, dtype=jnp.float32) + jnp.mean(prior < 0, dtype=jnp.float32))
            return value, {"critic_accuracy": right}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class CodesPastCritic(Direction):
    """λ ∇_φ E_{q(h)} log(1 − σ(V(h))): the codes go where the critic takes them for the prior's.

    The non-saturating form: its gradient is largest where the critic is sure.

    Args:
        weight: λ.
        random: codes by `transform`, with chance; by `encode`, without it, where false.

    Example:
        >>> from reverie.directions import CodesPastCritic
        >>> CodesPastCritic(weight=10.0).moves
        ('inference',)

    Reference: Makhzani et al. 2015, §2; Tolstikhin et al. 2018, *Wasserstein auto-encoders*, Algorithm 1.
    """

    moves = ("inference",)
    uses = ("noise",)
    weight: float = 1.0
    random: bool = True

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The inference model's gradient."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            codes = _first(codes_of(parts, draw["noise"], batch.x, random=self.random))
            value = jnp.mean(log_sigmoid(-jax.vmap(parts["critic"].code_logit)(codes)))
            return self.weight * value, {"codes_past_critic": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class CodeDiscrepancy(Direction):
    """−λ ∇_φ MMD²(q(h), p(h)), by the unbiased estimator from a batch of codes and as many draws of the prior.

    Args:
        weight: λ.
        kernel: `inverse-multiquadratic` or `gaussian`.
        scale: of the prior, which sets the kernel's width.
        random: codes by `transform`, with chance; by `encode`, without it, where false.

    Example:
        >>> from reverie.directions import CodeDiscrepancy
        >>> CodeDiscrepancy(weight=10.0).kernel
        'inverse-multiquadratic'

    Reference: Tolstikhin et al. 2018, *Wasserstein auto-encoders*, Algorithm 2; Zhao, Song & Ermon 2019, *InfoVAE*, §3.
    """

    moves = ("inference",)
    uses = ("noise", "dreams")
    weight: float = 1.0
    kernel: Kernel = "inverse-multiquadratic"
    scale: float = 1.0
    random: bool = True

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The inference model's gradient."""
        prior = jax.lax.stop_gradient(_vectors(draw["dreams"].h))

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            codes = _vectors(_first(codes_of(parts, draw["noise"], batch.x, random=self.random)))
            value = mmd2(codes, prior, self.kernel, self.scale)
            return -self.weight * value, {"code_mmd2": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


def _vectors(h: PyTree) -> Array:
    """All blocks of a batch of codes side by side, [batch, variables]."""
    return jnp.concatenate([leaf.reshape(leaf.shape[0], -1) for leaf in jax.tree.leaves(h)], axis=1)
