"""The VQ-VAE: its model by enumeration, its posterior as a point mass, its direction piece by piece."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.capabilities import HasPosterior, Latent, posterior_of
from reverie.data import Identity
from reverie.directions import VectorQuantisation
from reverie.directions.vector_quantisation import Usage
from reverie.errors import InputError
from reverie.evaluation import score
from reverie.inference import CategoricalPosterior, VectorQuantiser
from reverie.learners import VectorQuantisedAutoencoder
from reverie.loop import Loop
from reverie.models import VAE, VQVAE
from reverie.pairing import check, fill, make_learner, missing
from tests import worlds
from tests.measuring import along, draws, surprise, tick

SPEC = worlds.binary(columns=3).spec
X = worlds.states(3)
BATCH = worlds.batch_of(X)


@pytest.fixture(scope="module", params=["autoregressive", "uniform"])
def model(request):
    return worlds.made(VQVAE(2, 3, 2, (4,), prior=request.param, width=6), SPEC, spread=0.7)


@pytest.fixture(scope="module")
def parts():
    """A filled pair whose codebook is small and whose encoder is affine."""
    model = worlds.made(VQVAE(2, 4, 2, (4,), width=6), SPEC, spread=0.5)
    inference = VectorQuantiser(hidden=()).init(noise.make_key(2), SPEC, model)
    return {"model": model, "inference": worlds.scattered(inference, 3, 0.5)}


def table(model):
    """log p(x, h) for all rows and all codes."""
    (codes,) = model.codes()
    return np.asarray(jax.jit(lambda model, x, h: worlds.joint_table(model, x, h))(model, X, codes), np.float64)


def test_the_joint_sums_to_one_and_dreams_follow_it(model):
    log_p = table(model)
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-5)
    assert np.ptp(log_p) > 1.0
    x, (h,) = draws(model.sample_joint, 20_000)
    assert surprise(worlds.place(x) * 9 + np.asarray(h) @ [3, 1], log_p.ravel()) > 1e-3


def test_a_relaxed_code_is_the_code_at_the_corners(model):
    (codes,) = model.codes()
    relaxed = jax.vmap(lambda h: model.log_joint(X[5], (jax.nn.one_hot(h, 3),)))(codes)
    np.testing.assert_allclose(relaxed, table(model)[5], rtol=1e-4)


def test_the_code_is_the_nearest_vector_and_its_density_a_bound(parts):
    """log p(x, h) at that code is what is reported of x, and lies below log p(x)."""
    model, posterior = parts["model"], posterior_of(parts)
    z, e = np.asarray(jax.vmap(posterior.embed)(X)), np.asarray(model.codebook)
    nearest = np.argmin(np.sum((z[:, :, None] - e[None, None]) ** 2, axis=-1), axis=-1)
    assert len(np.unique(nearest)) > 2
    (h,), log_q = jax.jit(jax.vmap(lambda x: posterior.propose(noise.make_key(0), x)))(X)
    assert np.array_equal(h, nearest)
    assert not np.any(log_q)
    found = score(parts, Identity("binary"), X, noise.make_key(0), samples=3)
    assert found is not None
    expected = table(model)[np.arange(8), nearest @ [4, 1]]
    np.testing.assert_allclose(found.values, expected, rtol=1e-4)
    assert found.kind == "lower bound"
    assert np.all(found.values < np.logaddexp.reduce(table(model), axis=1))


def test_a_point_mass_is_no_posterior_to_ascend():
    assert not issubclass(VectorQuantiser, HasPosterior)
    assert VectorQuantiser().unserving(VAE()) == "a vector quantiser serves models with a codebook"
    pair = check(VQVAE(), VectorQuantisedAutoencoder())
    assert pair["inference"] == VectorQuantiser()


def pieces(parts):
    """z, h, e_h, and the gradient of Σ_x log p(x | v) at v = e_h, for the batch."""

    @jax.jit
    def found(parts):
        model, posterior = parts["model"], posterior_of(parts)
        z, (h,) = jax.vmap(posterior.embed)(X), jax.vmap(posterior.encode)(X)
        nearest = model.codebook[h]
        return z, h, nearest, jax.vmap(jax.grad(model.log_likelihood_of, argnums=1))(X, nearest)

    return found(parts)


def close(given, expected):
    for a, b in zip(jax.tree.leaves(given), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("codebook", ["moving-average", "gradient"])
def test_the_direction_is_the_bounds_below_and_passed_straight_through_above(parts, codebook):
    given = jax.jit(lambda parts: along(VectorQuantisation(codebook, commitment=0.4), parts, BATCH, {}))(parts)
    z, h, nearest, slope = pieces(parts)

    def bound(model):
        fit = jax.vmap(lambda x, v: model.log_likelihood_of(x, v))(X, nearest)
        return jnp.mean(fit + jax.vmap(lambda h: model.log_prior((h,)))(h))

    expected = eqx.filter_jit(eqx.filter_grad(bound))(parts["model"])
    pull = jnp.zeros_like(expected.codebook)
    if codebook == "gradient":
        pull = pull.at[h.reshape(-1)].add(2.0 * (z - nearest).reshape(-1, 2) / len(X))
    close(given["model"], dataclasses.replace(expected, codebook=pull))
    at_z = (slope - 0.8 * (z - nearest)) / len(X)
    through = lambda part: jnp.sum(at_z * jax.vmap(part.embed)(X))
    close(given["inference"], eqx.filter_jit(eqx.filter_grad(through))(parts["inference"]))


def after(parts, memory, direction, step=0):
    """The codebook and the memory after one ascent."""
    ascend = jax.jit(lambda memory: direction.ascend(tick(3, step), parts, BATCH, {}, memory))
    ascent, memory, info = ascend(memory)
    return np.asarray(ascent.replace["model"].codebook), memory, info


def test_the_codebook_follows_the_mean_of_what_it_stands_for(parts):
    direction = VectorQuantisation(decay=0.7, restart=0.0)
    memory = Usage(jnp.array([1.0, 2.0, 3.0, 4.0]), jnp.arange(8.0).reshape(4, 2))
    found, usage, info = after(parts, memory, direction)
    z, h, _, _ = (np.asarray(piece) for piece in pieces(parts))
    for k in range(4):
        count = 0.7 * float(memory.number[k]) + 0.3 * np.sum(h == k)
        total = 0.7 * np.asarray(memory.total[k]) + 0.3 * z[h == k].sum(0)
        np.testing.assert_allclose(usage.number[k], count, rtol=1e-5)
        np.testing.assert_allclose(found[k], total / count, rtol=1e-4, atol=1e-5)
    share = np.bincount(h.ravel(), minlength=4) / h.size
    assert float(info["perplexity"]) == pytest.approx(
        np.exp(-np.sum(share * np.log(np.maximum(share, 1e-9)))), rel=1e-4
    )


def test_a_vector_that_stands_for_nothing_starts_anew_among_the_embeddings(parts):
    """The one far away does; the others stay under `gradient`, which leaves them to the optimiser."""
    far = parts["model"].codebook.at[2].set(50.0)
    parts = parts | {"model": parts["model"].with_vectors(far)}
    count = jnp.array([1.0, 1.0, 0.01, 1.0])
    direction = VectorQuantisation("gradient", decay=0.99, restart=0.05)
    found, usage, info = after(parts, Usage(count, far * count[:, None]), direction)
    z = np.asarray(jax.vmap(parts["inference"].embed)(X)).reshape(-1, 2)
    assert float(info["restarted"]) == 1.0
    assert np.min(np.abs(z - found[2]).sum(1)) < 1e-5
    assert np.array_equal(found[[0, 1, 3]], np.asarray(far)[[0, 1, 3]])
    np.testing.assert_allclose(usage.total[2], usage.number[2] * found[2], rtol=1e-5)
    never, _, _ = after(parts, Usage(count, far * count[:, None]), dataclasses.replace(direction, restart=0.0))
    assert np.array_equal(never, far)


def test_in_the_second_phase_the_prior_moves_alone(parts):
    direction = VectorQuantisation(prior_from=5)
    memory = direction.init(noise.make_key(0), parts)

    def moved(step):
        ascent, kept, _ = jax.jit(lambda: direction.ascend(tick(0, step), parts, BATCH, {}, memory))()
        model = ascent.along["model"]
        trees = {"decoder": model.decoder, "prior": model.density, "encoder": ascent.along["inference"]}
        trees["codebook"] = parts["model"].codebook - ascent.replace["model"].codebook
        trees["memory"] = jax.tree.map(jnp.subtract, kept, memory)
        return {name for name, tree in trees.items() if any(np.any(leaf != 0) for leaf in jax.tree.leaves(tree))}

    assert moved(4) == {"decoder", "encoder", "codebook", "memory"}
    assert moved(5) == {"prior"}
    cadence = VectorQuantisedAutoencoder(prior_from=5).cadence["inference"]
    assert callable(cadence)
    assert [bool(cadence(step, None)) for step in (4, 5)] == [True, False]


def test_it_finds_clusters_and_their_frequencies():
    """Four clusters, four vectors, one position: each vector gets a cluster, and the prior its share."""
    rng = np.random.default_rng(0)
    share = np.array([0.4, 0.3, 0.2, 0.1])
    centres = np.array([[2, 2], [-2, 2], [2, -2], [-2, -2]], np.float32)
    cluster = rng.choice(4, size=400, p=share)
    raw = (centres[cluster] + 0.3 * rng.standard_normal((400, 2))).astype(np.float32)
    world = worlds.continuous(columns=2)
    learner = VectorQuantisedAutoencoder(decay=0.9)
    parts = fill(check(VQVAE(1, 4, 2, (16,), scale=0.3, width=4), learner), noise.make_key(1), world.spec)
    loop = Loop(learner, worlds.rows_of(raw), world.measure, noise.make_key(0), batch=100)
    state = loop.start(parts)
    for _ in range(2):
        state, _ = loop.advance(state, 400)
    (h,) = jax.vmap(posterior_of(state.parts).encode)(raw)
    sizes = np.array([np.bincount(np.asarray(h)[cluster == k, 0], minlength=4) for k in range(4)])
    assert (sizes.max(axis=1) / sizes.sum(axis=1)).min() > 0.95
    assert len(set(sizes.argmax(axis=1))) == 4
    log_p = jax.vmap(lambda k: state.parts["model"].log_prior((k[None],)))(jnp.arange(4))
    np.testing.assert_allclose(np.exp(log_p)[sizes.argmax(axis=1)], np.bincount(cluster) / 400, atol=0.05)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (VQVAE, {"positions": 0}),
        (VQVAE, {"levels": 1}),
        (VQVAE, {"hidden": (0,)}),
        (VQVAE, {"activation": "sine"}),
        (VQVAE, {"prior": "flat"}),
        (VectorQuantisedAutoencoder, {"commitment": -1.0}),
        (VectorQuantisedAutoencoder, {"decay": 1.0}),
        (VectorQuantisedAutoencoder, {"restart": 1.0}),
        (VectorQuantisedAutoencoder, {"prior_from": -1}),
        (VectorQuantisedAutoencoder, {"codebook": "fixed"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else value.__name__,
)
def test_options_that_describe_nothing_are_refused(make, options):
    with pytest.raises(InputError) as refusal:
        make(**options)
    assert "\n" not in str(refusal.value)


def test_a_posterior_over_categories_sums_to_one_and_its_draws_follow_it():
    model = worlds.made(VQVAE(2, 3, 2, (4,)), SPEC)
    part = worlds.scattered(CategoricalPosterior(hidden=(4,)).init(noise.make_key(2), SPEC, model), 3, 0.7)
    (codes,) = model.codes()
    log_q = jax.jit(jax.vmap(lambda h: part.log_prob((h,), X[5])))(codes)
    assert float(jnp.sum(jnp.exp(log_q))) == pytest.approx(1.0, abs=1e-5)
    (h,) = draws(lambda key: part.sample(key, X[5]), 20_000)
    assert surprise(np.asarray(h) @ [3, 1], log_q) > 1e-3
    rows = jax.nn.log_softmax(part.code_logits(X[5], ()))
    np.testing.assert_allclose(log_q, rows[0][codes[:, 0]] + rows[1][codes[:, 1]], rtol=1e-5)


def test_layers_of_categories_read_the_layer_below():
    """Hard or as points of the simplex; a model of two such layers is here but for its densities."""
    part = CategoricalPosterior(hidden=()).init(noise.make_key(2), SPEC, Layers())
    part = worlds.scattered(part, 3, 0.7)
    hard, soft = jnp.array([2, 0]), jax.nn.one_hot(jnp.array([2, 0]), 3)
    logits = part.code_logits(X[5], (hard,))
    np.testing.assert_allclose(logits, part.code_logits(X[5], (soft,)), rtol=1e-6)
    assert not np.allclose(logits, part.code_logits(X[5], (jnp.array([1, 0]),)))
    assert logits.shape == (1, 4)
    codes = part.sample(noise.make_key(0), X[5])
    rows = [jax.nn.log_softmax(part.code_logits(X[5], codes[:i])) for i in range(2)]
    expected = sum(float(row[jnp.arange(len(h)), h].sum()) for row, h in zip(rows, codes, strict=True))
    assert float(part.log_prob(codes, X[5])) == pytest.approx(expected, rel=1e-5)


class Layers:
    """Two layers of categories."""

    latents = (Latent("categories", 2, 3), Latent("categories", 1, 4))


def test_a_codebook_can_be_learned_by_a_posterior_with_chances():
    """The model is a distribution like any other: learners of discrete codes take it with another posterior."""
    assert missing(VQVAE(), make_learner("jsa")) == {}
    assert check(VQVAE(), make_learner("jsa"))["inference"] == CategoricalPosterior()
    assert check(VQVAE(), VectorQuantisedAutoencoder())["inference"] == VectorQuantiser()
