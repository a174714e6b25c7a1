"""Inference models that lag behind: trained alone between the model's steps until their codes tell no more."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction
from reverie.directions.elbo import AutoElbo
from reverie.directions.weighting import Weighting
from reverie.errors import InputError
from reverie.parts import Parts
from reverie.samplers import Draw, Tick

NONE_YET = -1e30
"""Below any mutual information."""


class Lag(NamedTuple):
    """Where aggressive training stands.

    Attributes:
        aggressive: whether it still goes on.
        outer: while it does, whether this is a step of the model.
        steps: steps of the inference model since the last of the model.
        total: the sum of the bound over the window that is open.
        before: its mean over the window before that one.
        visits: steps of the model since the last look at the mutual information.
        gathered: the sum of what they measured of it.
        last: what it was at the last look; `NONE_YET` before the first, which ends nothing.
        moved: steps of the model so far, by which the schedule of the divergence's weight goes.
    """

    aggressive: Array
    outer: Array
    steps: Array
    total: Array
    before: Array
    visits: Array
    gathered: Array
    last: Array
    moved: Array


def inference_due(step: Array, memory: Lag) -> Array:
    """A cadence: the inference model moves at each step but those of the model alone."""
    return ~(memory.aggressive & memory.outer)


def model_due(step: Array, memory: Lag) -> Array:
    """A cadence: the model moves when its turn has come, and always once aggressive training is over."""
    return ~memory.aggressive | memory.outer


def mutual_information(parts: Parts, noise: PyTree, x: PyTree) -> Float[Array, ""]:
    """1/B Σ_i [log q(h_i | x_i) − log 1/B Σ_j q(h_i | x_j)],  h_i ~ q(h | x_i), over the rows of a batch.

    An estimate of I_q(x; h) that cannot exceed log B (Hoffman & Johnson 2016).
    """
    posterior = posterior_of(parts)
    h = jax.vmap(posterior.transform)(jax.tree.map(lambda leaf: leaf[0], noise), x)
    log_q = jax.vmap(lambda h: jax.vmap(lambda x: posterior.log_prob(h, x))(x))(h)
    return jnp.mean(jnp.diagonal(log_q) - jax.nn.logsumexp(log_q, axis=1)) + jnp.log(float(log_q.shape[0]))


class LaggingElbo(Direction):
    """The gradient of the evidence lower bound, and whose turn it is.

    While training is aggressive the inference model moves alone until the mean of the bound over a window of steps is
    not above that of the window before, at most `inner` steps; then the model moves once. At every `every` steps of
    the model its mutual information I_q(x; h), measured at those steps, is compared with what it was: once it has not
    risen, both move at each step for good.

    Args:
        weighting: of the divergence; its schedule counts steps of the model.
        inner: the most steps of the inference model for one of the model.
        window: steps.
        every: steps of the model between two looks at the mutual information.

    Example:
        >>> from reverie.directions import LaggingElbo
        >>> LaggingElbo(inner=50).moves
        ('model', 'inference')

    Reference: He, Spokoyny, Neubig & Berg-Kirkpatrick 2019, *Lagging inference networks*, Algorithm 1.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    weighting: Weighting = Weighting()
    inner: int = 100
    window: int = 10
    every: int = 100

    def __check_init__(self) -> None:
        """Refuse counts that are none."""
        for name in ("inner", "window", "every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, not {getattr(self, name)}")

    def init(self, key: Key[Array, ""], parts: Parts) -> Lag:
        """Aggressive; the inference model begins."""
        zero, none = jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
        unknown = jnp.full((), NONE_YET, jnp.float32)
        return Lag(jnp.ones((), bool), jnp.zeros((), bool), none, zero, zero, none, zero, unknown, none)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Lag
    ) -> tuple[Ascent, Lag, dict[str, Array]]:
        """The gradient over the batch and the noise."""
        ascent, _, info = AutoElbo(self.weighting).ascend(tick._replace(step=memory.moved), parts, batch, draw, None)
        look = memory.aggressive & memory.outer
        information = jax.lax.cond(
            look, lambda: mutual_information(parts, draw["noise"], batch.x), lambda: jnp.zeros(())
        )
        after = self.after(memory, info["elbo"], information)
        seen = jnp.where(after.last > NONE_YET, after.last, 0.0)
        told = {"aggressive": memory.aggressive.astype(jnp.float32), "mutual_information": seen}
        return ascent, after, info | told

    def after(self, memory: Lag, elbo: Array, information: Array) -> Lag:
        """The memory after a step that found this bound and, at a step of the model, this mutual information."""
        inner = memory.aggressive & ~memory.outer
        steps, total = memory.steps + inner, memory.total + jnp.where(inner, elbo, 0.0)
        full, mean = inner & (steps % self.window == 0), total / self.window
        settled = (full & (steps > self.window) & (mean <= memory.before)) | (steps >= self.inner)
        visits, gathered = memory.visits + ~inner, memory.gathered + jnp.where(inner, 0.0, information)
        look = memory.aggressive & memory.outer & (visits >= self.every)
        found = gathered / self.every
        return Lag(
            aggressive=memory.aggressive & ~(look & (found <= memory.last)),
            outer=inner & settled,
            steps=jnp.where(inner & ~settled, steps, 0),
            total=jnp.where(inner & ~settled & ~full, total, 0.0),
            before=jnp.where(full, mean, memory.before),
            visits=jnp.where(look | ~memory.aggressive, 0, visits),
            gathered=jnp.where(look | ~memory.aggressive, 0.0, gathered),
            last=jnp.where(look, found, memory.last),
            moved=memory.moved + ~inner,
        )
