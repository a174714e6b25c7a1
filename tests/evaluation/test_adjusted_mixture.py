"""Chains that wander between temperatures find log Z, and say when they do not wander."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.evaluation import log_likelihood, log_normaliser
from reverie.evaluation.adjusted_mixture import KNOTS, Wandered, judged
from reverie.models import RBM, BitField
from tests import worlds

SHAPE = (6, 4)
SETTINGS: dict[str, Any] = {"method": "sa", "chains": 64, "temperatures": 1500}


def machine(scale, seed=0):
    """An RBM whose base is not the one that suits it."""
    rng = np.random.default_rng(seed)
    arrays = {"weights": rng.normal(0, scale, SHAPE), "visible_bias": rng.normal(0.5, scale, SHAPE[0])}
    rbm = RBM.from_arrays(**arrays, hidden_bias=rng.normal(-0.5, scale, SHAPE[1]))
    return dataclasses.replace(rbm, base=rbm.base - 1.0)


def test_the_recursion_finds_log_z_with_an_honest_error():
    off = []
    for seed, scale in enumerate((0.3, 1.0, 1.6)):
        rbm = machine(scale, seed)
        exact = log_normaliser(rbm, method="exact").value
        for run in range(4):
            found = log_normaliser(rbm, seed=run, **SETTINGS)
            assert found.kind == "consistent", found.warnings
            assert 0.0 < found.se < 0.1
            off.append((found.value - exact) / found.se)
    # Of Student's t with 15 degrees of freedom.
    assert np.abs(off).max() < 4.5
    assert 0.25 < np.mean(np.square(off)) < 3.0


def test_a_field_without_sweeps_of_its_own_wanders_too():
    bits = worlds.made(BitField(hidden=(5,)), worlds.BINARY.spec, spread=0.8)
    found = log_normaliser(bits, **SETTINGS)
    assert abs(found.value - log_normaliser(bits, method="exact").value) < 4.5 * found.se
    rows = worlds.states(4).astype(np.uint8)
    scores = log_likelihood({"model": bits}, worlds.BINARY.measure, rows, noise.make_key(0), log_z=found)
    assert scores is not None
    assert scores.kind == "consistent"


def test_two_modes_with_nothing_between_do_not_mix():
    weights = 3.0 * (1 + 0.1 * np.random.default_rng(0).normal(size=SHAPE))
    visible, hidden = 0.1 - weights.sum(1) / 2, -weights.sum(0) / 2
    rbm = RBM.from_arrays(weights=weights, visible_bias=visible, hidden_bias=hidden)
    rbm = dataclasses.replace(rbm, base=jnp.full(SHAPE[0], -6.0))
    found = log_normaliser(rbm, **SETTINGS)
    assert found.failed
    assert any(word in found.warnings[0] for word in ("do not mix", "unevenly", "disagree")), found.warnings


def test_each_rule_speaks():
    rng = np.random.default_rng(0)
    zeta = np.repeat(np.linspace(0.0, 5.0, KNOTS)[None], 16, axis=0) + 0.01 * rng.normal(size=(16, 1))
    good = Wandered(zeta, np.full((16, KNOTS), 1.0 / KNOTS), np.full((16, 4), 3.0))
    found = judged(good, 2.0)
    assert found.wrong is None
    assert found.log_z == pytest.approx(7.0, abs=0.02)
    assert found.se == pytest.approx(0.01 / 4, rel=0.5)
    stuck, uneven, apart, sides = good.crossings.copy(), good.shares.copy(), zeta.copy(), zeta.copy()
    stuck[3, :2] = 0.0
    uneven[:, 7] *= 1.6
    apart[::3] += 3.0
    sides[1::2] += 0.1
    for broken, said in (
        (good._replace(crossings=stuck), "2 of 64 chains never went"),
        (good._replace(shares=uneven), "number 8 of 65 1.6 times"),
        (good._replace(zeta=apart), "groups of chains disagree"),
        (good._replace(zeta=sides), "chains from the model disagree"),
        (good._replace(zeta=np.full_like(zeta, np.nan)), "not finite"),
    ):
        assert said in str(judged(broken, 0.0).wrong)
    assert judged(good._replace(crossings=np.where(np.arange(64).reshape(16, 4) == 5, 0.0, 1.0)), 0.0).wrong is None
