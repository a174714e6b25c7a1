"""Fields of sequences of every length: jumps, normalisers of each length, noise; all against lists of every line."""

import dataclasses
import functools
import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.auxiliaries import ModelNoise
from reverie.data import Leaf, Spec
from reverie.data.choice import lengths_of
from reverie.directions import AugmentedApproximation, Contrastive
from reverie.errors import InputError
from reverie.evaluation import length_walks, log_normaliser, samples_of
from reverie.evaluation.length_walks import Walked
from reverie.evaluation.lengths import (
    approximated_normalisers,
    length_normalisers,
    log_likelihoods_by_length,
    summed_normaliser,
)
from reverie.evaluation.walks import walk
from reverie.learners import AugmentedSA, NoiseContrastiveEstimation
from reverie.models import RBM, LanguageModel, SequenceField
from reverie.pairing import check
from reverie.parts import parameters
from reverie.samplers import Gibbs, LengthJumps, ParallelTempering, PersistentChains
from reverie.samplers.kernel import Chains, move_all
from tests import worlds
from tests.measuring import draws, surprise, tick

SYMBOLS, PLACES = 3, 3
SHARES = (0.2, 0.5, 0.3)
LEAF = Leaf("categorical", PLACES + 1, levels=SYMBOLS + 2, counts=(SYMBOLS + 2,) * (PLACES + 1))
SPEC = Spec({"categorical": LEAF}, text=True, marks=(SYMBOLS, SYMBOLS + 1), lengths=SHARES)
WINDOWS = Spec({"categorical": Leaf("categorical", 3, levels=3, counts=(3, 3, 3))}, text=True)
FIELDS = {
    "ngram": SequenceField(order=3, room=40),
    "lstm": SequenceField("lstm", "unigram", width=3, embedding=2),
    "attention": SequenceField("attention", "uniform", width=4, depth=1),
}
LINES = [line for size in range(1, PLACES + 1) for line in itertools.product(range(SYMBOLS), repeat=size)]
ROWS = jnp.array([[*line, SYMBOLS, *[SYMBOLS + 1] * (PLACES - len(line))] for line in LINES], jnp.int32)
LENGTHS = np.array([len(line) for line in LINES])
PLACE = {tuple(row): i for i, row in enumerate(np.asarray(ROWS).tolist())}


@functools.cache
def field(name: str) -> Any:
    """A field whose ζ are wrong, and its potential at every line."""
    model = worlds.made(FIELDS[name], SPEC, spread=0.6)
    return model, np.asarray(jax.jit(jax.vmap(model.potential))(ROWS), np.float64)


def places(x):
    return np.array([PLACE[tuple(row)] for row in np.asarray(x).tolist()])


def log_z(name):
    """log Z of each length, with numpy, from the definition of the potential."""
    model, u = field(name)
    told = u - np.log(np.array(model.shares))[LENGTHS - 1] + np.asarray(model.normalisers)[LENGTHS - 1]
    return np.array([scipy.special.logsumexp(told[length == LENGTHS]) for length in (1, 2, 3)])


def test_lengths_are_counted_in_the_training_lines():
    assert lengths_of(np.asarray(ROWS), SYMBOLS) == pytest.approx((3 / 39, 9 / 39, 27 / 39))
    model = worlds.made(FIELDS["ngram"], SPEC)
    assert model.lengths == (1, 3)
    assert np.allclose(model.shares, SHARES, atol=1e-4)
    assert [int(model.length_of(row)) for row in ROWS] == LENGTHS.tolist()


