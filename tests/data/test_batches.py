"""Batches: a pure function of the step, each row once an epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.data import Batches
from reverie.errors import InputError


@given(rows=st.integers(1, 60), batch=st.integers(1, 80), step=st.integers(0, 50), count=st.integers(0, 30))
def test_many_steps_at_once_are_the_single_steps(rows, batch, step, count):
    many = Batches(rows, batch, 5).indices(step, count)
    apart = Batches(rows, batch, 5)
    ones = [apart.indices(s, 1)[0] for s in reversed(range(step, step + count))][::-1]
    assert many.dtype == np.int32
    assert many.shape == (count, min(batch, rows))
    assert [row.tolist() for row in many] == [row.tolist() for row in ones]


@given(rows=st.integers(1, 60), batch=st.integers(1, 80), epoch=st.integers(0, 9))
def test_an_epoch_visits_a_row_once_at_most_and_is_the_published_permutation(rows, batch, epoch):
    batches = Batches(rows, batch, 3)
    seen = batches.indices(epoch * batches.per_epoch, batches.per_epoch).ravel()
    assert len(set(seen.tolist())) == len(seen) > rows - batches.batch
    order = np.random.default_rng([3, epoch]).permutation(rows)
    assert seen.tolist() == order[: len(seen)].tolist()


def test_the_seed_and_the_epoch_change_the_order():
    first = Batches(50, 10, 0)
    assert first.indices(0, 5).tolist() != first.indices(5, 5).tolist()
    assert first.indices(0, 5).tolist() != Batches(50, 10, 1).indices(0, 5).tolist()


@pytest.mark.parametrize(("rows", "batch", "seed"), [(0, 1, 0), (5, 0, 0), (5, -2, 0), (5, 2, -1)])
def test_senseless_sizes_are_refused(rows, batch, seed):
    with pytest.raises(InputError):
        Batches(rows, batch, seed)


def test_a_negative_step_is_refused():
    with pytest.raises(InputError):
        Batches(5, 2).indices(-1, 1)
