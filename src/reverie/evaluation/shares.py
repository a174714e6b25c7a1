"""What each block of latent variables, and each variable, has in the divergence of the posterior from the prior.

    KL[q(h | x) ‖ p(h)] = Σ_l E_q [log q(h_l | x, what was drawn before) − log p(h_l | what is above)]

and each term is a sum over variables again where they are independent in both. Where one block is all there is and a
formula is known it is taken; else the mean over draws.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree
from numpy.typing import NDArray
from numpyro.distributions import Independent

from reverie.bits import each_bit_log_prob
from reverie.capabilities import (
    HasCodeLogits,
    HasPosteriorDistribution,
    HasPosteriorTerms,
    HasPriorDistribution,
    HasPriorTerms,
    Latent,
)
from reverie.estimate import Estimate, mean_of

LEAST = 0.01
"""Nats: a variable whose divergence is below this says nothing of its row."""
KINDS = {"reals": "real", "bits": "bit", "categories": "category"}


class Share(NamedTuple):
    """What one block has in the divergence, in nats a row.

    A block's share, and a variable's, can lie below zero where there are several blocks and the inference model draws
    them in another order than the model does; together they are the divergence, which cannot.

    Attributes:
        kind: of its variables, as `Latent.kind`.
        size: how many there are.
        divergence: of the block.
        each: of each variable; `None` where they lean on each other in the posterior or in the prior.
        errors: the standard errors of these.
    """

    kind: str
    size: int
    divergence: Estimate
    each: tuple[float, ...] | None
    errors: tuple[float, ...] | None

    @property
    def name(self) -> str:
        """In words."""
        plural = {"category": "categories"}.get(KINDS[self.kind], f"{KINDS[self.kind]}s")
        return f"{self.size} {KINDS[self.kind] if self.size == 1 else plural}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        listed = {name: None if one is None else list(one) for name, one in (("each", self.each), ("se", self.errors))}
        return {"kind": self.kind, "size": self.size, "divergence": self.divergence.to_dict()} | listed


def terms_of(model: Any, posterior: Any, h: PyTree, x: PyTree, log_q: Array) -> tuple[Array, ...]:
    """log q − log p of each block of a draw, by variable where that can be; nothing where blocks cannot be parted."""
    told, prior = _posterior_terms(posterior, model.latents, h, x, log_q), _prior_terms(model, h)
    if not told or not prior:
        return ()
    return tuple(q - p if q.shape == p.shape else jnp.sum(q) - jnp.sum(p) for q, p in zip(told, prior, strict=True))


def _posterior_terms(
    posterior: Any, latents: tuple[Latent, ...], h: PyTree, x: PyTree, log_q: Array
) -> tuple[Array, ...]:
    if isinstance(posterior, HasPosteriorTerms):
        return posterior.posterior_terms(h, x)
    if isinstance(posterior, HasCodeLogits):
        logits = [posterior.code_logits(x, h[:place]) for place in range(len(h))]
        return tuple(_of_codes(*one) for one in zip(latents, logits, h, strict=True))
    if len(latents) > 1:
        return ()
    if isinstance(posterior, HasPosteriorDistribution):
        return (_each(posterior.distribution(x), h[0]),)
    return (log_q,)


def _of_codes(latent: Latent, logits: Array, code: Array) -> Array:
    """log q of each variable of a block of codes."""
    if latent.kind == "bits":
        return each_bit_log_prob(logits, code)
    return jnp.take_along_axis(jax.nn.log_softmax(logits), code[:, None], axis=1)[:, 0]


def _prior_terms(model: Any, h: PyTree) -> tuple[Array, ...]:
    if isinstance(model, HasPriorTerms):
        return model.prior_terms(h)
    if isinstance(model, HasPriorDistribution):
        return (_each(model.prior(), h[0]),)
    return (model.log_prior(h),) if len(model.latents) == 1 else ()


def _each(law: Any, h: Array) -> Array:
    """The log density of each variable where they are independent, else of all."""
    return law.base_dist.log_prob(h) if isinstance(law, Independent) and law.event_shape == h.shape else law.log_prob(h)


def shares_of(latents: tuple[Latent, ...], terms: tuple[NDArray[Any], ...], kind: str) -> tuple[Share, ...] | None:
    """The shares, from each row's terms: [rows, size] where variables are told apart, [rows] where they are not.

    Args:
        latents: the blocks.
        terms: of each block; empty where blocks cannot be parted.
        kind: of the estimates.
    """
    if not terms:
        return None
    return tuple(_share(latent, np.asarray(one, np.float64), kind) for latent, one in zip(latents, terms, strict=True))


def _share(latent: Latent, rows: NDArray[np.float64], kind: str) -> Share:
    whole = mean_of(rows.reshape(len(rows), -1).sum(axis=1), kind)
    if rows.ndim == 1 and latent.size > 1:
        return Share(latent.kind, latent.size, whole, None, None)
    each = rows.reshape(len(rows), latent.size)
    errors = each.std(axis=0, ddof=1) / math.sqrt(len(rows))
    return Share(latent.kind, latent.size, whole, tuple(each.mean(axis=0).tolist()), tuple(errors.tolist()))
