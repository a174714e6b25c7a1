"""Autoencoders, and all rows' codes brought to the prior: by a critic of known optimum, by a known discrepancy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.capabilities import DiscriminatesCodes, Encodes, HasJointSample, HasLogJoint, Latent, Reparameterised
from reverie.directions import ClosedElbo, CodeCriticUp, CodeDiscrepancy, CodesPastCritic, Reconstruction
from reverie.directions.corruption import corrupt
from reverie.divergences import mmd2
from reverie.errors import InputError
from reverie.learners import AAE, WAEGAN, WAEMMD, Autoencoder, InfoVAE
from reverie.samplers import BaseNoise, Dream, Dreams, Tick, Together
from tests import linear_gaussian, worlds
from tests.linear_gaussian import BATCH, SCALE, X
from tests.measuring import along, draws, errors_off, gradient, label, tick


class Shifted(Reparameterised, Encodes):
    """h = m + s ε, whatever x; m without chance."""

    m: Any
    s: Any

    def noise(self, key):
        return noise.normal(key, (2,))

    def transform(self, noise, x):
        return (self.m + self.s * noise,)

    def encode(self, x):
        return (self.m + x,)


class Standard(HasLogJoint, HasJointSample):
    """h ~ N(0, I), and x ~ N(h, 1)."""

    @property
    def latents(self):
        return (Latent("reals", 2),)

    def log_prior(self, h):
        return -0.5 * jnp.sum(h[0] ** 2)

    def log_likelihood(self, x, h):
        return -0.5 * jnp.sum((x - h[0]) ** 2)

    def sample_joint(self, key):
        h = noise.normal(key, (2,))
        return h, (h,)


PARTS: dict[str, Any] = {"model": Standard(), "inference": Shifted(jnp.array([0.8, -0.3]), jnp.array([0.5, 1.2]))}
ROWS = worlds.batch_of(jnp.zeros((6, 2)))
SAMPLER = Together((BaseNoise("inference"), Dream()))


def expected_kernel(mean, variance):
    """E exp(−‖d‖²/C) for d ~ N(mean, diag variance), C = 4."""
    return jnp.prod(jnp.sqrt(4 / (4 + 2 * variance)) * jnp.exp(-(mean**2) / (4 + 2 * variance)))


def discrepancy(parts):
    """MMD² between N(m, diag s²) and N(0, I) under the Gaussian kernel."""
    m, v = parts["inference"].m, parts["inference"].s ** 2
    nought, one = jnp.zeros(2), jnp.ones(2)
    return expected_kernel(nought, 2 * v) + expected_kernel(nought, 2 * one) - 2 * expected_kernel(m, v + one)


def test_the_discrepancys_direction_is_unbiased():
    direction = CodeDiscrepancy(weight=3.0, kernel="gaussian")

    def one(key):
        draw, _, _ = SAMPLER.draw(Tick(key, jnp.asarray(0)), PARTS, ROWS, (None, None))
        return along(direction, PARTS, ROWS, draw)["inference"]

    given = draws(one, 20_000)
    exact = gradient(lambda parts: -3.0 * discrepancy(parts), PARTS, "inference")
    assert errors_off(given, exact) < 4
    assert errors_off(given, jax.tree.map(lambda leaf: 1.1 * leaf, exact)) > 4


def test_codes_without_chance_are_those_that_encode_gives():
    x = jnp.array([[0.0, 1.0], [2.0, -1.0]])
    dreams = Dreams(None, (jnp.array([[0.3, 0.1], [-0.2, 0.9]]),))
    draw = {"noise": jnp.full((1, 2, 2), 9.0), "dreams": dreams}
    rows = worlds.batch_of(x)
    _, _, info = CodeDiscrepancy(random=False).ascend(tick(), PARTS, rows, draw, None)
    _, _, other = CodeDiscrepancy(random=True).ascend(tick(), PARTS, rows, draw, None)
    assert float(info["code_mmd2"]) == pytest.approx(float(mmd2(PARTS["inference"].m + x, dreams.h[0])), abs=1e-6)
    assert float(info["code_mmd2"]) != float(other["code_mmd2"])


class Table(DiscriminatesCodes):
    """A critic with one number for each of three codes."""

    values: Any

    def code_logit(self, h):
        return self.values[h[0][0].astype(int)]


class Given(Reparameterised):
    """Codes that are the noise."""

    nothing: Any

    def noise(self, key):
        return jnp.zeros(1)

    def transform(self, noise, x):
        return (noise + 0.0 * self.nothing,)


Q_CODES, P_CODES = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])


def ten(probabilities):
    """Ten codes in exact proportion."""
    return np.repeat(np.arange(3.0), np.round(10 * probabilities).astype(int))[:, None].astype(np.float32)


def critics_ascent(values):
    parts = {"model": Standard(), "inference": Given(jnp.zeros(1)), "critic": Table(jnp.asarray(values, jnp.float32))}
    draw = {"noise": jnp.asarray(ten(Q_CODES))[None], "dreams": Dreams(None, (jnp.asarray(ten(P_CODES)),))}
    ascent, _, info = CodeCriticUp().ascend(tick(), parts, worlds.batch_of(jnp.zeros((10, 2))), draw, None)
    return np.asarray(ascent.along["critic"].values), info


def test_the_critic_of_codes_rests_at_the_log_ratio():
    best = np.log(Q_CODES / P_CODES)
    at_best, info = critics_ascent(best)
    np.testing.assert_allclose(at_best, 0.0, atol=1e-6)
    assert float(info["critic_accuracy"]) == pytest.approx(0.5 * (0.5 + 0.6))
    for off in ([0.5, 0.0, 0.0], [0.0, -0.5, 0.2], [-0.3, 0.3, 0.7]):
        away, _ = critics_ascent(best + np.array(off))
        assert np.all(np.sign(np.where(np.abs(away) < 1e-6, 0.0, away)) == -np.sign(off))


class Slope(DiscriminatesCodes):
    """V(h) = ψ h₁."""

    psi: Any

    def code_logit(self, h):
        return self.psi * h[0][0]


@pytest.mark.parametrize(("psi", "random"), [(1.5, True), (-0.7, True), (2.0, False)])
def test_codes_move_to_where_the_critic_takes_them_for_the_priors(psi, random):
    """Up λ E log σ(−V): −λ ψ E σ(V) along the mean, down the critic."""
    noises, x = jnp.linspace(-1.0, 1.5, 8).reshape(1, 4, 2), jnp.linspace(-2.0, 2.0, 8).reshape(4, 2)
    parts = PARTS | {"critic": Slope(jnp.asarray(psi))}
    direction = CodesPastCritic(2.0, random=random)
    given = along(direction, parts, worlds.batch_of(x), {"noise": noises})["inference"]
    m, s = PARTS["inference"].m[0], PARTS["inference"].s[0]
    codes = m + s * noises[0, :, 0] if random else m + x[:, 0]
    pushed = -2.0 * psi / (1 + np.exp(-psi * np.asarray(codes)))
    assert float(given.m[0]) == pytest.approx(pushed.mean(), rel=1e-4)
    assert float(given.m[1]) == 0.0


@pytest.fixture(scope="module")
def parts():
    return linear_gaussian.filled(2)


def test_a_plain_autoencoder_climbs_its_reconstruction(parts):
    """Linear, with fixed scale: half the squared error over σ², by least squares' own gradient."""
    noises = jnp.zeros((1, 2, 2))

    def squared_error(parts):
        layer, read = parts["model"].decoder.network.layers[0], parts["inference"].encoder.layers[0]
        means = (X @ read.weight + read.bias)[:, :2]
        return -0.5 * jnp.mean(jnp.sum((X - means @ layer.weight - layer.bias) ** 2, axis=1)) / SCALE**2

    given = jax.jit(lambda parts: along(Reconstruction(), parts, BATCH, {"noise": noises}))(parts)
    for name in ("model", "inference"):
        for a, b in zip(
            jax.tree.leaves(given[name]), jax.tree.leaves(gradient(squared_error, parts, name)), strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_denoising_one_reads_the_noise_and_gives_the_row(parts):
    """With all values masked the encoder reads zeros, and still the clean row is what counts."""
    direction = Reconstruction(corruption="mask", amount=1.0)
    _, _, info = direction.ascend(tick(), parts, BATCH, {"noise": jnp.zeros((1, 2, 2))}, None)
    model, h = parts["model"], parts["inference"].encode(jnp.zeros(3))
    expected = np.mean([float(model.log_likelihood(x, h)) for x in X])
    assert float(info["fit"]) == pytest.approx(expected, rel=1e-5)


MIXED = {
    "binary": jnp.asarray(np.random.default_rng(0).random((4000, 2)) < 0.7),
    "categorical": jnp.asarray(np.random.default_rng(1).integers(1, 4, (4000, 2)), jnp.int32),
    "continuous": jnp.asarray(np.random.default_rng(2).normal(3.0, 1.0, (4000, 2)), jnp.float32),
}


def test_corruption_hits_the_share_that_was_asked_for():
    clean = corrupt(noise.make_key(0), MIXED, "none", 0.3)
    assert all(a is b for a, b in zip(jax.tree.leaves(clean), jax.tree.leaves(MIXED), strict=True))
    masked = corrupt(noise.make_key(0), MIXED, "mask", 0.3)
    for name in ("categorical", "continuous"):
        share = float(jnp.mean(masked[name] == 0, dtype=jnp.float32))
        assert abs(share - 0.3) < 4 * (0.21 / 8000) ** 0.5
    swapped = corrupt(noise.make_key(0), MIXED, "swap", 0.4)
    share = float(jnp.mean(swapped["continuous"] != MIXED["continuous"], dtype=jnp.float32))
    assert abs(share - 0.4) < 4 * (0.24 / 8000) ** 0.5
    assert {int(level) for level in jnp.unique(swapped["categorical"])} == {1, 2, 3}
    shaken = corrupt(noise.make_key(0), MIXED, "gaussian", 0.5)
    added = np.asarray(shaken["continuous"] - MIXED["continuous"])
    assert abs(added.std() - 0.5) < 4 * 0.5 / (2 * 8000) ** 0.5
    assert np.array_equal(shaken["binary"], MIXED["binary"])
    for corrupted in (masked, swapped, shaken):
        assert {name: leaf.dtype for name, leaf in corrupted.items()} == {n: leaf.dtype for n, leaf in MIXED.items()}


def test_gaussian_noise_on_bits_is_refused():
    with pytest.raises(InputError, match="needs columns of real numbers"):
        corrupt(noise.make_key(0), jnp.ones((2, 3), bool), "gaussian", 0.1)


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (AAE, {"weight": 0.0}, "weight must be positive"),
        (WAEMMD, {"scale": -1.0}, "scale must be positive"),
        (WAEMMD, {"kernel": "linear"}, "option kernel='linear' cannot be used"),
        (WAEGAN, {"weight": float("inf")}, "weight must be positive and finite"),
        (InfoVAE, {"alpha": 1.5}, "alpha must be finite and at most 1"),
        (InfoVAE, {"alpha": 0.0, "weight": 0.5}, "weight must be finite and at least 1 - alpha = 1"),
        (InfoVAE, {"scale": 0.0}, "scale must be positive"),
        (Autoencoder, {"amount": 1.5}, "amount must lie in"),
        (Autoencoder, {"corruption": "gaussian", "amount": float("inf")}, "be finite for gaussian"),
    ],
    ids=label,
)
def test_options_out_of_range_are_refused(assemble, options, said):
    with pytest.raises(InputError, match=said) as refusal:
        assemble(**options)
    assert "\n" not in str(refusal.value)


def test_an_infovae_without_its_own_terms_is_the_lower_bound(parts):
    learner = InfoVAE(alpha=0.0, weight=1.0)
    draw, _, _ = learner.sampler.draw(tick(), parts, BATCH, (None, None))
    ours = along(learner.direction, parts, BATCH, draw)
    elbo = along(ClosedElbo(), parts, BATCH, draw)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(elbo), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
