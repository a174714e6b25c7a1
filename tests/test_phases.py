"""Parts that take turns: the phases of variational EM, and the end of aggressive training."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from reverie import noise
from reverie.capabilities import HasPosterior, ReparameterisedProposal
from reverie.directions import (
    Alternating,
    Ascent,
    AutoBound,
    AutoElbo,
    Direction,
    LaggingElbo,
    MarginalElbo,
    ScoreFunction,
)
from reverie.directions.lagging import Lag, inference_due, model_due, mutual_information
from reverie.errors import InputError
from reverie.learners import ELBO, LaggingInference, VariationalEM
from reverie.parts import parameters
from reverie.samplers import BaseNoise, Importance, Tick
from tests import linear_gaussian, worlds
from tests.measuring import draws, errors_off, label
from tests.test_loop import same

MOVED = ("model", "inference")


def turns(loop, state, count):
    """For each of some steps the parts that moved."""
    told = []
    for _ in range(count):
        before = {name: [np.asarray(leaf) for leaf in jax.tree.leaves(parameters(state.parts[name]))] for name in MOVED}
        state, _ = loop.advance(state, 1)
        after = {name: jax.tree.leaves(parameters(state.parts[name])) for name in MOVED}
        changed = lambda name: any(np.any(a != b) for a, b in zip(before[name], after[name], strict=True))  # noqa: B023
        told.append("".join(name[0] for name in MOVED if changed(name)))
    return told, state


# ----------------------------------------------------------------------------------------------------- variational EM


@pytest.fixture(scope="module")
def alternating():
    learner = VariationalEM(e_steps=3, m_steps=2)
    return worlds.loop_for("vae", learner), worlds.parts_for("vae", learner)


def test_e_steps_and_m_steps_come_in_their_numbers(alternating):
    loop, parts = alternating
    told, _ = turns(loop, loop.start(parts), 12)
    assert told == ["i", "i", "i", "m", "m", "i", "i", "i", "m", "m", "i", "i"]


class Told(Direction):
    """Says the bounds of a script, one a step."""

    moves = ()
    uses = ()
    script: tuple[float, ...]

    def ascend(self, tick, parts, batch, draw, memory):
        return Ascent({}, {}), memory, {"elbo": jnp.asarray(self.script)[tick.step]}


def phases(direction, count):
    """Whether the model moves at each of some steps, by a direction's memory."""
    memory, told = direction.init(noise.make_key(0), {}), []
    for step in range(count):
        told.append(bool(memory.maximising))
        _, memory, _ = direction.ascend(Tick(noise.make_key(0), jnp.asarray(step)), {}, None, {}, memory)
    return told


def test_a_phase_ends_where_the_bound_stops_rising():
    """Windows of two steps: −10, −8 and −7.5 rise by 0.2 and 0.0625 of their size; the model's then by nothing."""
    script = (-9.0, -11.0, -8.0, -8.0, -7.0, -8.0, -9.0, -9.0, -9.0, -9.0, -50.0)
    direction = Alternating(Told(script), expect=100, maximise=100, tolerance=0.1, window=2)
    assert phases(direction, 11) == [False] * 6 + [True] * 4 + [False]


def test_a_phase_that_gains_enough_goes_on_to_its_number_of_steps():
    direction = Alternating(Told(tuple(np.exp(np.arange(12.0)))), expect=7, maximise=2, tolerance=0.1, window=2)
    assert phases(direction, 12) == [False] * 7 + [True] * 2 + [False] * 3
    # Without a tolerance nothing but the number counts.
    direction = Alternating(Told((-1.0,) * 12), expect=7, maximise=2, window=2)
    assert phases(direction, 12) == [False] * 7 + [True] * 2 + [False] * 3


def test_codes_of_any_kind_have_variational_em_by_the_score_function():
    learner = VariationalEM(gradient="score-function", samples=3)
    assert learner.direction == Alternating(ScoreFunction("others"))
    assert learner.sampler == Importance(3)
    assert learner.requires["inference"] == (HasPosterior,)
    by_noise = VariationalEM(gradient="reparameterised")
    assert by_noise.direction == Alternating(AutoElbo())
    assert by_noise.requires["inference"] == (ReparameterisedProposal,)
    alone = VariationalEM(gradient="score-function", samples=1)
    assert alone.direction == Alternating(ScoreFunction("none"))


