"""Ratio matching of discrete x."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.directions.single_changes import OverChanges


class RatioMatching(OverChanges):
    """∇_θ −E_data Σ_{x'} σ(u(x') − u(x))², x' over all that differ from x at one site.

    σ(u(x') − u(x)) is the model's probability of x' where it must be x' or x. Of such a pair the sum has
    p₀(x) σ(d)² + p₀(x') σ(−d)², which is least where the ratio of the model is that of the data.

    Example:
        >>> from reverie.directions import RatioMatching
        >>> RatioMatching().moves
        ('model',)

    Reference: Hyvärinen 2007, *Some extensions of score matching*, Eq. 17; with levels, each pair of values in turn.
    """

    figure = "ratio_matching"

    def cost(self, change: Array) -> Array:
        """σ² of it."""
        return jnp.square(jax.nn.sigmoid(change))
