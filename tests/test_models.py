"""What every model keeps: its options, its shapes, gradients that reach all of it, draws that follow its density."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.auxiliaries import Critic
from reverie.capabilities import (
    ConditionsOnClass,
    ConditionsOnColumns,
    HasJointSample,
    HasLogJoint,
    HasLogProb,
    HasPotential,
    HasPotentialBound,
    HasPriorDistribution,
    Samplable,
)
from reverie.data import Leaf, Spec
from reverie.errors import InputError
from reverie.models import MADE, MODELS, RBM, VAE, GaussianMixture, Generator, RealNVP, SigmoidBeliefNet
from reverie.pairing import fill
from reverie.parts import count_parameters, options_of, parameters
from tests import worlds
from tests.measuring import draws, errors_off

ALL = pytest.mark.parametrize("name", MODELS)
CATEGORICAL = Spec({"categorical": Leaf("categorical", 2, levels=3, counts=(3, 2))})
SPECS = {
    "binary": worlds.BINARY.spec,
    "continuous": worlds.CONTINUOUS.spec,
    "categorical": CATEGORICAL,
    "mixed": worlds.MIXED,
}


def having(*capabilities):
    return pytest.mark.parametrize("name", worlds.models_with(*capabilities))


def fixed(model, spec, spread=0.7):
    """A model of which no number is zero and nothing is symmetric."""
    return worlds.made(model, spec, spread=spread)


@functools.cache
def filled(name, spread=0.7):
    blank = worlds.blank(name)
    return fixed(blank, worlds.world_for(blank).spec, spread)


def arrays(tree):
    return [leaf for leaf in jax.tree.leaves(tree) if eqx.is_array(leaf)]


@ALL
def test_a_blank_model_is_its_options(name):
    blank = worlds.blank(name)
    assert arrays(blank) == []
    assert options_of(blank) == options_of(MODELS[name]()) | worlds.TINY.get(name, {})
    assert blank == MODELS[name](**options_of(blank))
    assert hash(blank) == hash(MODELS[name](**options_of(blank)))
    model = filled(name, 0.0)
    assert options_of(model) == options_of(blank)
    assert all(leaf.dtype in (jnp.float32, jnp.int32) and not leaf.weak_type for leaf in arrays(model))
    assert count_parameters(model) == sum(leaf.size for leaf in arrays(model) if leaf.dtype == jnp.float32)


@ALL
def test_init_is_a_function_of_its_key_and_its_shapes_are_known_beforehand(name):
    blank = worlds.blank(name)
    spec = worlds.world_for(blank).spec
    one, again, other = (fill({"model": blank}, noise.make_key(seed), spec)["model"] for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(again), strict=True))
    drawn = any(not np.array_equal(a, b) for a, b in zip(arrays(one), arrays(other), strict=True))
    assert drawn or name == "fvsbn"  # which starts at independent bits
    shapes = worlds.shapes_of({"model": blank}, noise.make_key(0), spec)["model"]
    assert worlds.alike(shapes, one)
    told = [leaf for leaf in jax.tree.leaves(shapes) if isinstance(leaf, jax.ShapeDtypeStruct)]
    assert [(leaf.shape, leaf.dtype) for leaf in told] == [(leaf.shape, leaf.dtype) for leaf in arrays(one)]


@ALL
@pytest.mark.parametrize("kind", SPECS)
def test_a_model_takes_data_or_says_in_one_sentence_why_not(name, kind):
    blank = worlds.blank(name)
    why: str | None = blank.unsuited(SPECS[kind])
    if why is None:
        worlds.shapes_of({"model": blank}, noise.make_key(0), SPECS[kind])
        return
    assert "\n" not in why
    assert kind in why
    with pytest.raises(InputError) as refusal:
        fill({"model": blank}, noise.make_key(0), SPECS[kind])
    assert str(refusal.value) == why


def test_realnvp_wants_two_columns():
    spec = Spec({"continuous": Leaf("continuous", 1, mean=(0.0,), std=(1.0,))})
    assert "have one column" in (RealNVP().unsuited(spec) or "")


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (VAE, {"latent": 0}),
        (VAE, {"hidden": (5, 0)}),
        (VAE, {"activation": "sine"}),
        (VAE, {"scale": 0.0}),
        (VAE, {"scale": float("nan")}),
        (VAE, {"scale": float("inf")}),
        (SigmoidBeliefNet, {"sizes": ()}),
        (SigmoidBeliefNet, {"sizes": (3, -1)}),
        (MADE, {"hidden": ()}),
        (MADE, {"hidden": (0,)}),
        (MADE, {"orders": 0}),
        (MADE, {"seed": -1}),
        (MADE, {"activation": "sine"}),
        (RealNVP, {"layers": 0}),
        (RealNVP, {"width": 0}),
        (Generator, {"latent": 0}),
        (Generator, {"activation": "sine"}),
        (RBM, {"hidden": 0}),
        (GaussianMixture, {"count": 0}),
        (Critic, {"hidden": (0,)}),
        (Critic, {"activation": "sine"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else value.__name__,
)
def test_options_that_describe_no_model_are_refused(cls, options):
    with pytest.raises(InputError) as refusal:
        cls(**options)
    assert "\n" not in str(refusal.value)


def objective(model, x, key):
    """One number that depends on all of a model's parameters."""
    if isinstance(model, HasLogProb):
        return model.log_prob(x)
    if isinstance(model, HasLogJoint):
        # Codes that are all zeros would hide weights.
        types = {"bits": bool, "categories": jnp.int32, "reals": jnp.float32}
        h = tuple(jnp.ones(one.size, types[one.kind]) for one in model.latents)
        return model.log_joint(x, h)
    if isinstance(model, ConditionsOnClass):
        potentials = jnp.stack([model.given(jnp.asarray(y)).potential(x) for y in range(model.given_classes)])
        return jnp.arange(1.0, 1.0 + potentials.size) @ (model.log_class_prior() + potentials)
    if isinstance(model, ConditionsOnColumns):
        return model.conditioned(x).potential(model.told(x))
    if isinstance(model, HasPotential):
        return model.potential(x)
    if isinstance(model, HasPotentialBound):
        return model.potential_bound(key, x)
    return jnp.sum(jnp.arange(1.0, 5.0) * model.push(model.noise(key)))


