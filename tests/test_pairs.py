"""Every pair of a model and a learner: those that fit step, those that do not are refused with one sentence."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie.capabilities import capabilities_of, missing_from
from reverie.directions.direction import AnyDirection
from reverie.errors import InputError
from reverie.learners import LEARNERS
from reverie.models import MODELS
from reverie.pairing import MOST_NAMES, check, make_learner, matrix, missing, pairs, serving, supply
from reverie.parts import Optimiser, parameters
from tests import worlds

VERDICTS = matrix()
FITTING = [(v.model, v.learner) for v in VERDICTS if v.fits]
REFUSED = [(v.model, v.learner) for v in VERDICTS if not v.fits]


def covering(pairs):
    """Few pairs with each model and each learner in one at least: always the pair that covers most that is new."""
    left = {("model", model) for model, _ in pairs} | {("learner", learner) for _, learner in pairs}
    chosen = []
    while left:
        best = max(pairs, key=lambda pair: len(left & {("model", pair[0]), ("learner", pair[1])}))
        left -= {("model", best[0]), ("learner", best[1])}
        chosen.append(best)
    return chosen


COVERING = covering(FITTING)
OTHERS = [pair for pair in FITTING if pair not in COVERING]


def test_the_matrix_has_every_pair_once():
    seen = [(v.model, v.learner) for v in VERDICTS]
    assert seen == [(model, learner) for model in MODELS for learner in LEARNERS]
    assert all(v.fits == (not v.missing) for v in VERDICTS)


def test_every_model_and_every_learner_is_of_use():
    assert {model for model, _ in FITTING} == set(MODELS)
    assert {learner for _, learner in FITTING} == set(LEARNERS)


def test_the_covering_set_covers_with_few():
    assert {model for model, _ in COVERING} == set(MODELS)
    assert {learner for _, learner in COVERING} == set(LEARNERS)
    assert len(COVERING) <= len(MODELS) + len(LEARNERS) - 1
    assert set(COVERING) <= set(FITTING)


def test_pairs_are_given_as_json_knows_them():
    told = pairs().to_dict()
    assert told["models"] == list(MODELS)
    assert told["learners"] == list(LEARNERS)
    assert {"model": "realnvp", "learner": "jsa", "fits": False, "missing": ["HasLogJoint"]} in told["pairs"]
    assert {"model": "sbn", "learner": "jsa", "fits": True, "missing": []} in told["pairs"]


class Witness(eqx.Module):
    """A direction as it is, with a note of the parts that it sets outright."""

    direction: AnyDirection
    replaced: set[str] = eqx.field(static=True)
    moves: tuple[str, ...] = eqx.field(static=True)
    uses: tuple[str, ...] = eqx.field(static=True)

    def init(self, key, parts):
        return self.direction.init(key, parts)

    def ascend(self, tick, parts, batch, draw, memory):
        ascent, memory, info = self.direction.ascend(tick, parts, batch, draw, memory)
        assert set(ascent.along) == set(self.moves)
        self.replaced.update(ascent.replace)
        return ascent, memory, info


def witnessed(learner):
    """The learner with a witness for its direction, and the witness's notes."""
    notes: set[str] = set()
    direction = learner.direction
    return dataclasses.replace(learner, direction=Witness(direction, notes, direction.moves, direction.uses)), notes


def traced(loop, parts):
    """The step of a pair as a program: shapes before, shapes after, and which leaves come out as they went in."""
    before = eqx.filter_eval_shape(loop.start, parts)
    arrays, static = eqx.partition(before, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))

    def step(arrays, i):
        after, info, bad = loop.step(eqx.combine(arrays, static), loop._inputs(0, 1), i)
        return eqx.filter(after, eqx.is_array), info, bad

    program, (after, info, bad) = jax.make_jaxpr(step, return_shape=True)(arrays, jnp.zeros((), jnp.int32))
    count = len(jax.tree.leaves(arrays))
    same = [out is into for out, into in zip(program.jaxpr.outvars[:count], program.jaxpr.invars[:count], strict=True)]
    return arrays, after, info, bad, jax.tree.unflatten(jax.tree.structure(arrays), same)


@pytest.mark.parametrize(("model", "learner"), FITTING)
def test_a_fitting_pair_traces(model, learner):
    """No arithmetic: a step keeps every shape and type, and moves the parts that the direction names and no other.

    The plainest optimiser is the quickest to trace; those that learners choose are at work where pairs train.
    """
    watched, replaced = witnessed(make_learner(learner))
    plain = dict.fromkeys(watched.direction.moves, Optimiser("sgd"))
    loop, parts = worlds.loop_for(model, watched, optimisers=plain), worlds.shapes_for(model, learner)
    for name, needs in loop.learner.requires.items():
        assert missing_from(parts[name], needs) == ()
    before, after, info, bad, same = traced(loop, parts)
    assert worlds.alike(after, before)
    for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        assert (old.shape, old.dtype) == (new.shape, new.dtype)
    assert all(value.shape == () and value.dtype == jnp.float32 for value in jax.tree.leaves(info))
    assert bad.shape == ()
    moved = {name for name, leaves in same.parts.items() if not all(jax.tree.leaves(leaves))}
    assert moved == set(loop.moves) | replaced
    assert moved


def train(model, learner, steps=3):
    loop, parts = worlds.loop_for(model, learner), worlds.parts_for(model, learner)
    state, info = loop.advance(loop.start(parts), steps)
    moved = {}
    for name in loop.learner.direction.moves or ("model",):
        old, new = jax.tree.leaves(parameters(parts[name])), jax.tree.leaves(parameters(state.parts[name]))
        moved[name] = any(np.any(np.asarray(a) != np.asarray(b)) for a, b in zip(old, new, strict=True))
    # A part that moves by turns may still wait for its own.
    assert all(went or callable(loop.learner.cadence.get(name)) for name, went in moved.items()), moved
    assert any(moved.values())
    for leaf in jax.tree.leaves(parameters(state)):
        assert np.all(np.isfinite(leaf))
    assert all(np.isfinite(value) for value in info.values())


@pytest.mark.parametrize(("model", "learner"), COVERING)
def test_a_pair_of_the_covering_set_trains(model, learner):
    train(model, learner)


@pytest.mark.all_pairs
@pytest.mark.parametrize(("model", "learner"), OTHERS)
def test_every_other_pair_trains(model, learner):
    train(model, learner)


@pytest.mark.parametrize("model", MODELS)
def test_a_pair_that_does_not_fit_is_refused_in_one_sentence(model):
    part = worlds.blank(model)
    offered = serving(part)
    assert set(offered) == {other for name, other in FITTING if name == model}
    for learner in (other for name, other in REFUSED if name == model):
        refuses(part, learner, offered)


def refuses(part, learner, offered):
    """The sentence says what is missing, what came and what would serve."""
    with pytest.raises(InputError) as refusal:
        check(part, make_learner(learner))
    said = str(refusal.value)
    assert "\n" not in said
    assert said.startswith(f"{learner} needs ")
    role, names = next(iter(missing(part, make_learner(learner)).items()))
    came = supply(part, make_learner(learner))[role]
    assert all(name in said for name in names)
    assert came is None or f"{type(came).__name__} has {', '.join(capabilities_of(came))}" in said
    rest = "" if len(offered) <= MOST_NAMES else f" and {len(offered) - MOST_NAMES} more"
    assert said.endswith(f"Try: {', '.join(offered[:MOST_NAMES])}{rest}.")
