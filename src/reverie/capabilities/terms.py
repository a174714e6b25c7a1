"""What models and inference models can do whose log densities are sums of known terms, one or more a block of h."""

from abc import abstractmethod

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


class HasPosteriorTerms(HasPosterior):
    """q(h | x) = Π_l q(h_l | x and the blocks drawn before it)."""

    @abstractmethod
    def posterior_terms(self, h: Code, x: Row) -> tuple[Array, ...]:
        """log q(h_l | …) of each block, in the order of h and not of drawing; else as `prior_terms` has it."""