@pytest.mark.parametrize(
    ("model", "sampler", "direction"),
    [
        ("vae", BaseNoise("inference", 2), AutoElbo()),
        ("gmvae", BaseNoise("inference", 2), MarginalElbo()),
        ("sbn", Importance(2), ScoreFunction("others")),
        ("product-mixture", Importance(2), ScoreFunction("others")),
    ],
    ids=str,
)
def test_the_parts_decide_by_which_estimator(model, sampler, direction):
    """The step of `auto` is the program of that estimator's."""
    learner = VariationalEM()
    batch = worlds.batch_of(worlds.world_for(worlds.blank(model)).rows.raw[:3])

    def program(sampler, direction):
        def step(parts, key):
            draw, _, _ = sampler.draw(Tick(key, jnp.zeros((), jnp.int32)), parts, batch, None)
            return direction.ascend(Tick(key, jnp.zeros((), jnp.int32)), parts, batch, draw, None)[0].along

        parts = worlds.shapes_for(model, "variational-em")
        arrays, static = eqx.partition(parts, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
        return str(
            jax.make_jaxpr(lambda arrays, key: step(eqx.combine(arrays, static), key))(arrays, jax.random.key(0))
        )

    assert learner.direction == Alternating(AutoBound())
    assert program(learner.sampler, AutoBound()) == program(sampler, direction)


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (VariationalEM, {"e_steps": 0}, "e_steps must be at least 1, not 0"),
        (VariationalEM, {"window": 0}, "window must be at least 1, not 0"),
        (VariationalEM, {"tolerance": -0.1}, "tolerance must be finite and not negative, or none, not -0.1"),
        (LaggingInference, {"inner": 0}, "inner must be at least 1, not 0"),
        (LaggingInference, {"every": -1}, "every must be at least 1, not -1"),
        (LaggingInference, {"samples": 0}, "samples must be at least 1, not 0"),
    ],
    ids=label,
)
def test_options_out_of_range_are_refused_in_one_line(assemble, options, said):
    with pytest.raises(InputError) as refusal:
        assemble(**options)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


# ---------------------------------------------------------------------------------------------------- lagging inference


def played(direction, bounds, information):
    """Who moves at each step, from scripts of bounds and of mutual information, step by step."""
    memory, told = direction.init(noise.make_key(0), {}), []
    after = jax.jit(direction.after)
    for elbo, found in zip(bounds, information, strict=True):
        due = (("m", model_due(jnp.asarray(0), memory)), ("i", inference_due(jnp.asarray(0), memory)))
        told.append("".join(name for name, moves in due if moves))
        memory = after(memory, jnp.float32(elbo), jnp.float32(found))
    return told, memory


def test_the_inference_model_moves_alone_until_the_bound_stops_rising():
    """Windows of two: −5, −4, −4 stop after six steps; −3 to −0.5 go on to the most that there may be, eight."""
    direction = LaggingElbo(inner=8, window=2, every=100)
    bounds = [-6, -4, -4, -4, -4, -4, 0, -3, -3, -2, -2, -1, -1, -0.5, -0.5, 0, -9]
    told, memory = played(direction, bounds, [1.0] * len(bounds))
    assert told == ["i"] * 6 + ["m"] + ["i"] * 8 + ["m"] + ["i"]
    assert bool(memory.aggressive)
    assert int(memory.moved) == 2


def test_aggressive_training_ends_when_the_mutual_information_stops_rising():
    """Looks at every second step of the model: 1.0, then 1.625 as the mean of 1.5 and 1.75, then 1.625 again."""
    direction = LaggingElbo(inner=1, window=1, every=2)
    found = [0.75, 1.25, 1.5, 1.75, 1.25, 2.0]
    information = [value for one in found for value in (100.0, one)] + [50.0] * 4
    told, memory = played(direction, [0.0] * len(information), information)
    assert told == ["i", "m"] * 6 + ["mi"] * 4
    assert float(memory.last) == 1.625
    # One look fewer, and it goes on.
    told, memory = played(direction, [0.0] * 10, information[:10])
    assert bool(memory.aggressive)


def test_the_first_look_ends_nothing():
    """An estimate of no information lies below nought as often as above: −0.5, then −0.75 ends it."""
    told, memory = played(LaggingElbo(inner=1, window=1, every=1), [0.0] * 6, [9.0, -0.5, 9.0, -0.75, 9.0, 9.0])
    assert told == ["i", "m"] * 2 + ["mi"] * 2
    assert float(memory.last) == -0.75


