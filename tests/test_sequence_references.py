"""Fields of sequences on top of a language model: what that proposes, and learning by telling it from data.

All against lists of every line of three symbols at three places.
"""

import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.data import Leaf, Spec
from reverie.directions import Likelihood, ReferenceContrast
from reverie.errors import InputError
from reverie.estimate import Estimate
from reverie.evaluation import lengths
from reverie.evaluation.lengths import _placed, length_normalisers, summed_normaliser
from reverie.evaluation.reference_weights import scattered_lengths, total_normaliser, weighed, weighted_normalisers
from reverie.learners import ReferenceNCE
from reverie.models import RBM, SequenceField
from reverie.runs import heldout
from reverie.runs.heldout import _log_z
from reverie.samplers import LengthJumps, NoiseRows
from reverie.samplers.kernel import Chains, move_all
from tests import worlds
from tests.measuring import draws, errors_off, surprise, tick
from tests.test_sequence_fields import LENGTHS, LINES, PLACE, ROWS, SHARES, SPEC, places
from tests.test_sequence_fields import field as tabled

FIELD = SequenceField(reference="lstm", order=2, room=40, width=3, embedding=2)


@functools.cache
def field() -> Any:
    """A field whose ζ are wrong, the log density of its reference and its tilt, at every line."""
    model = worlds.made(FIELD, SPEC, spread=0.6)

    @jax.jit
    def both(rows):
        return jax.vmap(model.log_base)(rows), jax.vmap(model.tilt)(rows)

    return model, *(np.asarray(one, np.float64) for one in both(ROWS))


def log_z():
    """log Z of each length, by a sum."""
    model, log_base, tilt = field()
    told = log_base + tilt - np.log(np.array(model.shares))[LENGTHS - 1] + np.asarray(model.normalisers)[LENGTHS - 1]
    return np.array([scipy.special.logsumexp(told[length == LENGTHS]) for length in (1, 2, 3)])


def test_a_language_model_that_is_told_the_length_has_its_share_at_each_and_draws_follow_it():
    """Three symbols are in two classes, the second of which is not full."""
    model, log_base, tilt = field()
    assert model.base.out.biases.shape == (2, 2)
    for length, share in zip((1, 2, 3), SHARES, strict=True):
        assert np.exp(log_base[length == LENGTHS]).sum() == pytest.approx(share, abs=1e-4)
    assert surprise(places(draws(model.base_sample, 20_000)), log_base) > 1e-3
    u = np.asarray(jax.jit(jax.vmap(model.potential))(ROWS))
    assert np.allclose(u, log_base + tilt, atol=1e-5)


def test_what_it_proposes_for_a_place_is_what_it_says_after_those_before():
    """So that the proposals of a line's places, one after another, have the line's density."""
    model, log_base, _ = field()

    @jax.jit
    def said(row):
        return jax.vmap(lambda place: jax.nn.log_softmax(model.symbol_logits(row, place)))(jnp.arange(3))

    for line in LINES[::4]:
        row = ROWS[LINES.index(line)]
        total = sum(float(said(row)[place, symbol]) for place, symbol in enumerate(line))
        assert total + np.log(SHARES[len(line) - 1]) == pytest.approx(log_base[LINES.index(line)], abs=1e-3)
        # What stands there now is of no matter.
        other = row.at[len(line) - 1].set((row[len(line) - 1] + 1) % 3)
        assert np.allclose(said(row)[len(line) - 1], said(other)[len(line) - 1], atol=1e-6)


def test_jumps_and_sweeps_by_its_proposals_leave_the_field_as_it_was():
    model, log_base, tilt = field()
    log_p = log_base + tilt - np.logaddexp.reduce(log_base + tilt)
    first = np.random.default_rng(2).choice(len(log_p), 20_000, p=np.exp(log_p))

    @jax.jit
    def run(x):
        return move_all(LengthJumps(jumps=4), noise.make_key(4), model, Chains(x, None), 1)[0].x

    once = places(run(ROWS[first]))
    assert np.mean(once == first) < 0.6
    assert surprise(once, log_p) > 1e-3


def test_draws_of_the_reference_find_the_normaliser_of_each_length(monkeypatch):
    model, *_ = field()
    for one, truth in zip(weighted_normalisers(model, seed=5, draws=2048), log_z(), strict=True):
        assert one.kind == "lower bound"
        assert (one.ess or 0.0) > 32
        assert 1e-6 < one.se < 0.1
        assert abs(one.value - truth) < 4 * one.se
    both = total_normaliser(model, seed=5, draws=2048)
    _, log_base, tilt = field()
    assert abs(both.value - np.logaddexp.reduce(log_base + tilt)) < 4 * both.se
    assert 1e-6 < both.se < 0.05
    # What has too many lines for a sum is held out by it; this one has few.
    assert _log_z(model).kind == "exact"
    monkeypatch.setattr(heldout, "sums_out", lambda model: False)
    assert _log_z(model) == total_normaliser(model)