def test_a_sum_over_n_grams_is_that_of_their_numbers():
    """Order by order, with windows cut by hand, where every n-gram has a number of its own."""
    model = worlds.made(SequenceField(reference="uniform", order=3, room=64), SPEC, spread=0.6)
    tables = [np.asarray(table) for table in model.function.tables]
    assert [len(table) for table in tables] == [4, 16, 64]
    found = np.asarray(jax.jit(jax.vmap(model.potential))(ROWS))
    for line, told in list(zip(LINES, found, strict=True))[::5]:
        total = 0.0
        for order, table in zip((1, 2, 3), tables, strict=True):
            whole = [SYMBOLS] * (order - 1) + list(line) + [SYMBOLS] * (order - 1)
            for start in range(len(whole) - order + 1):
                total += table[int("".join(map(str, whole[start : start + order])), SYMBOLS + 1)]
        rest = np.log(model.shares[len(line) - 1]) - model.normalisers[len(line) - 1] - len(line) * np.log(SYMBOLS)
        assert told == pytest.approx(float(total + rest), abs=1e-5)


def test_what_is_proposed_for_a_place_is_its_conditional_with_n_grams():
    model, u = field("ngram")
    line = (2, 0, 1)
    row = ROWS[PLACE[(*line, SYMBOLS)]]
    logits = jax.jit(jax.vmap(model.symbol_logits, (None, 0)))(row, jnp.arange(3))
    for place in range(3):
        others = [PLACE[(*line[:place], symbol, *line[place + 1 :], SYMBOLS)] for symbol in range(SYMBOLS)]
        assert np.allclose(scipy.special.log_softmax(logits[place]), scipy.special.log_softmax(u[others]), atol=1e-5)


def test_log_z_is_the_sum_over_lengths():
    model, u = field("ngram")
    assert log_normaliser(model, method="exact").value == pytest.approx(np.logaddexp.reduce(u), abs=1e-4)
    summed = [summed_normaliser(model, length) for length in (1, 2, 3)]
    assert np.allclose(summed, log_z("ngram"), atol=1e-4)
    told = log_likelihoods_by_length(model, ROWS, summed)
    for length in (1, 2, 3):
        assert np.exp(told[length == LENGTHS]).sum() == pytest.approx(model.shares[length - 1], abs=1e-4)


def test_an_lstm_from_the_right_reads_lines_turned_round():
    """With its readers exchanged a field says of a line what it said of the line backwards."""
    model, u = field("lstm")
    function = model.function
    turned = dataclasses.replace(function, forwards=function.backwards, backwards=function.forwards)
    other = dataclasses.replace(model, function=turned)
    again = np.asarray(jax.jit(jax.vmap(other.potential))(ROWS))
    back = [PLACE[(*line[::-1], SYMBOLS, *[SYMBOLS + 1] * (PLACES - len(line)))] for line in LINES]
    assert np.allclose(again[back], u, atol=1e-5)
    assert not np.allclose(again, u, atol=0.1)


def test_attention_tells_lines_apart_by_order():
    _, u = field("attention")
    assert len(np.unique(np.round(u, 4))) == len(u)


def test_jumps_between_lengths_leave_a_field_as_it_was():
    """Draws, after a move, are draws. ζ is wrong: lengths have not the shares π."""
    model, u = field("lstm")
    log_p = u - np.logaddexp.reduce(u)
    first = np.random.default_rng(2).choice(len(u), 20_000, p=np.exp(log_p))

    @jax.jit
    def run(x):
        return move_all(LengthJumps(jumps=6), noise.make_key(4), model, Chains(x, None), 1)[0].x

    once = places(run(ROWS[first]))
    assert np.mean(once == first) < 0.5
    assert np.mean(LENGTHS[once] != LENGTHS[first]) > 0.1
    assert surprise(once, log_p) > 1e-3


def test_tempered_particles_come_to_have_the_lengths_of_the_model():
    """No sweep changes a length: it comes from the base, by exchanges."""
    model, u = field("ngram")
    sampler, parts = ParallelTempering(12, 3000, 5), {"model": model}

    @jax.jit
    def run(key):
        chain = sampler.init(key, parts, 8, worlds.batch_of(ROWS[:8]))
        return sampler.draw(tick()._replace(key=jax.random.fold_in(key, 1)), parts, worlds.batch_of(ROWS[:8]), chain)

    found = places(run(noise.make_key(7))[0]["particles"])
    assert surprise(found, u - np.logaddexp.reduce(u)) > 1e-3


