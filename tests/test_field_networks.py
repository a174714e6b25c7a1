"""Fields by any network and in either form; and fields of rows and classes."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.data import Identity, Leaf, Spec
from reverie.directions import LabelLikelihood
from reverie.errors import InputError
from reverie.evaluation.classification import accuracy
from reverie.learners import JointEnergy
from reverie.models import BitField, JointBitField, JointField, RandomField
from reverie.networks.mlp import affine, mlp
from tests import worlds
from tests.measuring import along, gradient, tick

LEAF = Leaf("continuous", 6, mean=(0.5,) * 6, std=(1.0, 2.0, 0.5, 1.0, 1.5, 1.0))
PICTURES = Spec({"continuous": LEAF}, image=(2, 3, 1))
BITS = Spec({"binary": Leaf("binary", 6, mean=(0.3,) * 6, std=(0.46,) * 6)}, image=(2, 3, 1))
NETWORKS = ("mlp", "residual", "conv", "attention")
FORMS = [*((network, "tilted") for network in NETWORKS), ("residual", "products")]


def field(**options):
    """A field of which no number is zero, on the reference of its columns."""
    model = RandomField(**options).init(noise.make_key(3), PICTURES)
    moved = worlds.scattered(model, 4, 0.4)
    return dataclasses.replace(moved, base_centre=model.base_centre, base_spread=model.base_spread)


def test_a_perceptron_reads_a_vector_whole_or_in_pieces():
    network = worlds.scattered(mlp(noise.make_key(0), 5, (4,), 2), 1, 0.4)
    x = jnp.asarray(np.random.default_rng(2).normal(size=5), jnp.float32)
    np.testing.assert_allclose(network(x[:2], x[2:4], x[4:]), network(x), rtol=1e-5)


@pytest.mark.parametrize(("network", "form"), FORMS)
def test_a_field_of_any_network_slopes_and_is_reached_in_every_number(network, form):
    model = field(hidden=(4, 6), network=network, form=form)
    x = jnp.asarray(np.random.default_rng(1).normal(size=(5, 6)), jnp.float32)

    @eqx.filter_jit
    def looked(model, x):
        def total(both):
            return jnp.sum(jax.vmap(both[0].potential)(both[1]))

        along, slope = eqx.filter_grad(total)((model, x))
        tempered = [jax.vmap(lambda x, beta=beta: model.tempered_potential(x, beta))(x) for beta in (0.0, 1.0)]
        return along, slope, jax.vmap(model.reference)(x), *tempered

    along, slope, reference, base, u = looked(model, x)
    assert np.all(np.abs(np.asarray(slope)).max(0) > 1e-3)
    for path, leaf in jax.tree_util.tree_leaves_with_path(along):
        assert bool(jnp.any(leaf != 0)) != ("base" in jax.tree_util.keystr(path)), path
    np.testing.assert_allclose(base, reference, rtol=1e-6)
    assert np.ptp(np.asarray(u - base)) > 1e-3


def test_a_product_of_experts_is_what_its_equation_says():
    model = field(hidden=(5,), form="products")
    x = np.random.default_rng(2).normal(size=6)
    z = (x - 0.5) / np.array(LEAF.std)
    first, last = model.function.layers
    hidden = z @ np.asarray(first.weight) + np.asarray(first.bias)
    hidden = hidden * scipy.special.expit(hidden)
    experts = hidden @ np.asarray(last.weight) + np.asarray(last.bias)
    assert experts.shape == (5,)
    expected = np.sum(np.logaddexp(0, experts)) + np.asarray(model.linear) @ z
    expected -= 0.5 * np.exp(np.asarray(model.log_square)) @ z**2
    got = float(model.potential(jnp.asarray(x, jnp.float32)) - model.reference(jnp.asarray(x, jnp.float32)))
    assert got == pytest.approx(expected, rel=1e-4)


def test_units_of_few_reals_bend_where_the_rows_are():
    """A linear map of the first layer tells a narrow ring from its surroundings; of Glorot's first layer it cannot."""
    x = np.random.default_rng(6).normal(size=(1500, 2)).astype(np.float32)
    ring = np.exp(-0.5 * ((np.hypot(*x.T) - 1.2) / 0.3) ** 2)

    def unexplained(layer):
        seen = np.asarray(jax.nn.silu(x @ layer.weight + layer.bias))
        seen = np.column_stack([seen, np.ones(len(x))])
        kept, new = slice(0, 1000), slice(1000, None)
        weights = np.linalg.solve(seen[kept].T @ seen[kept] + 1e-2 * np.eye(seen.shape[1]), seen[kept].T @ ring[kept])
        return np.mean((ring[new] - seen[new] @ weights) ** 2) / np.var(ring[new])

    usual = RandomField(hidden=(64,)).init(noise.make_key(1), worlds.continuous(columns=2).spec).function.layers[0]
    assert unexplained(usual) < 0.35 < 0.7 < unexplained(affine(noise.make_key(1), 2, 64))


