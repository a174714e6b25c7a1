"""Annealing codes gives what closed forms and sums give, or says that it failed; its moves leave the joint as it is."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.capabilities import Latent
from reverie.data import Identity
from reverie.errors import InputError
from reverie.evaluation import annealing_codes as codes
from reverie.evaluation.moves import move
from reverie.evaluation.paths import Path, schedule
from reverie.models import Generator, SigmoidBeliefNet
from tests import measuring, worlds
from tests.evaluation import closed

KEY = noise.make_key(5)
REALS, BITS = Identity("continuous"), Identity("binary")


def noise_of(found: codes.Annealed) -> float:
    """The error of the mean over rows that the weights' spread speaks of."""
    slack = found.slack.mean()
    return math.hypot(slack, math.sqrt(2 * slack / found.values.size)) + 1e-3


# ---------------------------------------------------------------------------------------------------- the kernels


def moved_dreams(model, step, backwards, count=20000):
    """Pairs (x, h) of the model, and the same after one move of h at β = 1."""

    def one(key):
        key_dream, key_move = jax.random.split(key)
        x, h = model.sample_joint(key_dream)
        found = move(
            key_move, h, lambda h: model.log_joint(x, h), model.latents, jnp.asarray(step), 3, backwards=backwards
        )
        return x, h, found.h, found.acceptance

    return jax.tree.map(np.asarray, measuring.draws(one, count))


@pytest.mark.parametrize("backwards", [False, True])
def test_the_moves_leave_the_joint_as_it_is(backwards):
    x, before, after, rate = moved_dreams(closed.switch(), 0.7, backwards)
    assert 0.3 < rate[:, 0].mean() < 0.95
    assert 0.1 < rate[:, 1].mean() < 0.95
    assert all((a != b).any(axis=1).mean() > 0.1 for a, b in zip(before, after, strict=True))

    def moments(h):
        flat = np.concatenate([x, *(block.astype(np.float64) for block in h)], axis=1)
        flat = np.concatenate([flat, h[2] == 1], axis=1)
        return np.concatenate([flat, (flat[:, :, None] * flat[:, None, :]).reshape(len(flat), -1)], axis=1)

    assert measuring.errors_off(moments(after) - moments(before), 0.0) < 4.5


def test_paths_begin_at_the_prior_and_end_at_the_posterior():
    betas = schedule(50)
    assert (betas[0], betas[-1]) == (0.0, 1.0)
    assert (np.diff(betas) > 0).all()
    assert np.diff(betas)[0] < np.diff(betas)[25] / 5
    world = closed.oblique()
    path = Path(world.model, jnp.asarray(world.rows(1)[0]), 3)
    steps = np.asarray(path.steps(KEY, jnp.asarray(betas)))
    assert steps.shape == (50,)
    assert steps[-1] < steps[0]


# ------------------------------------------------------------------------------------------------- against the truth


def worlds_of_every_kind(count=40):
    """Linear Gaussian worlds of one shape, from easy ones to ones that a few temperatures cannot anneal."""
    rng = np.random.default_rng(1)
    for _ in range(count):
        yield closed.linear(rng.normal(size=(3, 5)), rng.normal(size=5), math.exp(rng.uniform(-3.0, 0.7)))


def test_no_error_is_silent_over_many_seeded_worlds():
    failed, honest = 0, []
    for seed, world in enumerate(worlds_of_every_kind()):
        x = world.rows(8, seed)
        settings = {"chains": 8, "temperatures": 120, "leaps": 3}
        found = closed.given(codes.annealed_rows(world.model, REALS, x, noise.make_key(seed), **settings))
        estimate = codes.judged(found, world.model, "lower bound")
        error = found.values.mean() - world.marginal.logpdf(x).mean()
        if estimate.failed:
            failed += 1
            continue
        honest.append(error / noise_of(found))
        assert abs(error) < 3 * max(noise_of(found), estimate.se / 3)
    assert 5 <= failed <= 30  # the set has worlds of both kinds
    assert max(np.abs(honest)) < 4
    assert np.mean(np.abs(honest)) > 0.1  # the noise is not overstated beyond use


def test_a_bracket_holds_the_truth():
    world = closed.oblique()
    settings = {"chains": 8, "temperatures": 100, "leaps": 3}
    found = closed.given(codes.bracket(world.model, KEY, rows=64, **settings))
    keys = jax.vmap(lambda i: jax.random.split(jax.random.fold_in(KEY, i), 4)[0])(jnp.arange(64))
    truth = world.marginal.logpdf(np.asarray(jax.vmap(world.model.sample_joint)(keys)[0])).mean()
    assert (found.lower.kind, found.upper.kind, found.gap.kind) == ("lower bound", "upper bound", "upper bound")
    assert found.lower.value == pytest.approx(truth, abs=0.06)
    assert found.upper.value == pytest.approx(truth, abs=0.06)
    assert -3 * found.gap.se < found.gap.value < 0.1
    # With few temperatures the two part, and the truth is between them.
    coarse = closed.given(codes.bracket(closed.oblique(0.15).model, KEY, rows=64, **(settings | {"temperatures": 25})))
    world = closed.oblique(0.15)
    truth = world.marginal.logpdf(np.asarray(jax.vmap(world.model.sample_joint)(keys)[0])).mean()
    assert not coarse.gap.failed
    assert coarse.lower.value < truth < coarse.upper.value
    assert coarse.gap.value > 4 * coarse.gap.se
    assert "nats wide" in coarse.gap.warnings[0]