def test_chains_that_are_shown_and_drawn_have_the_lengths_of_the_model():
    model, u = field("ngram")
    log_p = u - np.logaddexp.reduce(u)
    assert surprise(places(samples_of({"model": model}, 3000, noise.make_key(1), sweeps=30)), log_p) > 1e-3

    @jax.jit
    def walked(key):
        return walk(model, key, model.start(key), jnp.asarray(30)).x

    assert surprise(places(draws(walked, 3000)), log_p) > 1e-3


def test_stochastic_approximation_along_the_path_changes_lengths_at_the_base():
    model, u = field("ngram")
    found = log_normaliser(model, method="sa", chains=64, temperatures=2000, seed=1)
    assert not found.failed
    assert abs(found.value - np.logaddexp.reduce(u)) < 4 * found.se
    assert found.se < 0.1
    annealed = log_normaliser(model, method="ais", chains=64, temperatures=100, seed=1)
    assert abs(annealed.value - np.logaddexp.reduce(u)) < 4 * annealed.se


def test_windows_have_one_length_and_no_jumps(key):
    model = worlds.made(FIELDS["ngram"], WINDOWS, spread=0.6)
    assert model.lengths == (3, 3)
    every = jnp.array(list(itertools.product(range(3), repeat=3)), jnp.int32)
    u = np.asarray(jax.jit(jax.vmap(model.potential))(every), np.float64)
    assert log_normaliser(model, method="exact").value == pytest.approx(np.logaddexp.reduce(u), abs=1e-4)
    move = jax.jit(lambda x: LengthJumps().move(key, model, x, None))
    after, _, rate = move(every[5])
    assert after.shape == (3,)
    assert float(rate) == 1.0
    told = [PersistentChains(1, 5, Gibbs()).exactness_with({"model": one}) for one in (model, field("ngram")[0])]
    assert told == ["asymptotic", "biased"], "sweeps do not change a length"


def test_stochastic_approximation_finds_the_normalisers_up_to_a_constant():
    """θ held still: ζ of eight runs, and log Z by sums."""
    model, _ = field("ngram")
    sampler, direction = PersistentChains(1, 50, LengthJumps(2)), AugmentedApproximation(settle=400)
    batch = worlds.batch_of(ROWS[:8])

    def run(key):
        chain = sampler.init(key, {"model": model}, 8, batch)

        def step(i, state):
            zeta, chain = state
            parts = {"model": model.with_length_normalisers(zeta)}
            now = tick()._replace(key=jax.random.fold_in(key, i), step=i)
            draw, chain, _ = sampler.draw(now, parts, batch, chain)
            ascent, _, _ = direction.ascend(now, parts, batch, draw, None)
            return ascent.replace["model"].normalisers, chain

        return jax.lax.fori_loop(0, 1200, step, (jnp.zeros(3), chain))[0]

    found = np.asarray(draws(run, 8), np.float64)
    gaps = np.diff(found, axis=1) - np.diff(log_z("ngram"))
    error = gaps.std(0, ddof=1) / np.sqrt(8)
    assert np.all(error < 0.03)
    assert np.all(np.abs(gaps.mean(0)) < 4 * error + 0.005)
    told = approximated_normalisers(model.with_length_normalisers(jnp.asarray(found[0], jnp.float32)))
    # The most frequent length that can be summed is the second, and has its own sum.
    assert told[1] == pytest.approx(log_z("ngram")[1], abs=1e-4)
    assert np.allclose(np.diff(told), np.diff(found[0]), atol=1e-5)


