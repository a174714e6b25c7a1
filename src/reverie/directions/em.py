"""Expectation maximisation, one iteration a step."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory
from reverie.errors import InputError
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ExpectationMaximisation(Direction):
    """θ ← argmax_θ' E_{p_θ(h|x)} log p_θ'(x, h) over the batch, which should be all rows.

    The step is a replacement, not a gradient. scikit-learn does it: k-means the first time, then one E-step and one
    M-step. The log-likelihood of the batch never falls, up to the small ridge on the covariances.

    Args:
        ridge: added to the covariances' diagonals.

    Example:
        >>> from reverie.directions import ExpectationMaximisation
        >>> ExpectationMaximisation().moves
        ()

    Reference: Dempster, Laird & Rubin 1977.
    """

    moves = ()
    uses = ()
    ridge: float = 1e-6

    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """Whether k-means has been run."""
        return jnp.zeros((), bool)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """One iteration."""
        old = parts["model"].components()
        rows, count = batch.index.shape[0], old[0].shape[0]
        if rows < count:
            raise InputError(f"EM needs a row for each component and has {rows} for {count}: ask for fewer components")
        shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jnp.float32), old)
        seed = jax.random.bits(tick.key, (), jnp.uint32)
        new = jax.pure_callback(self._iterate, shapes, *old, batch.x, memory, seed)
        return Ascent({}, {"model": parts["model"].with_components(*new)}), jnp.ones((), bool), {}

    def _iterate(
        self, weights: Array, means: Array, covariances: Array, x: Array, started: Array, seed: Array
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        settings: dict[str, Any] = {"n_components": means.shape[0], "reg_covar": self.ridge, "max_iter": 1}
        if np.asarray(started):
            settings |= {
                "weights_init": np.asarray(weights, np.float64) / np.asarray(weights, np.float64).sum(),
                "means_init": np.asarray(means, np.float64),
                "precisions_init": np.linalg.inv(np.asarray(covariances, np.float64)),
            }
        mixture = GaussianMixture(random_state=int(seed) % 2**31, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                mixture.fit(np.asarray(x, np.float64))
            except ValueError:  # A component has collapsed, for want of a ridge. The loop stops at what is not finite.
                nan = np.float32(np.nan)
                return np.full(weights.shape, nan), np.full(means.shape, nan), np.full(covariances.shape, nan)
        found = mixture.weights_, mixture.means_, mixture.covariances_
        return np.asarray(found[0], np.float32), np.asarray(found[1], np.float32), np.asarray(found[2], np.float32)