def test_detail_is_the_spread_of_the_first_layer():
    """d/√columns for the weights, ±d for the biases; by the columns, √(32/columns) and never less than 1."""
    for columns, detail, expected in ((2, None, 4.0), (8, None, 2.0), (64, None, 1.0), (2, 0.5, 0.5)):
        spec = Spec({"continuous": Leaf("continuous", columns, mean=(0.0,) * columns, std=(1.0,) * columns)})
        for network in ("mlp", "residual"):
            function = (
                RandomField(hidden=(256, 4), network=network, detail=detail).init(noise.make_key(1), spec).function
            )
            first = function.layers[0] if network == "mlp" else function.first
            assert float(jnp.std(first.weight)) == pytest.approx(expected / columns**0.5, rel=0.08)
            assert float(jnp.max(jnp.abs(first.bias))) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("network", "form"), [("attention", "tilted"), ("conv", "products")])
def test_a_field_of_bits_takes_relaxed_ones_by_any_network(network, form):
    model = worlds.made(BitField(hidden=(4, 6), network=network, form=form), BITS, spread=0.4)
    bits = jnp.asarray(worlds.states(6)[[3, 17, 60]])
    of = jax.jit(jax.vmap(model.potential))
    np.testing.assert_allclose(of(bits), of(bits.astype(jnp.float32)), rtol=1e-5)
    # Which column is which matters: bits in another order are another row.
    assert not np.allclose(of(bits), of(bits[:, ::-1]), atol=1e-3)


@pytest.mark.parametrize(
    ("cls", "options", "said"),
    [
        (RandomField, {"network": "deep"}, "network must be mlp, residual, conv or attention"),
        (RandomField, {"detail": 0.0}, "the detail of a field must be positive"),
        (RandomField, {"form": "sums"}, "form must be tilted or products"),
        (RandomField, {"hidden": (), "form": "products"}, "needs a hidden width"),
        (JointField, {"classes": 1}, "at least two classes, not 1"),
        (JointField, {"form": "products"}, "leave form at tilted"),
        (JointEnergy, {"restart": 2.0}, r"restart must lie in \[0, 1\]"),
        (JointEnergy, {"k": 0}, "k must be at least 1"),
    ],
)
def test_options_that_describe_nothing_are_refused(cls, options, said):
    with pytest.raises(InputError, match=said):
        cls(**options)


def test_convolutions_read_pictures_and_a_joint_field_has_a_class_for_every_label():
    assert "pictures" in (RandomField(network="conv").unsuited(worlds.CONTINUOUS.spec) or "")
    assert RandomField(network="conv").unsuited(PICTURES) is None
    labelled = Spec(worlds.CONTINUOUS.spec.leaves, classes=4)
    assert "name 4 classes and the field has 3" in (JointField(classes=3).unsuited(labelled) or "")
    assert "needs binary" in (JointBitField().unsuited(labelled) or "")
    assert JointField().init(noise.make_key(0), labelled).function.layers[-1].bias.shape == (4,)


