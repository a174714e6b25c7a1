"""What models and inference models can do whose log densities are sums of known terms, one or more a block of h."""

from abc import abstractmethod

import jax.numpy as jnp
from jaxtyping import Array

from reverie.capabilities.capability import Code, Row
from reverie.capabilities.latents import HasLogJoint
from reverie.capabilities.posteriors import HasPosterior


class HasPriorTerms(HasLogJoint):
    """p(h) = Π_l p(h_l | the blocks above it)."""

    @abstractmethod
    def prior_terms(self, h: Code) -> tuple[Array, ...]:
        """log p(h_l | …) of each block, in the order of h; their sum is `log_prior`.

        One number a variable, [size], where the variables of the block are independent given the blocks above it; else
        one number for the block, [].
        """


class HasLinks(HasPriorTerms):
    """p(x, h) = p(x | h_1) p(h_1 | h_2) … p(h_L): each layer leans on the one above it alone, x on the first."""

    def links(self, x: Row, h: Code) -> Array:
        """log p(x | h_1), log p(h_1 | h_2), …, log p(h_L), [blocks + 1]; their sum is `log_joint`."""
        return jnp.stack([self.log_likelihood(x, h), *(jnp.sum(term) for term in self.prior_terms(h))])


class HasPosteriorTerms(HasPosterior):
    """q(h | x) = Π_l q(h_l | x and the blocks drawn before it)."""

    @abstractmethod
    def posterior_terms(self, h: Code, x: Row) -> tuple[Array, ...]:
        """log q(h_l | …) of each block, in the order of h and not of drawing; else as `prior_terms` has it."""