@ALL
def test_a_gradient_reaches_every_parameter(name, key):
    model = filled(name)
    rows = jnp.asarray(worlds.world_for(model).rows.raw)
    total = lambda model: jnp.sum(jax.vmap(lambda x: objective(model, x, key))(rows))
    along = eqx.filter_jit(eqx.filter_grad(total))(model)
    for path, leaf in jax.tree_util.tree_leaves_with_path(along):
        assert bool(jnp.all(jnp.isfinite(leaf))), path
        # The base of an RBM's annealing path is none of its parameters; what a field of sequences tilts is.
        still = "base" in jax.tree_util.keystr(path) and name != "trf"
        assert bool(jnp.any(leaf != 0)) != still, path


@having(Samplable)
def test_a_draw_is_a_row_of_the_data(name, key):
    model = filled(name)
    world = worlds.world_for(model)
    drawn = jax.eval_shape(model.sample, key)
    row = jax.eval_shape(lambda: world.measure.to_model(None, jnp.asarray(world.rows.raw[0])))
    assert (drawn.shape, drawn.dtype) == (row.shape, row.dtype)


def score(log_density):
    return lambda model, row: parameters(eqx.filter_grad(lambda model: log_density(model, row))(model))


def zeros(model):
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape), parameters(model))


@having(HasLogProb, Samplable)
def test_draws_follow_the_density_along_every_parameter(name):
    """E ∇_θ log p_θ(x) = 0 for x ~ p_θ, and for no other x in general."""
    model = filled(name, 0.4)
    scores = draws(lambda key: score(lambda m, x: m.log_prob(x))(model, model.sample(key)), 4000)
    assert errors_off(scores, zeros(model)) < 4.5


@pytest.mark.parametrize("spec", [worlds.BINARY.spec, worlds.CONTINUOUS.spec, worlds.MIXED], ids=lambda spec: spec.kind)
@having(HasLogJoint, HasJointSample)
def test_dreams_follow_the_joint_density_along_every_parameter(name, spec):
    blank = worlds.blank(name)
    if blank.unsuited(spec) is not None:
        assert spec is not worlds.world_for(blank).spec
        return
    model = fixed(blank, spec, 0.4)
    scores = draws(lambda key: score(lambda m, xh: m.log_joint(*xh))(model, model.sample_joint(key)), 4000)
    assert errors_off(scores, zeros(model)) < 4.5


@having(HasJointSample)
def test_the_row_of_a_dream_is_the_sample(name, key):
    model = filled(name)
    assert np.array_equal(model.sample(key), model.sample_joint(key)[0])


@having(HasPriorDistribution)
def test_the_prior_as_a_distribution_is_the_prior(name, key):
    model = filled(name)
    h = model.sample_joint(key)[1]
    assert float(model.prior().log_prob(h[0])) == pytest.approx(float(model.log_prior(h)), rel=1e-6)
