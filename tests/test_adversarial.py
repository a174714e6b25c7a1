"""The two players, on three points where the best critic is known, and along one axis where all is a closed form."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie.capabilities import Discriminates, Pushforward
from reverie.directions import CriticUp, MinimaxGenerator, NonSaturatingGenerator
from tests import worlds
from tests.measuring import along, tick

P_DATA = np.array([0.5, 0.3, 0.2])
P_MODEL = np.array([0.1, 0.3, 0.6])


class Points(Pushforward):
    """Noise that is a point already."""

    def noise(self, key):
        return jnp.zeros(())

    def push(self, noise):
        return noise


class Table(Discriminates):
    """A critic with one number for each point."""

    values: Any

    def logit(self, x):
        return self.values[x.astype(int)]


class Shift(Pushforward):
    """x = ε + θ."""

    theta: Any

    def noise(self, key):
        return jax.random.normal(key)

    def push(self, noise):
        return noise + self.theta


class Slope(Discriminates):
    """V(x) = ψ x."""

    psi: Any

    def logit(self, x):
        return self.psi * x


def points(probabilities):
    """Ten points in exact proportion."""
    return jnp.asarray(np.repeat(np.arange(3), np.round(10 * probabilities).astype(int)), jnp.float32)


def divergence(p, q):
    return np.sum(p * np.log(p / q))


def value_and_ascent(values):
    parts = {"model": Points(), "critic": Table(jnp.asarray(values, jnp.float32))}
    batch, draw = worlds.batch_of(points(P_DATA)), {"noise": points(P_MODEL)[None]}
    ascent, _, info = CriticUp().ascend(tick(), parts, batch, draw, None)
    return float(info["gan_value"]), np.asarray(ascent.along["critic"].values)


BEST = np.log(P_DATA / P_MODEL)


def test_the_best_critics_value_is_twice_jensen_shannon_less_log_four():
    """V = log p₀/p_θ is where the critic rests (Ou 2019, Eq. 29)."""
    value, ascent = value_and_ascent(BEST)
    middle = (P_DATA + P_MODEL) / 2
    shannon = 0.5 * divergence(P_DATA, middle) + 0.5 * divergence(P_MODEL, middle)
    assert value == pytest.approx(2 * shannon - np.log(4), rel=1e-5)
    np.testing.assert_allclose(ascent, 0.0, atol=1e-6)


@pytest.mark.parametrize("off", [[0.5, 0.0, 0.0], [0.0, -0.5, 0.2], [-0.3, 0.3, 0.7]])
def test_the_critic_moves_towards_the_best_one(off):
    best, _ = value_and_ascent(BEST)
    value, ascent = value_and_ascent(BEST + np.array(off))
    assert value < best
    assert np.all(np.sign(np.where(np.abs(ascent) < 1e-6, 0.0, ascent)) == -np.sign(off))


@pytest.mark.parametrize(("theta", "psi"), [(0.4, 1.5), (-2.0, -0.7), (-5.0, 2.0)])
def test_the_generator_moves_up_the_critic(theta, psi):
    """Minimax: E σ(V) ψ; non-saturating: E (1 − σ(V)) ψ; both with V = ψ (ε + θ)."""
    noise = jnp.linspace(-1.0, 1.5, 6)
    parts = {"model": Shift(jnp.asarray(theta)), "critic": Slope(jnp.asarray(psi))}
    batch, draw = worlds.batch_of(jnp.zeros(6)), {"noise": noise[None]}
    share = 1 / (1 + np.exp(-psi * (np.asarray(noise) + theta)))
    minimax = float(along(MinimaxGenerator(), parts, batch, draw)["model"].theta)
    other = float(along(NonSaturatingGenerator(), parts, batch, draw)["model"].theta)
    assert minimax == pytest.approx(psi * share.mean(), rel=1e-4)
    assert other == pytest.approx(psi * (1 - share).mean(), rel=1e-4)
    assert np.sign(minimax) == np.sign(other) == np.sign(psi)


def test_the_minimax_gradient_fades_when_the_critic_wins():
    parts = {"model": Shift(jnp.asarray(-5.0)), "critic": Slope(jnp.asarray(2.0))}
    batch, draw = worlds.batch_of(jnp.zeros(3)), {"noise": jnp.zeros((1, 3))}
    sizes = [
        float(along(direction, parts, batch, draw)["model"].theta)
        for direction in (MinimaxGenerator(), NonSaturatingGenerator())
    ]
    assert 0 < sizes[0] < 1e-3
    assert sizes[1] == pytest.approx(2.0, rel=1e-3)


def test_each_player_moves_itself_only():
    parts = {"model": Shift(jnp.asarray(0.4)), "critic": Slope(jnp.asarray(1.5))}
    batch, draw = worlds.batch_of(jnp.ones(3)), {"noise": jnp.ones((1, 3))}
    assert set(along(CriticUp(), parts, batch, draw)) == {"critic"}
    assert set(along(NonSaturatingGenerator(), parts, batch, draw)) == {"model"}
    assert not eqx.tree_equal(along(CriticUp(), parts, batch, draw)["critic"], parts["critic"])


def test_the_critics_accuracy_counts_both_sides():
    parts = {"model": Points(), "critic": Table(jnp.array([1.0, -1.0, -1.0]))}
    batch, draw = worlds.batch_of(points(P_DATA)), {"noise": points(P_MODEL)[None]}
    info = CriticUp().ascend(tick(), parts, batch, draw, None)[2]
    assert float(info["critic_accuracy"]) == pytest.approx(0.5 * (0.5 + 0.9))