def joint():
    return worlds.made(JointField(hidden=(), classes=3), worlds.CONTINUOUS.spec, spread=0.6)


def test_the_field_of_rows_is_the_joint_one_summed_over_classes():
    model, x = joint(), jnp.asarray(worlds.CONTINUOUS.rows.raw[:7])
    each = np.asarray(jax.vmap(model.class_potentials)(x))
    np.testing.assert_allclose(jax.vmap(model.potential)(x), scipy.special.logsumexp(each, axis=1), rtol=1e-5)
    told = jax.vmap(lambda x: model.class_log_probs(noise.make_key(0), x))(x)
    np.testing.assert_allclose(told, scipy.special.log_softmax(each, axis=1), rtol=1e-4, atol=1e-5)


def test_the_labels_direction_is_that_of_a_logistic_regression_over_labelled_rows():
    model = joint()
    x, y = worlds.CONTINUOUS.rows.raw, np.asarray(worlds.CONTINUOUS.rows.y)
    batch = worlds.batch_of(x)._replace(y=jnp.asarray(y))
    direction = LabelLikelihood(2.0)
    ascent, after, _ = direction.ascend(tick(), {"model": model}, batch, {}, direction.init(noise.make_key(0), {}))
    assert float(after.share) == pytest.approx(0.75)
    logits = np.asarray(jax.vmap(model.class_potentials)(jnp.asarray(x)))[y >= 0]
    residual = np.eye(3)[y[y >= 0]] - scipy.special.softmax(logits, axis=1)
    np.testing.assert_allclose(ascent.along["model"].function.layers[0].bias, 2.0 * residual.mean(0), atol=1e-5)


def test_rows_without_a_label_are_learned_from_too():
    """What jem ascends, written out: all rows against the particles, and the labels of those that have one."""
    model = worlds.made(JointBitField(hidden=(3,), classes=3), worlds.BINARY.spec, spread=0.6)
    x, y = jnp.asarray(worlds.BINARY.rows.raw), jnp.asarray(worlds.BINARY.rows.y)
    particles = jnp.asarray(worlds.states(4)[3:9])
    learner = JointEnergy(k=1, weight=0.7)
    has = np.flatnonzero(np.asarray(y) >= 0)
    assert 0 < len(has) < len(y)

    def objective(parts, rows=x):
        odds = jax.vmap(parts["model"].class_potentials)
        both, labelled = odds(rows), jax.nn.log_softmax(odds(rows)[has])
        told = jnp.take_along_axis(labelled, y[has][:, None], axis=1)
        up, down = (jnp.mean(jax.nn.logsumexp(u, axis=1)) for u in (both, odds(particles)))
        return up - down + 0.7 * jnp.mean(told)

    batch = worlds.batch_of(x)._replace(y=y)
    found = jax.jit(lambda: along(learner.direction, {"model": model}, batch, {"particles": particles}))()["model"]
    exact = gradient(objective, {"model": model}, "model")
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
    # It matters what the others hold: with their bits turned round the way up is another.
    other = gradient(lambda parts: objective(parts, jnp.where((y < 0)[:, None], ~x, x)), {"model": model}, "model")
    moved = [np.abs(a - b).max() for a, b in zip(jax.tree.leaves(exact), jax.tree.leaves(other), strict=True)]
    assert max(moved) > 0.05


def test_the_accuracy_of_a_field_is_that_of_its_likeliest_class():
    model = joint()
    x, y = worlds.CONTINUOUS.rows.raw, np.asarray(worlds.CONTINUOUS.rows.y)
    found = accuracy({"model": model}, Identity("continuous"), x, y, noise.make_key(0))
    right = np.argmax(np.asarray(jax.vmap(model.class_potentials)(jnp.asarray(x))), axis=1) == y
    assert found is not None
    assert found.value == pytest.approx(right[y >= 0].mean())
