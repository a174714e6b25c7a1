"""Bounds for rows of which some have a label."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.data.labels import labels_of
from reverie.directions.direction import Ascent, Direction, gradient
from reverie.directions.marginal_elbo import averaged, branch_terms
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class Share(NamedTuple):
    """How many rows have a label.

    Attributes:
        share: of the rows so far.
        steps: how many batches they were.
    """

    share: Array
    steps: Array


def share_start() -> Share:
    """Nothing seen."""
    return Share(jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32))


def share_after(memory: Share, y: Int[Array, " batch"]) -> Share:
    """With one more batch."""
    steps = memory.steps + 1
    return Share(memory.share + (jnp.mean(y >= 0, dtype=jnp.float32) - memory.share) / steps, steps)


def semi_supervised(
    parts: Parts, noise: PyTree, batch: Batch, alpha: float, share: Array
) -> tuple[Float[Array, ""], dict[str, Array]]:
    """The mean over the batch of L(x, y) where there is a label and U(x) where not, and the classification term.

    Args:
        parts: the parts.
        noise: draws of ε, [draws, batch, …].
        batch: rows and labels.
        alpha: α.
        share: of rows that have a label.
    """
    y = labels_of(batch)
    terms = branch_terms(parts, noise, batch.x)
    labelled = y >= 0
    hot = jax.nn.one_hot(y, terms.log_class.shape[-1])  # All zeros where y = −1.
    weight = jnp.where(labelled[:, None], hot, jnp.exp(terms.log_class))
    fit, divergence = averaged(terms, weight)
    entropy = -jnp.sum(jnp.exp(terms.log_class) * terms.log_class, axis=-1)
    bound = jnp.mean(fit - divergence + jnp.where(labelled, 0.0, entropy))
    told = jnp.sum(hot * terms.log_class, axis=-1)
    # The mean over labelled rows as a sum over the batch: their number in a batch is random, their share is not.
    log_q = jnp.mean(told) / jnp.maximum(share, 1e-12)
    return bound + alpha * log_q, {"elbo": bound, "log_q_labels": log_q}


class SemiSupervisedElbo(Direction):
    """∇ of E_rows [1_l L(x, y) + 1_u U(x)] + α E_labelled log q(y | x).

        L(x, y) = E_ε [log p(x, z_y, y) − log q(z_y | x, y)],    U(x) = Σ_y q(y | x) [L(x, y) − log q(y | x)]

    A lower bound of log p(x, y) for rows with a label, of log p(x) for those without, and a term by which the labels
    teach q(y | x) too. Unbiased once the share of rows with labels, a running mean in the memory, is known.

    Args:
        alpha: α.

    Example:
        >>> from reverie.directions import SemiSupervisedElbo
        >>> SemiSupervisedElbo(alpha=1.0).moves
        ('model', 'inference')

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, Eq. 6–9.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    alpha: float = 0.1

    def init(self, key: Key[Array, ""], parts: Parts) -> Share:
        """No row seen."""
        return share_start()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Share
    ) -> tuple[Ascent, Share, dict[str, Array]]:
        """The gradient over the batch and the noise."""
        after = share_after(memory, labels_of(batch))

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            return semi_supervised(parts, draw["noise"], batch, self.alpha, after.share)

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, after, info


class StagedSemiSupervised(Direction):
    """First M1, then M2 on M1's code, in one model.

        until step T: ∇ of E_ε [log p(x | z₁) + log N(z₁; 0, I) − log q(z₁ | x)]
        from then on: that of `SemiSupervisedElbo`, with p(x | z₁) and q(z₁ | x) held

    The held numbers stand still but for what momentum an optimiser has left.

    Args:
        until: T.
        alpha: α.

    Example:
        >>> from reverie.directions import StagedSemiSupervised
        >>> StagedSemiSupervised(until=100).until
        100

    Reference: Kingma, Rezende, Mohamed & Welling 2014, §2, "stacked generative semi-supervised model".
    """

    moves = ("model", "inference")
    uses = ("noise",)
    until: int = 1000
    alpha: float = 0.1

    def init(self, key: Key[Array, ""], parts: Parts) -> Share:
        """No row seen."""
        return share_start()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Share
    ) -> tuple[Ascent, Share, dict[str, Array]]:
        """The gradient of the stage."""
        after = share_after(memory, labels_of(batch))

        def first(parts: Parts) -> tuple[Array, dict[str, Array]]:
            def one(noise: PyTree, x: PyTree) -> Array:
                code, log_q = parts["inference"].first(noise, x)
                return parts["model"].first_log_joint(x, code) - log_q

            bound = jnp.mean(jax.vmap(jax.vmap(one), in_axes=(0, None))(draw["noise"], batch.x))
            return bound, {"elbo": bound, "log_q_labels": jnp.zeros(())}

        def second(parts: Parts) -> tuple[Array, dict[str, Array]]:
            held = {name: parts[name].first_held() for name in self.moves}
            return semi_supervised(parts | held, draw["noise"], batch, self.alpha, after.share)

        ascent, info = jax.lax.cond(
            tick.step < self.until,
            lambda: gradient(first, parts, self.moves),
            lambda: gradient(second, parts, self.moves),
        )
        return ascent, after, info | {"stage": 1.0 + (tick.step >= self.until)}


class CodeClassification(Direction):
    """∇_ψ of E_labelled log p_ψ(y | h), h the inference model's code of x, from which nothing comes back to it.

    Example:
        >>> from reverie.directions import CodeClassification
        >>> CodeClassification().moves
        ('classifier',)

    Reference: Kingma, Rezende, Mohamed & Welling 2014, §2, "latent-feature discriminative model (M1)".
    """

    moves = ("classifier",)
    uses = ()

    def init(self, key: Key[Array, ""], parts: Parts) -> Share:
        """No row seen."""
        return share_start()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Share
    ) -> tuple[Ascent, Share, dict[str, Array]]:
        """The classifier's gradient."""
        y = labels_of(batch)
        after = share_after(memory, y)
        codes = jax.lax.stop_gradient(jax.vmap(posterior_of(parts).encode)(batch.x))

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_p = jax.nn.log_softmax(jax.vmap(parts["classifier"].class_logits)(codes))
            told = jnp.sum(jax.nn.one_hot(y, log_p.shape[-1]) * log_p, axis=-1)
            value = jnp.mean(told) / jnp.maximum(after.share, 1e-12)
            return value, {"log_q_labels": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, after, info
