"""Minimum probability flow of discrete x."""

import jax.numpy as jnp
from jaxtyping import Array

from reverie.directions.single_changes import OverChanges


class ProbabilityFlow(OverChanges):
    """∇_θ −E_data Σ_{x'} exp ½ (u(x') − u(x)), x' over all that differ from x at one site.

    The rate at which probability leaves the rows when a process that leaves the model as it is begins at them. What
    flows from one row to another is counted too: of such a pair, p₀(x) e^{d/2} + p₀(x') e^{−d/2}, which is least where
    the ratio of the model is that of the data.

    Example:
        >>> from reverie.directions import ProbabilityFlow
        >>> ProbabilityFlow().moves
        ('model',)

    Reference: Sohl-Dickstein, Battaglino & DeWeese 2011, *Minimum probability flow learning*, Eq. 15.
    """

    figure = "probability_flow"

    def cost(self, change: Array) -> Array:
        """exp ½ of it."""
        return jnp.exp(0.5 * change)
