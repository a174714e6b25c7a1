"""Causal convolutions over time, each reaching twice as far back as the one before."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie.networks.mlp import Affine, affine


class DilatedStack(eqx.Module):
    """Residual blocks, one above the other, each with a longer step back.

        y_t = x_t + V relu(W x_t + W′ x_{t−d} + b),  d = 1, 2, 4, …

    What comes out at t depends on what went in up to t, and not on what comes after.

    Reference: van den Oord et al. 2016, *WaveNet*, §2.1; in text VAEs: Yang et al. 2017, §3.
    """

    first: Affine
    now: tuple[Affine, ...]
    before: tuple[Array, ...]
    out: tuple[Affine, ...]

    def __call__(self, xs: Float[Array, "time inputs"]) -> Float[Array, "time width"]:
        """The whole sequence."""
        x = self.first(xs)
        for depth, (now, before, out) in enumerate(zip(self.now, self.before, self.out, strict=True)):
            back = jnp.pad(x, ((2**depth, 0), (0, 0)))[: x.shape[0]]
            x = x + out(jax.nn.relu(now(x) + back @ before))
        return x

    def begin(self, length: int) -> tuple[Array, ...]:
        """For a sequence of that length, what each layer has yet to look back at: nothing so far."""
        width = self.first.bias.shape[0]
        return tuple(jnp.zeros((min(2**depth, length), width)) for depth in range(len(self.now)))

    def step(
        self, memory: tuple[Array, ...], x: Float[Array, " inputs"]
    ) -> tuple[tuple[Array, ...], Float[Array, " width"]]:
        """One more of the sequence: what it looks back at from then on, and what comes out."""
        x, after = self.first(x), []
        for back, now, before, out in zip(memory, self.now, self.before, self.out, strict=True):
            after.append(jnp.concatenate([back[1:], x[None]]))
            x = x + out(jax.nn.relu(now(x) + back[0] @ before))
        return tuple(after), x


def dilated_stack(key: Key[Array, ""], inputs: int, width: int, depth: int) -> DilatedStack:
    """A stack that sees 2^depth steps."""
    keys = jax.random.split(key, 3 * depth + 1)
    now = tuple(affine(keys[3 * i], width, width) for i in range(depth))
    before = tuple(affine(keys[3 * i + 1], width, width).weight for i in range(depth))
    out = tuple(affine(keys[3 * i + 2], width, width) for i in range(depth))
    return DilatedStack(affine(keys[-1], inputs, width), now, before, out)
