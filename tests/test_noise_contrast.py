"""Noise contrast: its optimum, its divergence and its consistency, on tables of a few enumerated states."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.special

from reverie import noise
from reverie.auxiliaries import IndependentNoise, LogNormaliser, ModelNoise
from reverie.capabilities import HasLogProb, HasPotential
from reverie.directions import NoiseContrast, NoiseLikelihood
from reverie.errors import InputError
from reverie.learners import DynamicNCE, NoiseContrastiveEstimation
from reverie.models import RBM
from tests import worlds
from tests.measuring import along, draws, errors_off, tick

STATES = worlds.states(3)


class Table(HasPotential, HasLogProb):
    """Any function of three bits: a potential, or, where it is one, a log density."""

    u: jax.Array

    def potential(self, x):
        return self.u[x @ jnp.array([4, 2, 1])]

    def log_prob(self, x):
        return self.potential(x)


def table(values):
    return Table(jnp.asarray(values, jnp.float32))


def rows(counts):
    return STATES[np.repeat(np.arange(8), counts)]


@eqx.filter_jit
def ascended(direction, parts, batch, draw):
    ascent, _, info = direction.ascend(tick(), parts, batch, draw, None)
    return ascent.along, info["nce_value"]


def contrast(u, log_z, log_noise, data, fake, share=1.0):
    """The direction, and the objective, for rows in these numbers."""
    normaliser = LogNormaliser(value=jnp.asarray(log_z, jnp.float32))
    parts = {"model": table(u), "normaliser": normaliser, "noise": table(log_noise)}
    batch, draw = worlds.batch_of(rows(data)), {"noise_rows": jnp.asarray(rows(fake))[:, None]}
    given, value = ascended(NoiseContrast(share), parts, batch, draw)
    return np.append(given["model"].u, given["normaliser"].value), float(value)


RNG = np.random.default_rng(2)
# Integer counts, so that frequencies are probabilities and nothing is left to chance.
DATA, NOISE = RNG.integers(20, 200, 8), RNG.integers(100, 300, 8)
LOG_DATA, LOG_NOISE = np.log(DATA / DATA.sum()), np.log(NOISE / NOISE.sum())
RATIO = NOISE.sum() / DATA.sum()


def test_the_optimum_is_the_data_whatever_the_constant_of_the_potential():
    """Ou 2019, Theorem 2: exp(u − c) = p₀, and the value falls whichever way one leaves it."""
    for shift in (0.0, 3.0):
        slope, best = contrast(LOG_DATA + shift, shift, LOG_NOISE, DATA, NOISE)
        np.testing.assert_allclose(slope, 0.0, atol=2e-6)
    for seed in range(5):
        off = 0.3 * np.random.default_rng(seed).normal(size=8)
        slope, value = contrast(LOG_DATA + off, 0.0, LOG_NOISE, DATA, NOISE)
        assert value < best - 1e-3
        # The value is concave in (u, c), so that what the slope promises on the way back is no less than the gain.
        assert -slope[:-1] @ off > best - value


def test_the_value_is_the_variational_estimate_of_an_f_divergence():
    """E_{p₀} T − E_{p_n} f*(T) at T = log σ(G), with f(t) = t log t/(t + ν) + ν log ν/(t + ν); at p₀ it is D_f."""

    def f(t):
        return t * np.log(t / (t + RATIO)) + RATIO * np.log(RATIO / (t + RATIO))

    def conjugate(slope):
        found = scipy.optimize.minimize_scalar(
            lambda s: f(np.exp(s)) - slope * np.exp(s), bounds=(-12, 12), method="bounded", options={"xatol": 1e-8}
        )
        return -found.fun

    p0, pn = np.exp(LOG_DATA), np.exp(LOG_NOISE)
    divergence = np.sum(pn * f(p0 / pn))
    assert contrast(LOG_DATA, 0.0, LOG_NOISE, DATA, NOISE)[1] == pytest.approx(divergence, rel=1e-5)
    u = LOG_DATA + 0.8 * RNG.normal(size=8)
    test = -np.logaddexp(0.0, -(u - 0.2 - LOG_NOISE - np.log(RATIO)))
    bound = np.sum(p0 * test) - np.sum(pn * [conjugate(t) for t in test])
    value = contrast(u, 0.2, LOG_NOISE, DATA, NOISE)[1]
    assert value == pytest.approx(bound, rel=1e-5)
    assert value < divergence


def test_the_estimate_tends_to_the_likelihoods_as_the_noise_grows():
    """On rows of chance a table's estimate is p_n (n_data / N) / (n_noise / ν N), whose error by the noise is ν^−½."""
    rng = np.random.default_rng(7)
    gaps: dict[int, list[np.ndarray]] = {}
    data = DATA // 10
    for ratio in (2, 128):
        gaps[ratio] = []
        for _ in range(40):
            fake = rng.multinomial(ratio * data.sum(), np.exp(LOG_NOISE))
            estimate = LOG_NOISE + np.log(data / data.sum()) - np.log(fake / fake.sum())
            gaps[ratio].append(estimate - np.log(data / data.sum()))
        if ratio == 2:
            np.testing.assert_allclose(contrast(estimate, 0.0, LOG_NOISE, data, fake)[0], 0.0, atol=5e-6)
            assert np.abs(contrast(np.log(data / data.sum()), 0.0, LOG_NOISE, data, fake)[0]).max() > 1e-4
    spread = {ratio: np.sqrt(np.mean(np.square(gap))) for ratio, gap in gaps.items()}
    assert spread[2] / spread[128] == pytest.approx(8.0, rel=0.25)


