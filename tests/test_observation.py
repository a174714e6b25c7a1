"""The heads of a decoder: one for each kind of column, and their product for a mixed row."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from reverie.data import Leaf, Spec
from reverie.models.heads import LOWEST_LOG_SCALE
from reverie.models.observation import Observation
from reverie.networks.features import features, layouts, leaves_of, row_of
from tests import worlds
from tests.measuring import draws, errors_off, surprise

SHAPE = layouts(worlds.MIXED)
# Two logits, two times three levels, two means, and two log scales of which the last lies below the floor.
OUTPUTS = jnp.array([0.7, -1.2, 0.5, -0.3, 1.1, 0.2, 0.9, 5.0, 1.5, -2.0, 0.4, -9.0])
ROW = {
    "binary": jnp.array([True, False]),
    "categorical": jnp.array([2, 0]),
    "continuous": jnp.array([1.1, -2.003]),
}


def log_softmax(logits):
    return logits - scipy.special.logsumexp(logits)


@pytest.mark.parametrize("scale", [None, 0.5, "shared"])
def test_a_mixed_row_is_the_product_of_its_columns(scale):
    head = Observation(SHAPE, scale)
    outputs = OUTPUTS[: head.outputs + head.own]
    assert (head.outputs, head.own) == {None: (12, 0), 0.5: (10, 0), "shared": (10, 1)}[scale]
    scales = {None: np.exp([0.4, LOWEST_LOG_SCALE]), 0.5: np.array([0.5, 0.5]), "shared": np.exp([0.4, 0.4])}[scale]
    expected = (
        np.log(1 / (1 + np.exp(-0.7)))
        + np.log(1 - 1 / (1 + np.exp(1.2)))
        + log_softmax([0.5, -0.3, 1.1])[2]
        + log_softmax([0.2, 0.9])[0]
        + scipy.stats.norm([1.5, -2.0], scales).logpdf(np.asarray(ROW["continuous"], np.float64)).sum()
    )
    assert float(head.log_prob(outputs, ROW)) == pytest.approx(expected, rel=1e-4)


def test_draws_of_a_mixed_row_follow_its_density():
    """Columns by their frequencies and moments, and E ∇ log p(x | outputs) = 0 along every output."""
    head = Observation(SHAPE, None)
    outputs = OUTPUTS.at[11].set(-1.0)
    rows = draws(lambda key: head.sample(key, outputs), 20_000)
    assert {kind: (leaf.shape[1:], leaf.dtype) for kind, leaf in rows.items()} == {
        "binary": ((2,), jnp.bool_),
        "categorical": ((2,), jnp.int32),
        "continuous": ((2,), jnp.float32),
    }
    logits = [np.array([0.5, -0.3, 1.1]), np.array([0.2, 0.9])]
    pairs = np.asarray(rows["categorical"]) @ [2, 1]
    expected = (log_softmax(logits[0])[:, None] + log_softmax(logits[1])[None]).ravel()
    assert surprise(pairs, expected) > 1e-3
    scores = jax.jit(jax.vmap(jax.grad(head.log_prob), in_axes=(None, 0)))(outputs, rows)
    assert np.all(np.asarray(scores)[:, 7] == 0.0)  # a level that the second column does not have
    assert errors_off(scores, np.zeros(12)) < 4


@pytest.mark.parametrize("scale", [None, 2.0])
def test_a_row_at_the_starting_bias_has_the_columns_frequencies_and_means(scale):
    head = Observation(SHAPE, scale)
    bias = head.starting_bias(worlds.MIXED)
    assert bias.shape == (head.outputs,)
    rows = draws(lambda key: head.sample(key, bias), 20_000)
    assert errors_off(rows["binary"], np.array([0.3, 0.6])) < 4
    assert errors_off(rows["continuous"], np.array([1.0, -2.0])) < 4
    expected = [0.5, 2.0] if scale is None else [2.0, 2.0]
    np.testing.assert_allclose(np.std(rows["continuous"], axis=0), expected, rtol=0.03)


def test_a_row_as_features_and_back():
    told = features(ROW, SHAPE)
    np.testing.assert_allclose(told, [1, 0, 0, 0, 1, 1, 0, 0, 1.1, -2.003], rtol=1e-6)
    assert [layout.width for layout in SHAPE] == [2, 6, 2]
    back = row_of(leaves_of(ROW, SHAPE), SHAPE)
    assert all(np.array_equal(back[kind], ROW[kind]) for kind in ROW)
    single = layouts(Spec({"continuous": Leaf("continuous", 2, mean=(0.0, 0.0), std=(1.0, 1.0))}))
    row = jnp.array([3.0, 4.0])
    assert row_of(leaves_of(row, single), single) is row