def test_no_gradient_moves_the_normalisers_and_a_prior_pulls_at_the_rest():
    model, _ = field("ngram")
    batch, draw, parts = worlds.batch_of(ROWS[4:20]), {"particles": ROWS[::3]}, {"model": model}

    @eqx.filter_jit
    def both(parts):
        directions = (Contrastive(), AugmentedApproximation(penalty=0.1))
        return [direction.ascend(tick(), parts, batch, draw, None) for direction in directions]

    (plain, _, _), (ascent, _, info) = both(parts)
    assert not np.any(ascent.along["model"].normalisers)
    assert np.any(plain.along["model"].normalisers)
    pulled = jax.tree.map(lambda a, b: a - 0.1 * b, plain.along["model"].base.table, parameters(model).base.table)
    assert np.allclose(ascent.along["model"].base.table, pulled, atol=1e-6)
    shares = np.bincount(LENGTHS[::3], minlength=4)[1:] / len(LENGTHS[::3])
    moved = np.asarray(ascent.replace["model"].normalisers - model.normalisers)
    assert np.allclose(moved, shares - np.array(model.shares), atol=1e-5)  # The first gain is one.
    assert float(info["lengths_off"]) == pytest.approx(0.5 * np.abs(shares - np.array(model.shares)).sum(), abs=1e-5)


def test_annealing_finds_the_normaliser_of_each_length():
    model, _ = field("ngram")
    found = length_normalisers(model, method="ais", seed=3, chains=64, temperatures=60)
    for one, truth in zip(found, log_z("ngram"), strict=True):
        assert one.kind == "lower bound"
        assert abs(one.value - truth) < 4 * one.se
        assert one.se < 0.1


def test_chains_that_jump_find_the_normaliser_of_each_length_or_say_that_they_did_not():
    model, _ = field("ngram")
    found = length_normalisers(model, method="sa", seed=3, temperatures=2000)
    assert [one.kind for one in found] == ["consistent", "exact", "consistent"]
    for one, truth in zip(found, log_z("ngram"), strict=True):
        assert abs(one.value - truth) < max(4 * one.se, 1e-4)
        assert one.se < 0.03
    # So steep that hardly a chain comes to the shortest length, or leaves it.
    steep = eqx.tree_at(lambda one: one.function, model, jax.tree.map(lambda leaf: 60.0 * leaf, model.function))
    stuck = length_normalisers(steep, method="sa", seed=3, temperatures=2000)
    assert [one.failed for one in stuck] == [True, False, False]
    assert (
        "log Z of length 1 failed with 2000 steps of stochastic approximation: it was visited" in stuck[0].warnings[0]
    )
    with pytest.raises(InputError, match="stochastic approximation needs at least 16 chains"):
        length_normalisers(model, method="sa", chains=8)


def walked(rng, **changes):
    """What 16 groups of four chains over four lengths could have found."""
    lengths = rng.integers(1, 5, (16, 64, 4)).astype(float)
    good = {
        "zeta": np.array([0.0, 1.0, 3.0, 6.0]) + rng.normal(0.0, 0.02, (16, 4)),
        "shares": np.full((16, 4), 0.25),
        "lengths": lengths,
        "tilts": lengths + rng.normal(0.0, 1.0, lengths.shape),
    }
    return Walked(**{name: changes.get(name, lambda it: it)(good[name]) for name in good})


@pytest.mark.parametrize(
    ("changes", "which", "why"),
    [
        ({}, [], ""),
        ({"zeta": lambda it: np.where(it > 5, np.nan, it)}, [0, 1, 2, 3], "not finite"),
        ({"tilts": lambda it: it + 3.0 * (np.arange(16) % 2)[:, None, None]}, [0, 1, 2, 3], "R-hat of their tilt is "),
        ({"lengths": lambda it: np.sort(it, axis=1)}, [0, 1, 2, 3], "R-hat of their length is "),
        ({"shares": lambda it: it * [1.2, 1.2, 1.2, 0.4]}, [3], "visited 0.4 times as often"),
        ({"zeta": lambda it: it * np.linspace(0.5, 1.5, 16)[:, None]}, [3], "by a standard deviation of "),
        (
            {"zeta": lambda it: it + np.outer(np.arange(16) % 2, [0, 0, 0.2, 0])},
            [2],
            "and scattered ones disagree (5.",
        ),
    ],
)
def test_what_jumping_chains_say_of_a_length_is_not_always_believed(changes, which, why):
    told = length_walks.judged(walked(np.random.default_rng(5), **changes), (0, 2.0))
    assert [place for place, one in enumerate(told) if isinstance(one, str)] == which
    assert all(why in one for one in told if isinstance(one, str))
    for place, one in enumerate(told):
        if not isinstance(one, str):
            assert one.value == pytest.approx(2.0 + [0, 1, 3, 6][place], abs=0.02)