def test_data_that_are_mixed_with_noise_have_the_mixture_for_their_optimum():
    mixed = np.log(0.3 * np.exp(LOG_DATA) + 0.7 * np.exp(LOG_NOISE))
    np.testing.assert_allclose(contrast(mixed, 0.0, LOG_NOISE, DATA, NOISE, 0.3)[0], 0.0, atol=2e-6)
    assert np.abs(contrast(LOG_DATA, 0.0, LOG_NOISE, DATA, NOISE, 0.3)[0]).max() > 1e-3
    # Where the noise is the data, so is the mixture.
    np.testing.assert_allclose(contrast(LOG_DATA, 0.0, LOG_DATA, DATA, 3 * DATA, 0.3)[0], 0.0, atol=2e-6)


def test_the_noise_goes_up_the_likelihood_of_the_data():
    """Of independent bits: the frequency less σ(logit)."""
    model = RBM(3)
    part = worlds.scattered(IndependentNoise().init(noise.make_key(0), worlds.BINARY.spec, model), 1, 0.5)
    x = worlds.BINARY.rows.raw
    given = along(NoiseLikelihood(), {"noise": part}, worlds.batch_of(x), {})["noise"].outputs
    np.testing.assert_allclose(given, x.mean(0) - scipy.special.expit(part.outputs), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("world", [worlds.BINARY, worlds.CONTINUOUS], ids=("bits", "reals"))
def test_independent_noise_has_the_moments_of_the_rows(world):
    model = worlds.blank("rbm" if world is worlds.BINARY else "random-field")
    part = IndependentNoise().init(noise.make_key(0), world.spec, model)
    drawn = np.asarray(draws(part.sample, 4000), float)
    raw = np.asarray(world.rows.raw, float)
    assert errors_off(drawn, raw.mean(0)) < 4
    assert errors_off((drawn - raw.mean(0)) ** 2, raw.var(0)) < 4
    assert part.sample(noise.make_key(0)).dtype == world.rows.raw.dtype


def test_a_normalised_model_serves_as_noise():
    part = ModelNoise("fvsbn").init(noise.make_key(0), worlds.BINARY.spec, worlds.blank("rbm"))
    total = jax.jit(jax.vmap(part.log_prob))(jnp.asarray(worlds.states(4)))
    assert float(jax.nn.logsumexp(total)) == pytest.approx(0.0, abs=1e-5)
    assert part.sample(noise.make_key(1)).shape == (4,)
    assert "continuous" in (ModelNoise("realnvp").unsuited(worlds.BINARY.spec) or "")
    assert "potential" in (part.unserving(worlds.blank("vae")) or "")


def test_a_log_normaliser_starts_at_that_of_the_base():
    machine = worlds.machine()
    part = LogNormaliser().init(noise.make_key(0), worlds.BINARY.spec, machine)
    assert float(part.log_normaliser()) == pytest.approx(float(machine.base_log_normaliser()), rel=1e-6)
    assert "potential" in (LogNormaliser().unserving(worlds.blank("vae")) or "")


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (NoiseContrastiveEstimation, {"noise": 0}, "noise must be at least 1, not 0"),
        (DynamicNCE, {"noise": 0}, "noise must be at least 1, not 0"),
        (DynamicNCE, {"share": 0.0}, r"share must lie in \(0, 1\], not 0.0"),
    ],
)
def test_options_that_describe_no_learner_are_refused(assemble, options, said):
    with pytest.raises(InputError, match=said):
        assemble(**options)
