"""The divergence of a posterior from a prior, where distributions have one in closed form."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree
from numpyro.distributions import ExpandedDistribution, Independent, MultivariateNormal, Normal, kl_divergence

from reverie.capabilities import HasPosteriorDistribution, HasPriorDistribution, posterior_of
from reverie.parts import Parts


def divergences(posterior: Any, prior: Any) -> Float[Array, " groups"]:
    """KL[q ‖ p] of each variable where they are independent in both, else one number for all of them."""
    if isinstance(posterior, Independent) and isinstance(prior, Independent):
        return kl_divergence(posterior.base_dist, prior.base_dist).reshape(-1)
    if isinstance(posterior, MultivariateNormal) and _diagonal(prior):
        return _full_to_diagonal(posterior, prior)[None]
    return kl_divergence(posterior, prior)[None]


def _full_to_diagonal(posterior: MultivariateNormal, prior: Any) -> Float[Array, ""]:
    """KL[N(m, L Lᵀ) ‖ N(μ, diag s²)] = Σ_i log s_i/L_ii + ½ (‖L/s‖² + ‖(m − μ)/s‖² − d)."""
    scale, lower = jnp.sqrt(prior.variance), posterior.scale_tril
    squares = jnp.sum((lower / scale[:, None]) ** 2) + jnp.sum(((posterior.loc - prior.mean) / scale) ** 2)
    return jnp.sum(jnp.log(scale) - jnp.log(jnp.diag(lower))) + 0.5 * (squares - scale.size)


def closed_form(parts: Parts, x: PyTree) -> bool:
    """Whether the divergence of these parts is known in closed form; x is a batch of rows."""
    model, posterior = parts["model"], posterior_of(parts)
    if not isinstance(model, HasPriorDistribution) or not isinstance(posterior, HasPosteriorDistribution):
        return False
    return _known(posterior.distribution(jax.tree.map(lambda leaf: leaf[0], x)), model.prior())


def _known(posterior: Any, prior: Any) -> bool:
    """Whether there is a formula for two distributions, looked up by their types below all wrapping."""
    if isinstance(posterior, Independent) and isinstance(prior, Independent):
        return _known(posterior.base_dist, prior.base_dist)
    if isinstance(posterior, MultivariateNormal) and _diagonal(prior):
        return True
    if isinstance(posterior, ExpandedDistribution):
        return _known(posterior.base_dist, prior)
    if isinstance(prior, ExpandedDistribution):
        return _known(posterior, prior.base_dist)
    return kl_divergence.dispatch(type(posterior), type(prior)) is not None


def _diagonal(prior: Any) -> bool:
    """Whether it is a Gaussian of independent variables."""
    if not isinstance(prior, Independent):
        return False
    base = prior.base_dist
    return isinstance(base.base_dist if isinstance(base, ExpandedDistribution) else base, Normal)
