"""Skeleton of a sampler: copy to src/reverie/samplers/<name>.py, and write every line anew.

One file, one kernel. It draws with the parts' capabilities and never asks which part it has. What the next step needs
goes into the chain, what a person wants to see into the mapping that is returned last.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers import Draw, Sampler, Tick
from reverie.samplers.sampler import Chain


class NextFlip(Sampler):
    """Each row with one of its bits flipped, a different bit at each visit.

    A row begins at a random column and goes on to the next at each later visit: the column is uniform at every visit,
    and none is left out for long. That is a chain which leaves the uniform distribution over columns invariant. Assumes
    rows of bits.

    Example:
        >>> from examples.skeletons.sampler import NextFlip
        >>> NextFlip().gives
        ('flipped',)

    Reference: Besag 1975, *Statistical analysis of non-lattice data*, whose conditionals compare x with such rows.
    """

    gives = ("flipped",)  # the names by which a direction asks for the draw
    exactness = (
        "asymptotic"  # exact: independent draws of the target; asymptotic: a kernel that leaves it invariant; biased
    )

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Chain:
        """The column that each row of the data begins at. Leave `init` out where nothing persists."""
        return jax.random.randint(key, (rows,), 0, batch.x.shape[1])

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Flip, and move the rows of this batch to their next column. `tick.key` is for this draw alone."""
        column = chain[batch.index]  # a chain belongs to the rows of the data, whichever batch they come in
        flipped = jax.vmap(lambda x, place: x.at[place].set(~x[place]))(batch.x, column)
        after = chain.at[batch.index].set((column + 1) % batch.x.shape[1])
        return {"flipped": flipped}, after, {"ones_flipped": jnp.mean(flipped < batch.x, dtype=jnp.float32)}