def test_rows_that_the_reference_hardly_draws_are_found_by_chains_of_the_field():
    """A trigram that is wanted again and again, on top of even odds: 65,536 lines, whose sum is known."""
    leaf = Leaf("categorical", 8, levels=4, counts=(4,) * 8)
    blank = SequenceField(reference="uniform", order=3, room=2**10)
    made = blank.init(noise.make_key(0), Spec({"categorical": leaf}, text=True))
    for weight, believed in ((0.4, True), (1.8, False)):
        tables = tuple(jnp.zeros_like(table) for table in made.function.tables)
        wanted = (*tables[:2], tables[2].at[0].set(weight))
        model = eqx.tree_at(lambda one: one.function.tables, made, wanted)
        truth = summed_normaliser(model, 8)
        (alone,), (looked,) = (weighted_normalisers(model, seed=5, draws=256, chains=chains) for chains in (0, 128))
        assert looked.failed is not believed
        if believed:
            assert looked == alone
            assert abs(looked.value - truth) < 4 * looked.se
        else:
            assert truth - alone.value > 4 * alone.se, "nothing else tells of it"
            assert "chains of the field end at rows whose weight is above any that was drawn" in looked.warnings[0]
    with pytest.raises(InputError, match="and chains >= 0, not 1024 and -1"):
        weighted_normalisers(made, chains=-1)


def test_rows_are_scattered_among_those_of_their_own_length():
    model, _ = tabled("ngram")
    rows = np.asarray(scattered_lengths(model, noise.make_key(2), jnp.array([2, 3]), 200)).reshape(2, 200, -1)
    for length, some in zip((2, 3), rows, strict=True):
        assert np.all(np.sum(some < 3, axis=1) == length)
        alike = np.all(some[:, 1:length] == some[:, :1], axis=1)
        assert alike[-50:].mean() > 0.7 > alike[:50].mean() + 0.2
        assert len(np.unique(some[-50:, 0])) == 3


def test_a_share_that_chance_would_have_is_no_mode_that_was_missed():
    log_w = np.random.default_rng(3).normal(0.0, 1.0, 1024)
    top, below = log_w.max() + 1.0, np.full(118, log_w.max() - 1.0)
    assert not weighed(log_w, np.append(below, [top] * 3), 5).failed
    assert weighed(log_w, np.append(below, [top] * 20), 5).failed
    assert not weighed(log_w, np.array([top, -1.0]), 5).failed
    assert weighed(log_w, np.full(3, top), 5).failed
    assert weighed(log_w, np.full(3, np.nan), 5).failed


def test_weights_that_one_draw_carries_are_refused_and_annealing_takes_their_place(monkeypatch):
    """Weights ten times as steep in their logarithm, on top of bigrams."""
    model, _ = tabled("ngram")
    sharp = dataclasses.replace(model, function=jax.tree.map(lambda table: 10.0 * table, model.function))
    found = weighted_normalisers(sharp, draws=256)
    assert [one.failed for one in found] == [False, True, True]
    assert "ESS" in found[2].warnings[0]
    asked = []

    def annealed(model, key, again, chains, temperatures):
        asked.append(again)
        return dict.fromkeys(again, Estimate(1.0, 0.1, "lower bound"))

    monkeypatch.setattr(lengths, "_tried", annealed)
    both = length_normalisers(sharp, draws=256)
    assert both[0] == found[0]
    assert [one.value for one in both[1:]] == [1.0, 1.0]
    assert asked == [[2, 3]]


def test_the_ladder_of_all_lengths_is_placed_where_chains_of_one_length_differ():
    """A tilt that is steep within a length, and 20 a symbol on top, which moves lengths apart all along the path."""
    model, _ = tabled("ngram")
    tables = [6.0 * table for table in model.function.tables]
    tables[0] = tables[0] + 20.0
    sharp = dataclasses.replace(model, function=dataclasses.replace(model.function, tables=tuple(tables)))
    ladder = _placed(sharp, noise.make_key(1), jnp.array([1, 2, 3], jnp.int32), 16, 640)
    assert np.all(np.diff(ladder.knots) > 0)
    assert float(ladder.knots[16]) < 0.2


