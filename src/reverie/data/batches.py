"""The order in which rows are visited, as a pure function of the step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.errors import InputError


class Batches:
    """Which rows each step sees. The position in the data is the step alone, so nothing else needs saving.

    Epoch e visits `numpy.random.default_rng([seed, e]).permutation(rows)`, cut into `rows // batch`
    batches. The remainder of an epoch is left out, so that no row is twice in a batch; another epoch leaves
    out other rows. A batch larger than the data is cut down to the data.
    """

    def __init__(self, rows: int, batch: int, seed: int = 0) -> None:
        """Fix the order of `rows` rows in batches of `batch` by `seed`."""
        if rows < 1:
            raise InputError(f"there are {rows} rows to train on: at least one is needed")
        if batch < 1:
            raise InputError(f"the batch size is {batch}: it must be at least 1")
        if seed < 0:
            raise InputError(f"the seed is {seed}: it must not be negative")
        self.rows, self.batch, self.seed = int(rows), int(min(batch, rows)), int(seed)
        self.per_epoch = self.rows // self.batch
        self._epoch, self._order = -1, np.empty(0, np.int32)

    def _permutation(self, epoch: int) -> NDArray[np.int32]:
        if epoch != self._epoch:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.rows)
            self._epoch, self._order = epoch, order.astype(np.int32)
        return self._order

    def indices(self, step: int, count: int = 1) -> NDArray[np.int32]:
        """The rows of the batches `step`, …, `step + count - 1`: int32 [count, batch]."""
        if step < 0 or count < 0:
            raise InputError(f"asked for {count} batches from step {step}: neither may be negative")
        out = np.empty((count, self.batch), np.int32)
        done = 0
        while done < count:
            epoch, first = divmod(step + done, self.per_epoch)
            take = min(count - done, self.per_epoch - first)
            rows = self._permutation(epoch)[first * self.batch : (first + take) * self.batch]
            out[done : done + take] = rows.reshape(take, self.batch)
            done += take
        return out
