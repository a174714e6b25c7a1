"""The divergence of a posterior from a prior, where distributions have one in closed form."""

from typing import Any

import jax
from jaxtyping import Array, Float, PyTree
from numpyro.distributions import ExpandedDistribution, Independent, kl_divergence

from reverie.capabilities import HasPosteriorDistribution, HasPriorDistribution, posterior_of
from reverie.parts import Parts


def divergences(posterior: Any, prior: Any) -> Float[Array, " groups"]:
    """KL[q ‖ p] of each variable where they are independent in both, else one number for all of them."""
    if isinstance(posterior, Independent) and isinstance(prior, Independent):
        return kl_divergence(posterior.base_dist, prior.base_dist).reshape(-1)
    return kl_divergence(posterior, prior)[None]


def closed_form(parts: Parts, x: PyTree) -> bool:
    """Whether the divergence of these parts is known in closed form; x is a batch of rows."""
    model, posterior = parts["model"], posterior_of(parts)
    if not isinstance(model, HasPriorDistribution) or not isinstance(posterior, HasPosteriorDistribution):
        return False
    return _known(posterior.distribution(jax.tree.map(lambda leaf: leaf[0], x)), model.prior())


def _known(posterior: Any, prior: Any) -> bool:
    """Whether numpyro has a formula for two distributions, looked up by their types below all wrapping."""
    if isinstance(posterior, Independent) and isinstance(prior, Independent):
        return _known(posterior.base_dist, prior.base_dist)
    if isinstance(posterior, ExpandedDistribution):
        return _known(posterior.base_dist, prior)
    if isinstance(prior, ExpandedDistribution):
        return _known(posterior, prior.base_dist)
    return kl_divergence.dispatch(type(posterior), type(prior)) is not None
