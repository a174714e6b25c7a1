"""Single directions, drawn afresh, and how far their mean lies from a gradient that is known.

`gradient_statistics` goes by groups of draws, so that it can tell of long runs and of large parts. Here each draw is by
itself and is kept, so that each of a direction's numbers has a standard error of its own.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from reverie import noise
from reverie.data import Batch
from reverie.directions.direction import AnyDirection, Memory
from reverie.parts import Parts, parameters
from reverie.samplers import Tick
from reverie.samplers.sampler import AnySampler


def along(
    direction: AnyDirection, parts: Parts, batch: Batch, draw: Any, key: Any = None, memory: Memory = None
) -> Any:
    """The direction's ascent for each moved part, as arrays; where no memory is given, with none.

    Args:
        direction: the direction.
        parts: the filled parts.
        batch: the rows.
        draw: what the sampler gave.
        key: of what the direction draws itself.
        memory: what the direction remembers.
    """
    key = noise.make_key(0) if key is None else key
    memory = direction.init(key, parts) if memory is None else memory
    ascent, _, _ = direction.ascend(Tick(key, jnp.asarray(0)), parts, batch, draw, memory)
    return {name: parameters(value) for name, value in ascent.along.items()}


def ascents(
    sampler: AnySampler,
    direction: AnyDirection,
    parts: Parts,
    batch: Batch,
    count: int = 4000,
    *,
    seed: int = 11,
    settle: int = 0,
    memory: Memory = None,
) -> Any:
    """Independent ascents for each moved part, [count, …], in one compiled call, at step 0.

    Args:
        sampler: the sampler.
        direction: the direction.
        parts: the filled parts, held.
        batch: the rows, held.
        count: how many.
        seed: of everything random.
        settle: draws that the chain makes, for each ascent anew, before the one that counts.
        memory: what the direction remembers, held; nothing where not given.
    """

    def one(key: Any) -> Any:
        key_draw, key_ascend = jax.random.split(key)
        chain = sampler.init(key, parts, batch.index.shape[0], batch)
        if settle:
            keys = jax.random.split(jax.random.fold_in(key, 1), settle)
            chain = jax.lax.fori_loop(
                0,
                settle,
                lambda i, chain: sampler.draw(Tick(keys[i], jnp.asarray(0)), parts, batch, chain)[1],
                chain,
            )
        draw, _, _ = sampler.draw(Tick(key_draw, jnp.asarray(0)), parts, batch, chain)
        return along(direction, parts, batch, draw, key_ascend, memory)

    return jax.jit(jax.vmap(one))(jax.random.split(noise.make_key(seed), count))


def warmed(
    sampler: AnySampler,
    direction: AnyDirection,
    parts: Parts,
    batch: Batch,
    *,
    steps: int = 300,
    rate: float = 0.05,
    seed: int = 2,
) -> tuple[Parts, Memory]:
    """The parts and the memory once the auxiliary parts and the memory have seen some steps; model and inference stay.

    Args:
        sampler: a sampler of which nothing persists.
        direction: the direction.
        parts: the filled parts.
        batch: the rows.
        steps: how many.
        rate: by which the auxiliary parts move along their directions.
        seed: of everything random.
    """
    learning = [name for name in direction.moves if name not in ("model", "inference")]

    @jax.jit
    def run() -> tuple[Parts, Memory]:
        def step(state: tuple[Parts, Memory], key: Any) -> tuple[tuple[Parts, Memory], None]:
            moving, memory = state
            whole = parts | moving
            key_draw, key_ascend = jax.random.split(key)
            draw, _, _ = sampler.draw(Tick(key_draw, jnp.asarray(0)), whole, batch, None)
            ascent, memory, _ = direction.ascend(Tick(key_ascend, jnp.asarray(0)), whole, batch, draw, memory)
            up = {name: parameters(ascent.along[name]) for name in learning}
            return (jax.tree.map(lambda leaf, up: leaf + rate * up, moving, up), memory), None

        keys = jax.random.split(noise.make_key(seed), steps)
        start = {name: parts[name] for name in learning}, direction.init(keys[0], parts)
        return jax.lax.scan(step, start, keys)[0]

    moved, memory = run()
    return parts | moved, memory


def errors_off(samples: Any, truth: Any) -> float:
    """How many standard errors the means of samples [count, …] lie from the truth, at worst, over a tree's numbers."""
    worst = 0.0
    for values, expected in zip(jax.tree.leaves(samples), jax.tree.leaves(truth), strict=True):
        values, expected = np.asarray(values, np.float64), np.asarray(expected, np.float64)
        gap = np.abs(values.mean(0) - expected)
        se = values.std(0, ddof=1) / np.sqrt(len(values))
        # Numbers that never vary, such as masked weights, must agree but for rounding.
        off = np.where(se > 1e-7, gap / np.maximum(se, 1e-7), np.where(gap < 1e-5, 0.0, np.inf))
        worst = max(worst, float(off.max(initial=0.0)))
    return worst