def test_the_mutual_information_is_that_of_the_batch():
    """One latent variable: E KL[q(h | x_i) ‖ 1/B Σ_j q(h | x_j)] by quadrature."""
    parts = linear_gaussian.filled(1)
    x = jnp.concatenate([3 * linear_gaussian.X, linear_gaussian.X - 1.0])
    moments = [linear_gaussian.moments(parts, row) for row in x]
    each = [scipy.stats.norm(float(mean[0]), float(np.exp(log_scale[0]))) for mean, log_scale in moments]
    total = lambda h: np.mean([one.pdf(h) for one in each])

    def gap(one):
        between = one.interval(1 - 1e-9)
        return scipy.integrate.quad(lambda h: one.pdf(h) * (one.logpdf(h) - np.log(total(h))), *between)[0]

    gaps = [gap(one) for one in each]
    batch = worlds.batch_of(x)

    def estimate(key):
        draw, _, _ = BaseNoise("inference").draw(Tick(key, jnp.asarray(0)), parts, batch, None)
        return mutual_information(parts, draw["noise"], x)

    assert np.mean(gaps) > 0.2
    assert errors_off(draws(estimate, 4000), np.mean(gaps)) < 4


@pytest.fixture(scope="module")
def lagging():
    learner = LaggingInference(inner=3, window=1, every=1)
    return worlds.loop_for("vae", learner), worlds.parts_for("vae", learner)


def test_parts_of_a_real_run_move_by_their_turns_and_then_together(lagging):
    loop, parts = lagging
    told, state = turns(loop, loop.start(parts), 40)
    end = told.index("mi")
    assert set(told[end:]) == {"mi"}
    assert set(told[:end]) == {"i", "m"}
    assert told[end - 1] == "m"
    assert not bool(state.memory.aggressive)
    lengths = [len(run) for run in "".join(told[:end]).split("m")[:-1]]
    assert all(2 <= length <= 3 for length in lengths)


def test_a_model_that_waits_is_left_out_and_nothing_else_changes(lagging):
    """Against a step that computes all directions and drops the model's; the norm told of it is nought meanwhile."""
    loop, parts = lagging
    static = eqx.partition(loop.start(parts), eqx.is_array)[1]
    inputs = loop._inputs(0, 8)

    @jax.jit
    def whole(arrays, i):
        state, info, _ = loop._step(eqx.combine(arrays, static), inputs, i)
        return eqx.filter(state, eqx.is_array), info["norm_model"]

    arrays = eqx.filter(loop.start(parts), eqx.is_array)
    state, waited = loop.start(parts), []
    for i in range(8):
        waits = not bool(model_due(state.step, state.memory))
        arrays, length = whole(arrays, jnp.asarray(i))
        state, info = loop.advance(state, 1)
        assert float(length) > 0
        assert info["norm_model"] == (0.0 if waits else pytest.approx(float(length), rel=1e-5))
        waited.append(waits)
    assert any(waited)
    assert not all(waited)
    for a, b in zip(jax.tree.leaves(arrays), jax.tree.leaves(eqx.filter(state, eqx.is_array)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_aggressive_training_weighs_the_divergence_as_the_elbo_learner_does():
    """One set of options, one weighting; what is told of the bound owes nothing to it, and no claim is made."""
    options: dict[str, Any] = {"beta": 0.5, "warmup": 4, "cycles": 3, "ramp": 0.4, "free_bits": 0.2}
    given, expected = LaggingInference(**options), ELBO(**options)
    assert (given.target, LaggingInference().target) == ({}, ELBO().target)
    with pytest.raises(InputError, match="ramp is a share of a cycle"):
        LaggingInference(ramp=0.0)
    parts = linear_gaussian.filled(1)
    batch = worlds.batch_of(linear_gaussian.X)
    draw, _, _ = BaseNoise("inference").draw(Tick(noise.make_key(1), jnp.asarray(3)), parts, batch, None)

    def at(direction):
        memory = direction.init(noise.make_key(0), parts)
        step = 3
        if isinstance(memory, Lag):  # Only steps of the model count.
            memory, step = memory._replace(moved=jnp.asarray(3)), 50
        return eqx.filter_jit(direction.ascend)(Tick(noise.make_key(1), jnp.asarray(step)), parts, batch, draw, memory)

    (one, _, told), (other, _, _), (plain, _, bare) = (
        at(learner.direction) for learner in (given, expected, LaggingInference())
    )
    assert same(parameters(one.along), parameters(other.along))
    assert not same(parameters(one.along), parameters(plain.along))
    assert float(told["elbo"]) == pytest.approx(float(bare["elbo"]), rel=1e-5)


def test_an_aggressive_run_may_be_cut_anywhere(lagging):
    """Before the end of aggressive training, at it, and after."""
    loop, parts = lagging
    whole, _ = loop.advance(loop.start(parts), 40)
    state = loop.start(parts)
    for count in (1, 2, 5, 9, 23):
        state, _ = loop.advance(state, count)
    assert same(state, whole)
