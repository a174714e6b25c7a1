"""Inference models: their draws follow their densities, and each serves the models that it says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from reverie import noise
from reverie.capabilities import HasPosterior, HasPosteriorDistribution, Proposes, Reparameterised
from reverie.errors import InputError
from reverie.inference import INFERENCE, GaussianPosterior, SigmoidBeliefPosterior
from reverie.models import RBM, VAE, VQVAE, SigmoidBeliefNet
from reverie.pairing import usual
from reverie.parts import options_of, parameters
from tests import worlds
from tests.measuring import draws, errors_off, surprise

TINY = {"gaussian": {"hidden": (4,)}, "belief-net": {"hidden": (4,)}, "vector-quantiser": {"hidden": (4,)}}
SERVED = {
    "gaussian": VAE(latent=2, hidden=(4,)),
    "belief-net": SigmoidBeliefNet((3, 2)),
    "vector-quantiser": VQVAE(3, 3, 2, (4,)),
}
DENSE = [name for name, cls in INFERENCE.items() if issubclass(cls, HasPosterior)]
X = jnp.asarray(worlds.BINARY.rows.raw[1])


def filled(name, spread=0.7):
    model = worlds.made(SERVED[name], worlds.BINARY.spec)
    part = INFERENCE[name](**TINY[name]).init(noise.make_key(5), worlds.BINARY.spec, model)
    return worlds.scattered(part, 6, spread), model


@pytest.fixture(params=DENSE)
def pair(request):
    """A filled inference model and the model that it serves."""
    return filled(request.param)


def test_every_inference_model_is_tested():
    assert set(TINY) == set(SERVED) == set(INFERENCE)
    assert all(issubclass(cls, Proposes | Reparameterised) for cls in INFERENCE.values())


def test_a_blank_one_is_its_options(pair):
    part, _ = pair
    blank = type(part)(**options_of(part))
    assert jax.tree.leaves(blank) == []
    assert hash(blank) == hash(type(part)(**options_of(part)))


def test_codes_have_the_models_shapes(pair):
    part, model = pair
    code = jax.eval_shape(part.sample, noise.make_key(0), X)
    kinds = {"bits": jnp.bool_, "reals": jnp.float32}
    assert [(leaf.shape, leaf.dtype) for leaf in code] == [((one.size,), kinds[one.kind]) for one in model.latents]
    assert jax.eval_shape(part.log_prob, code, X).shape == ()


def test_draws_follow_the_density_along_every_parameter(pair):
    """E ∇_φ log q_φ(h | x) = 0 for h ~ q_φ(· | x), at several x at once."""
    part, _ = pair
    xs = jnp.asarray(worlds.BINARY.rows.raw[:3])

    def score(key):
        one = lambda key, x: jax.grad(lambda p: p.log_prob(part.sample(key, x), x))(part)  # noqa: E731
        return jax.tree.map(lambda leaf: leaf.sum(0), jax.vmap(one)(jax.random.split(key, 3), xs))

    scores = draws(score, 4000)
    assert errors_off(parameters(scores), jax.tree.map(lambda leaf: np.zeros(leaf.shape), part)) < 4.5
    seen = jax.tree.map(lambda leaf: bool(jnp.any(leaf != 0)), scores)
    assert all(jax.tree.leaves(seen))


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_a_belief_net_posterior_sums_to_one_and_its_draws_follow_it(hidden):
    model = worlds.made(SigmoidBeliefNet((3, 2)), worlds.BINARY.spec)
    part = SigmoidBeliefPosterior(hidden=hidden).init(noise.make_key(5), worlds.BINARY.spec, model)
    part = worlds.scattered(part, 6, 0.8)
    states = worlds.states(5)
    log_q = jax.jit(jax.vmap(lambda h: part.log_prob((h[:3], h[3:]), X)))(states)
    assert float(jnp.sum(jnp.exp(log_q))) == pytest.approx(1.0, abs=1e-5)
    codes = draws(lambda key: part.sample(key, X), 20_000)
    assert surprise(worlds.place(np.concatenate(codes, axis=1)), log_q) > 1e-3


def test_a_linear_step_upwards_is_logistic_regression():
    part, _ = filled("belief-net")
    linear = SigmoidBeliefPosterior().init(noise.make_key(5), worlds.BINARY.spec, SERVED["belief-net"])
    assert [len(step.layers) for step in part.layers] == [2, 2]
    assert [step.layers[0].weight.shape for step in linear.layers] == [(4, 3), (3, 2)]
    linear = worlds.scattered(linear, 6, 0.8)
    h = (jnp.array([True, False, True]), jnp.array([False, True]))
    below, expected = np.asarray(X, float), 0.0
    for step, code in zip(linear.layers, h, strict=True):
        p = 1 / (1 + np.exp(-(below @ np.asarray(step.layers[0].weight) + np.asarray(step.layers[0].bias))))
        expected += np.log(np.where(code, p, 1 - p)).sum()
        below = np.asarray(code, float)
    assert float(linear.log_prob(h, X)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", [name for name, cls in INFERENCE.items() if issubclass(cls, Reparameterised)])
def test_a_reparameterised_draw_is_transformed_noise(name, key):
    part, _ = filled(name)
    drawn, moved = part.sample(key, X), part.transform(part.noise(key), X)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, moved, strict=True))
    noises = draws(part.noise, 4000)
    assert errors_off(noises, np.zeros(noises.shape[1:])) < 4
    assert errors_off(noises**2, np.ones(noises.shape[1:])) < 4


@pytest.mark.parametrize("name", [name for name, cls in INFERENCE.items() if issubclass(cls, HasPosteriorDistribution)])
def test_the_posterior_as_a_distribution_is_the_posterior(name, key):
    part, _ = filled(name)
    h = part.sample(key, X)
    assert float(part.distribution(X).log_prob(h[0])) == pytest.approx(float(part.log_prob(h, X)), rel=1e-5)


def test_the_gaussian_posterior_is_the_normal_density_of_its_moments():
    part, _ = filled("gaussian")
    output = np.asarray(part.encoder(X.astype(jnp.float32)), np.float64)
    h = (jnp.array([0.3, -1.4]),)
    expected = scipy.stats.norm(output[:2], np.exp(output[2:])).logpdf([0.3, -1.4]).sum()
    assert float(part.log_prob(h, X)) == pytest.approx(expected, rel=1e-5)


def test_it_reads_mixed_rows():
    part = GaussianPosterior(hidden=(4,)).init(noise.make_key(0), worlds.MIXED, VAE(latent=2))
    row = {
        "binary": jnp.array([True, False]),
        "categorical": jnp.array([2, 0]),
        "continuous": jnp.array([1.0, -2.0]),
    }
    assert part.transform(jnp.zeros(2), row)[0].shape == (2,)
    other = row | {"categorical": jnp.array([1, 0])}
    assert not np.allclose(part.transform(jnp.zeros(2), row)[0], part.transform(jnp.zeros(2), other)[0])


def test_each_model_gets_the_posterior_of_its_blocks():
    assert usual("inference", VAE(), (HasPosterior,)) == GaussianPosterior()
    assert usual("inference", SigmoidBeliefNet((3, 2)), (HasPosterior,)) == SigmoidBeliefPosterior()
    assert usual("inference", RBM(), (HasPosterior,)) is None


@pytest.mark.parametrize("cls", INFERENCE.values())
@pytest.mark.parametrize("options", [{"hidden": (0,)}, {"activation": "sine"}])
def test_options_that_describe_no_posterior_are_refused(cls, options):
    with pytest.raises(InputError) as refusal:
        cls(**options)
    assert "\n" not in str(refusal.value)
