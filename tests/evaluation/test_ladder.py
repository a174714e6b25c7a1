"""Temperatures lie where a pilot says that log w varies, and wherever they lie, the weights have Z for their mean."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.evaluation import log_normaliser
from reverie.evaluation.annealing import backward, forward, log_mean
from reverie.evaluation.ladder import EVEN, PARTS, POWER, Ladder, even, knots_of, placed
from reverie.evaluation.tempered_smc import forward as populations_forward
from reverie.models import RBM


def machine(base=None, spread=1.0):
    """An RBM of the shapes that tests/evaluation/test_normaliser.py compiles; `base` with biases 16 nats above it."""
    rng = np.random.default_rng(3)
    visible = rng.normal(0.5, 1.0, 10) if base is None else base + rng.uniform(14.0, 18.0, 10)
    arrays = {"weights": rng.normal(0, spread, (10, 7)), "visible_bias": visible, "hidden_bias": rng.normal(-1, 1, 7)}
    rbm = RBM.from_arrays(**arrays)
    return rbm if base is None else dataclasses.replace(rbm, base=jnp.full(10, base))


UNEVEN = np.linspace(0.0, 1.0, PARTS + 1) ** 3


def test_steps_lie_evenly_between_knots():
    for count in (7, 64, 640, 1001):
        ladder = even(count)._replace(knots=jnp.asarray(UNEVEN, jnp.float32))
        found = np.array([float(ladder.at(jnp.asarray(k))) for k in range(0, count + 1, max(count // 7, 1))])
        expected = np.interp(np.arange(0, count + 1, max(count // 7, 1)) / count, np.linspace(0, 1, PARTS + 1), UNEVEN)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert float(ladder.at(jnp.asarray(0))) == 0.0
        assert float(ladder.at(jnp.asarray(count))) == 1.0
    assert float(even(10).at(jnp.asarray(3))) == pytest.approx(0.3, abs=1e-6)


def test_parts_get_steps_by_the_variance_that_they_add():
    rng = np.random.default_rng(0)
    gains = 0.01 * rng.normal(size=(PARTS, 20_000))
    # A part far from the others with 16 times the spread; five parts that go together.
    gains[10] *= 16.0
    shared = 0.03 * rng.normal(size=20_000)
    gains[40:45] += shared
    cost = np.full(PARTS, 1e-4)
    cost[10] *= 256.0
    cost[40:45] += 5 * 9e-4
    shares = (1.0 - EVEN) * cost**POWER / np.sum(cost**POWER) + EVEN / PARTS
    # A knot's place inverts the shares: of T steps, that many fall into each part.
    steps = np.interp(np.linspace(0, 1, PARTS + 1), knots_of(gains), np.linspace(0, 1, PARTS + 1))
    np.testing.assert_allclose(np.diff(steps)[[10, 40, 42, 44]], shares[[10, 40, 42, 44]], rtol=0.15)
    for silent in (np.zeros_like(gains), np.where(gains > 0.04, np.inf, gains)):
        np.testing.assert_array_equal(knots_of(silent), np.linspace(0, 1, PARTS + 1))


def test_any_ladder_gives_z_both_ways():
    rbm = machine()
    exact = log_normaliser(rbm, method="exact").value
    ladder = Ladder(jnp.asarray(150), jnp.asarray(UNEVEN, jnp.float32))
    base, up = forward(rbm, noise.make_key(0), 256, ladder)
    down = backward(rbm, noise.make_key(1), 128, ladder).log_w
    _, groups = populations_forward(rbm, noise.make_key(2), 16, 16, ladder)
    for log_w, sign in ((up, 1), (down, -1), (groups, 1)):
        value, se, _ = log_mean(sign * (np.asarray(log_w, np.float64) + float(base)))
        assert abs(sign * value - exact) < 4 * se
        assert se < 0.1


def test_a_pilot_places_temperatures_where_they_are_needed():
    """Bits that all turn over a short part of the path: there the steps go, and log w varies by a third less."""
    rbm = machine(base=-1.0, spread=0.1)
    exact = log_normaliser(rbm, method="exact").value
    spreads = []
    for ladder in (even(640), placed(rbm, noise.make_key(0), 256, 640)):
        base, log_w = forward(rbm, noise.make_key(1), 256, ladder)
        value, se, _ = log_mean(np.asarray(log_w, np.float64) + float(base))
        assert abs(value - exact) < 4 * se
        spreads.append(float(np.std(np.asarray(log_w))))
    assert spreads[1] < 0.8 * spreads[0], spreads
    # Where a tenth of the temperatures are fewer than the parts, none is spent on a pilot.
    np.testing.assert_array_equal(placed(rbm, noise.make_key(0), 16, 639).knots, even(639).knots)