def test_bits_are_summed_where_few_and_annealed_where_many(monkeypatch):
    model = worlds.made(SigmoidBeliefNet((3, 2)), worlds.BINARY.spec, spread=1.5)
    x = worlds.states(4)
    exact = closed.given(codes.annealed_rows(model, BITS, x, KEY))
    assert exact.exact
    assert np.exp(exact.values).sum() == pytest.approx(1.0, abs=1e-5)
    estimate, values = closed.given(codes.annealed_likelihood(model, BITS, x, KEY))
    assert (estimate.kind, estimate.n, estimate.ess) == ("exact", 16, None)
    assert np.array_equal(values, exact.values)
    monkeypatch.setattr(codes, "FEW_CODES", 0)
    found = closed.given(codes.annealed_rows(model, BITS, x, KEY, chains=16, temperatures=40))
    assert not found.exact
    error = found.values - exact.values
    assert abs(error.mean()) < 3 * noise_of(found)
    assert np.abs(error).max() < 0.5


def test_blocks_of_every_kind_are_annealed_together():
    model = closed.switch()
    found = closed.given(codes.bracket(model, KEY, rows=32, chains=8, temperatures=100, leaps=3))
    assert not found.gap.failed
    assert abs(found.gap.value) < max(3 * found.gap.se, 0.1)


# ------------------------------------------------------------------------------------------------------- diagnostics


def annealed(**changes):
    fields = {
        "values": np.array([-1.0, -3.0]),
        "slack": np.array([0.01, 0.03]),
        "ess": np.array([8.0, 6.0]),
        "acceptance": np.array([[0.8, 1.0], [0.7, 1.0]]),
    }
    return codes.Annealed(**(fields | changes))


class Reals:
    latents = (Latent("reals", 2),)


def test_diagnostics_refuse_what_must_not_be_believed():
    good = codes.judged(annealed(), Reals, "lower bound")
    assert (good.value, good.kind, good.ess, good.warnings) == (-2.0, "lower bound", 7.0, ())
    assert good.se == pytest.approx(math.hypot(1.0, 0.02))
    doubtful = codes.judged(annealed(slack=np.array([0.2, 0.4])), Reals, "lower bound")
    assert doubtful.warnings == ("the bound may be 0.30 nats too low: anneal more slowly (`--temperatures`)",)
    one_row = codes.judged(annealed(values=np.array([-1.0]), slack=np.array([0.02])), Reals, "lower bound")
    assert one_row.se == pytest.approx(math.hypot(0.2, 0.02))
    for changes, said in (
        ({"values": np.array([-1.0, np.nan])}, "1 of 2 rows are not finite"),
        ({"slack": np.array([0.0, 1.2])}, "weights collapsed"),
        ({"acceptance": np.array([[0.1, 1.0], [0.2, 1.0]])}, "accepted at a rate of 0.15"),
        ({"acceptance": np.array([[1.0, 1.0], [1.0, 1.0]])}, "accepted at a rate of 1.00"),
    ):
        bad = codes.judged(annealed(**changes), Reals, "lower bound")
        assert bad.failed
        assert said in bad.warnings[0]


def test_slack_is_that_of_log_normal_weights():
    rng = np.random.default_rng(0)
    for std, rel in ((0.3, 0.2), (0.7, 0.3)):
        log_w = std * rng.standard_normal((4000, 16))
        true = std**2 / 2 - (np.log(np.exp(log_w).mean(1)) - log_w.mean(1)).mean()
        assert codes.slack_of(log_w).mean() == pytest.approx(true, rel=rel)
    wild = codes.slack_of(5.0 * rng.standard_normal((100, 16)))
    assert np.isfinite(wild).all()


def test_what_cannot_be_annealed_is_told():
    generator = Generator(latent=2, hidden=(3,)).init(KEY, worlds.CONTINUOUS.spec)
    assert codes.annealed_likelihood(generator, REALS, np.zeros((2, 3)), KEY) is None
    assert codes.bracket(generator, KEY) is None
    assert "no joint density" in str(codes.unsuited(generator))
    world = closed.orthogonal()
    assert codes.unsuited(world.model) is None
    with pytest.raises(InputError, match="at least 2 chains"):
        codes.annealed_likelihood(world.model, REALS, world.rows(2), KEY, chains=1)
    with pytest.raises(InputError, match="at least 2 rows"):
        codes.bracket(world.model, KEY, rows=1)
    with pytest.raises(InputError, match="no rows"):
        codes.annealed_rows(world.model, REALS, world.rows(2)[:0], KEY)