def test_many_lengths_want_many_draws_of_them():
    def twice(it):
        return it.repeat(2, axis=1)

    many = walked(np.random.default_rng(5), zeta=lambda it: np.zeros((16, 120)), lengths=twice, tilts=twice)
    assert "mix slowly (they are worth " in (length_walks.unmixed(many) or "")
    assert length_walks.unmixed(many._replace(zeta=np.zeros((16, 4)))) is None


@pytest.mark.parametrize("network", ["bigram", "lstm"])
def test_a_language_model_has_a_mass_of_one_and_draws_follow_it(network):
    model = worlds.made(LanguageModel(network, width=3, embedding=2), SPEC, spread=0.7)
    log_p = np.asarray(jax.jit(jax.vmap(model.log_prob))(ROWS), np.float64)
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-5)
    assert surprise(places(draws(model.sample, 20_000)), log_p) > 1e-3
    windows = worlds.made(LanguageModel(network, width=3, embedding=2), WINDOWS, spread=0.7)
    every = jnp.array(list(itertools.product(range(3), repeat=3)), jnp.int32)
    assert float(jnp.sum(jnp.exp(jax.jit(jax.vmap(windows.log_prob))(every)))) == pytest.approx(1.0, abs=1e-5)


def test_a_temperature_is_the_power_of_each_conditional():
    """Of a bigram model a table divided by it has that law; at nought each symbol is the likeliest after its last."""
    model = worlds.made(LanguageModel("bigram"), SPEC, spread=1.0)
    cold = eqx.tree_at(lambda model: model.table, model, model.table / 0.5)
    log_p, warm = (np.asarray(jax.jit(jax.vmap(one.log_prob))(ROWS), np.float64) for one in (cold, model))
    given = places(draws(lambda key: model.spoken(key, 0.5), 20_000))
    assert surprise(given, log_p) > 1e-3
    assert surprise(given, warm) < 1e-6
    assert SPEC.marks is not None
    (row,) = np.unique(np.asarray(draws(lambda key: model.spoken(key, 0.0), 5)), axis=0)
    table, before = np.asarray(model.table), -1
    for place in range(model.places):
        following = np.array(table[before])
        following[-1] = -np.inf if place == 0 else following[-1]
        before = int(np.argmax(following))
        assert row[place] == (before if before < model.symbol_count else SPEC.marks[0])
        if before == model.symbol_count:
            break


def test_noise_for_a_field_of_sequences_is_a_language_model(key):
    parts = check(SequenceField(), NoiseContrastiveEstimation())
    assert isinstance(parts["noise"], ModelNoise)
    assert isinstance(parts["noise"].init(key, SPEC).density, LanguageModel)


def test_what_cannot_be_is_refused():
    options: dict[str, Any]
    for options in ({"network": "conv"}, {"reference": "trigram"}, {"order": 0}, {"width": 0}):
        with pytest.raises(InputError):
            SequenceField(**options)
    for options in ({"network": "gru"}, {"width": 0}):
        with pytest.raises(InputError):
            LanguageModel(**options)
    for options in ({"decay": 0.5}, {"settle": 0}, {"jumps": 0}, {"penalty": -1.0}):
        with pytest.raises(InputError):
            AugmentedSA(**options)
    model, _ = field("ngram")
    with pytest.raises(InputError, match="at least 16 chains"):
        length_normalisers(model, chains=2)
    with pytest.raises(InputError, match="RBM has no normaliser for each length"):
        approximated_normalisers(RBM())
    with pytest.raises(InputError, match="length 4 has"):
        summed_normaliser(model, 4)