@eqx.filter_jit
def ascended(direction, model, x, rows, step):
    ascent, _, info = direction.ascend(tick(step=step), {"model": model}, worlds.batch_of(x), rows, None)
    return ascent.along["model"], info


def test_telling_data_from_the_reference_moves_the_tilt_and_the_likelihood_moves_the_reference():
    model, _, tilt = field()
    x, fake = ROWS[3:23], ROWS[jnp.array([[0] * 10 + [7] * 10, list(range(19, 39))])]
    along, info = ascended(ReferenceContrast(first=5, share=0.7), model, x, {"noise_rows": fake}, jnp.asarray(5))
    plain, _ = ascended(Likelihood(), Reference(model), x, {}, 0)
    for one, other in zip(jax.tree.leaves(along.base), jax.tree.leaves(plain.model.base), strict=True):
        assert np.allclose(one, other, atol=1e-6)
    # ζ: with G = t − ζ − log 2, σ(−G) of data and σ(G) of noise, by hand.
    tilts = np.concatenate([tilt[3:23], tilt[[PLACE[tuple(row)] for row in np.asarray(fake).reshape(40, -1).tolist()]]])
    odds = scipy.special.expit(tilts - np.log(2))
    of_each = np.concatenate([LENGTHS[3:23], LENGTHS[[0] * 10 + [7] * 10 + list(range(19, 39))]])
    each = np.where(np.arange(60) < 20, -0.7 * (1 - odds) / 20, 2.0 * odds / 40 - 0.3 * (1 - odds) / 40)
    assert np.allclose(along.normalisers, [each[of_each == length].sum() for length in (1, 2, 3)], atol=1e-6)
    log_odds = np.log(odds), np.log1p(-odds)
    value = 0.7 * log_odds[0][:20].mean() + 0.3 * log_odds[0][20:].mean() + 2 * log_odds[1][20:].mean()
    assert float(info["nce_value"]) == pytest.approx(value, abs=1e-5)
    first, info = ascended(ReferenceContrast(first=5, share=0.7), model, x, {"noise_rows": fake}, jnp.asarray(4))
    assert float(info["nce_value"]) == 0.0
    assert not any(np.any(leaf) for leaf in jax.tree.leaves((first.function, first.normalisers)))


class Reference(eqx.Module):
    """A field's reference as a model of its own."""

    model: Any

    def log_prob(self, x):
        return self.model.log_base(x)


def test_at_the_field_that_made_the_data_the_tilt_stands_still():
    """ζ = log Z_l: what tells draws of p from draws of r is log p/r, whatever the number of each."""
    model, log_base, tilt = field()
    true = model.with_length_normalisers(jnp.asarray(log_z(), jnp.float32))
    log_p = log_base + tilt + (np.asarray(model.normalisers) - log_z())[LENGTHS - 1]
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-5)
    sampler, direction, lines = NoiseRows(3), ReferenceContrast(), jnp.asarray(ROWS)

    def one(key):
        chosen = jax.random.categorical(key, jnp.asarray(log_p, jnp.float32), shape=(40,))
        now, batch = tick()._replace(key=key), worlds.batch_of(lines[:40])._replace(x=lines[chosen])
        batch = batch._replace(index=jnp.arange(40))
        draw, _, _ = sampler.draw(now, {"model": true}, batch, None)
        along = direction.ascend(now, {"model": true}, batch, draw, None)[0].along["model"]
        return along.normalisers, along.function.tables[0]

    found = draws(one, 400)
    for slope in found:
        assert errors_off(slope, np.zeros(slope.shape[1:])) < 4
        assert np.asarray(slope).std() > 1e-3


def test_rows_that_are_not_needed_yet_are_not_drawn():
    model, *_ = field()
    sampler, batch = NoiseRows(2, first=3), worlds.batch_of(ROWS)
    draw = jax.jit(lambda step: sampler.draw(tick(step=step), {"model": model}, batch, None)[0]["noise_rows"])
    assert not np.any(draw(2))
    assert np.any(draw(3))


def test_what_cannot_be_is_refused():
    options: dict[str, Any]
    for options in ({"noise": 0}, {"first": -1}, {"share": 0.0}):
        with pytest.raises(InputError):
            ReferenceNCE(**options)
    with pytest.raises(InputError, match="RBM has no normaliser for each length"):
        weighted_normalisers(RBM())
    with pytest.raises(InputError, match="at least one draw"):
        weighted_normalisers(field()[0], draws=0)
    options = {"method": "exact"}
    with pytest.raises(InputError, match="auto, importance, ais or sa"):
        length_normalisers(field()[0], **options)
