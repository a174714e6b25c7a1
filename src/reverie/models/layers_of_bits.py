"""All layers of a deep belief net as one state, by sweeps in which columns may be held."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie import noise
from reverie.bits import as_float, bits_log_prob, draw_bits, softplus
from reverie.capabilities import HasConditionalGibbs, HasPotential


class LayersOfBits(HasPotential, HasConditionalGibbs):
    """p(h_0, …, h_{L−1}), h_0 = x, of a deep belief net, its topmost layer summed out in u.

        u = Σ_l log p(h_l | h_{l+1}) + b_{L−1}·h_{L−1} + Σ_j softplus(b_{L,j} + (h_{L−1} W_L)_j)

    A sweep draws h_L given h_{L−1}, then the layers downwards, each given both of its neighbours. Given the layer
    below, the bits of a layer depend on each other; so they are drawn one after the other, with the log-odds

        a_j + log p(h_{l−1} | h_l with h_{l,j} = 1) − log p(h_{l−1} | h_l with h_{l,j} = 0),

    a being what the layer above says. h_0 has no layer below, and its bits are drawn at once. Every step is a draw from
    a conditional distribution of p, so that p is left invariant (Geman & Geman 1984).

    Args:
        weights: W_1, …, W_L, [below, above].
        biases: b_0, …, b_L.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    def _layers(self, x: Array) -> list[Array]:
        return jnp.split(x, np.cumsum([one.size for one in self.biases[:-2]]))

    def potential(self, x: Array) -> Array:
        """u."""
        layers = self._layers(x)
        steps = enumerate(pairwise(layers))
        down = sum((bits_log_prob(self._from_above(i, above), below) for i, (below, above) in steps), jnp.zeros(()))
        top = as_float(layers[-1])
        return down + top @ self.biases[-2] + jnp.sum(softplus(self.biases[-1] + top @ self.weights[-1]))

    def _from_above(self, level: int, above: Array) -> Array:
        return self.biases[level] + self.weights[level] @ as_float(above)

    def start(self, key: Key[Array, ""]) -> Array:
        """Downwards from independent bits with the biases of h_{L−1}."""
        keys = jax.random.split(key, len(self.weights))
        layers = [draw_bits(keys[0], self.biases[-2])]
        for level in range(len(self.weights) - 2, -1, -1):
            layers.insert(0, draw_bits(keys[level + 1], self._from_above(level, layers[0])))
        return jnp.concatenate(layers)

    def gibbs(self, key: Key[Array, ""], x: Array) -> Array:
        """One sweep of all layers."""
        return self.conditional_gibbs(key, x, jnp.zeros(x.shape, bool), jnp.zeros(x.shape))

    def conditional_gibbs(self, key: Key[Array, ""], x: Array, held: Array, pull: Array) -> Array:
        """One sweep of what is not held."""
        layers, held_layers, pulls = self._layers(x), self._layers(held), self._layers(pull)
        keys = jax.random.split(key, len(self.biases))
        above = draw_bits(keys[-1], self.biases[-1] + as_float(layers[-1]) @ self.weights[-1])
        for level in range(len(layers) - 1, 0, -1):
            prior = self._from_above(level, above) + pulls[level]
            above = self._one_by_one(keys[level], level, layers[level], held_layers[level], prior, layers[level - 1])
            layers[level] = above
        drawn = draw_bits(keys[0], self._from_above(0, above) + pulls[0])
        layers[0] = jnp.where(held_layers[0], layers[0], drawn)
        return jnp.concatenate(layers)

    def _one_by_one(
        self, key: Key[Array, ""], level: int, layer: Array, held: Array, prior: Array, below: Array
    ) -> Array:
        """The bits of a layer, each given all the others."""
        columns = self.weights[level - 1].T

        def site(field: Array, one: tuple[Array, ...]) -> tuple[Array, Array]:
            column, bit, keep, log_odds, uniform = one
            without = field - column * bit
            log_odds = log_odds + bits_log_prob(without + column, below) - bits_log_prob(without, below)
            after = jnp.where(keep, bit, uniform < jax.nn.sigmoid(log_odds))
            return without + column * after, after

        sites = (columns, layer, held, prior, noise.uniform(key, layer.shape))
        return jax.lax.scan(site, self._from_above(level - 1, layer), sites)[1]
