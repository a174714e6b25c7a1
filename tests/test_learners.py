"""Learners: values that know their name, their options and what they need."""

import inspect
import json

import jax
import numpy as np
import pytest

from reverie.capabilities import (
    Capability,
    HasJointSample,
    HasLogJoint,
    HasPosteriorDistribution,
    ReparameterisedProposal,
)
from reverie.directions import (
    ClosedElbo,
    CriticUp,
    Fisher,
    Join,
    MinimaxGenerator,
    NonSaturatingGenerator,
    SampledElbo,
    Weighting,
)
from reverie.errors import InputError
from reverie.inference import AuxiliaryPosterior
from reverie.learners import (
    ELBO,
    EM,
    GAN,
    IWAE,
    JSA,
    LEARNERS,
    VIMCO,
    ContrastiveDivergence,
    Learner,
    MaximumLikelihood,
    ReweightedWakeSleep,
    StochasticMaximumLikelihood,
    WakeSleep,
)
from reverie.learners.learner import named
from reverie.learners.target import Target
from reverie.pairing import check, make_learner
from reverie.parts import parameters
from reverie.samplers import BaseNoise, DataOnly, Importance
from tests import worlds


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_keeps_its_contract(name):
    learner = LEARNERS[name]()
    assert isinstance(learner, Learner)
    assert learner.name == name
    assert learner.reference
    assert "model" in learner.requires
    assert all(issubclass(need, Capability) for needs in learner.requires.values() for need in needs)
    assert set(learner.direction.moves) <= set(learner.requires)
    assert set(learner.direction.uses) <= set(learner.sampler.gives)
    assert set(learner.cadence) <= set(learner.direction.moves)
    assert all(callable(every) or every >= 1 for every in learner.cadence.values())
    assert set(learner.optimiser) <= set(learner.direction.moves)
    for optimiser in learner.optimiser.values():
        optimiser.check()
    assert learner.batch is None or learner.batch >= 1


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_knows_its_options_and_is_made_from_them_again(name):
    learner = LEARNERS[name]()
    defaults = {key: one.default for key, one in inspect.signature(LEARNERS[name]).parameters.items()}
    assert learner.options == defaults
    again = make_learner(name, json.loads(json.dumps(learner.options)))
    assert again == learner
    assert make_learner(LEARNERS[name].__name__) == learner


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (ELBO, {"samples": 0}, "samples must be at least 1, not 0"),
        (ELBO, {"beta": -1.0}, "beta must be finite and not negative"),
        (ELBO, {"beta": float("nan")}, "beta must be finite"),
        (ELBO, {"kl": "open"}, "option kl='open' cannot be used: choose auto or closed or sampled"),
        (IWAE, {"k": 0}, "k must be at least 1, not 0"),
        (IWAE, {"k": "many"}, "option k='many' cannot be used"),
        (JSA, {"moves": -3}, "moves must be at least 1, not -3"),
        (ReweightedWakeSleep, {"k": 0}, "k must be at least 1"),
        (ReweightedWakeSleep, {"wake_theta": False, "wake_phi": False}, "switched off moves nothing"),
        (ContrastiveDivergence, {"k": 0}, "k must be at least 1"),
        (StochasticMaximumLikelihood, {"particles": 0}, "particles must be at least 1"),
        (GAN, {"critic_steps": 0}, "critic_steps must be at least 1"),
        (GAN, {"loss": "hinge"}, "option loss='hinge' cannot be used"),
        (EM, {"ridge": -1e-9}, "ridge must be finite and not negative"),
        (EM, {"ridge": float("inf")}, "ridge must be finite"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else getattr(value, "__name__", ""),
)
def test_options_out_of_range_are_refused_in_one_line(assemble, options, said):
    with pytest.raises(InputError) as refusal:
        assemble(**options)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_words_are_options_too():
    assert LEARNERS["jsa"](moves="7") == JSA(7)
    assert LEARNERS["rws"](k="3", sleep_phi="true") == ReweightedWakeSleep(3, sleep_phi=True)
    assert JSA(moves=7).options == {"moves": 7, "cache_after": 0}


def test_the_form_of_the_divergence_says_what_is_needed():
    closed, sampled = ELBO("closed", beta=2.0), ELBO(kl="sampled", samples=3)
    assert closed.direction == ClosedElbo(Weighting(2.0))
    assert sampled.direction == SampledElbo()
    assert HasPosteriorDistribution in closed.requires["inference"]
    assert HasPosteriorDistribution not in sampled.requires["inference"]
    assert ReparameterisedProposal in sampled.requires["inference"]
    assert closed.sampler == BaseNoise("inference", 1)
    assert sampled.sampler == BaseNoise("inference", 3)


@pytest.mark.parametrize(
    ("switches", "moves", "gives"),
    [
        ({}, ("model", "inference"), ("codes",)),
        ({"wake_phi": False, "sleep_phi": True}, ("model", "inference"), ("codes", "dreams")),
        ({"wake_phi": False}, ("model",), ("codes",)),
        ({"wake_theta": False}, ("inference",), ("codes",)),
    ],
    ids=str,
)
def test_each_update_of_reweighted_wake_sleep_can_be_switched(switches, moves, gives):
    learner = ReweightedWakeSleep(3, **switches)
    assert learner.direction.moves == moves
    assert learner.sampler.gives == gives
    assert (HasJointSample in learner.requires["model"]) == ("dreams" in gives)
    assert HasLogJoint in learner.requires["model"]


def test_an_inference_model_that_rests_need_only_propose():
    """One with auxiliary variables has no density of a code."""
    model, given = worlds.blank("vae"), {"inference": AuxiliaryPosterior()}
    assert check(model, ReweightedWakeSleep(wake_phi=False), given)["inference"] == AuxiliaryPosterior()
    for moving in (ReweightedWakeSleep(), ReweightedWakeSleep(wake_phi=False, sleep_phi=True)):
        with pytest.raises(InputError, match="needs an inference part with HasPosterior; AuxiliaryPosterior has"):
            check(model, moving, given)


def test_wake_sleep_is_reweighted_wake_sleep_with_one_code_and_the_sleep_phase():
    """Bit for bit, over some steps."""
    ends = []
    for learner in (WakeSleep(), ReweightedWakeSleep(1, wake_phi=False, sleep_phi=True)):
        loop = worlds.loop_for("sbn", learner)
        state, _ = loop.advance(loop.start(worlds.parts_for("sbn", learner)), 3)
        ends.append([np.asarray(leaf) for leaf in jax.tree.leaves(parameters(state.parts))])
    assert all(np.array_equal(a, b) for a, b in zip(*ends, strict=True))


def test_the_options_of_a_gan():
    assert GAN().direction == Join((CriticUp(), NonSaturatingGenerator()))
    assert GAN(loss="minimax").direction == Join((CriticUp(), MinimaxGenerator()))
    assert GAN(critic_steps=5).cadence == {"model": 5}


def test_a_learner_whose_direction_wants_what_the_sampler_does_not_give_is_none():
    with pytest.raises(TypeError, match="the direction uses codes and the sampler gives"):
        Learner("", DataOnly(), Fisher(), {"model": ()})
    with pytest.raises(TypeError, match="the direction moves model, for which nothing is required"):
        Learner("", Importance(1), Fisher(), {"inference": ()})
    with pytest.raises(TypeError, match="a target is declared of inference, which the direction does not move"):
        Learner("", Importance(1), Fisher(), {"model": ()}, target={"inference": Target("elbo")})


def test_what_a_learner_estimates_depends_on_its_options():
    assert VIMCO(k=3).target == {"model": Target("bound", 3), "inference": Target("bound", 3)}
    assert ReweightedWakeSleep(4).target["model"].words == "bound of 4"
    assert ReweightedWakeSleep(1).target["model"] == Target("elbo")
    assert ReweightedWakeSleep(4).target["inference"].claim == "biased"
    assert ReweightedWakeSleep(wake_phi=False, sleep_phi=True).target["inference"] == Target("dreams")
    assert set(ReweightedWakeSleep(sleep_phi=True).target) == {"model"}
    assert set(ReweightedWakeSleep(wake_theta=False).target) == {"inference"}
    assert JSA().target["model"].same(MaximumLikelihood().target["model"])
    assert not ELBO(beta=2.0).target


def test_an_assembly_is_registered_by_its_name():
    assert LEARNERS["mle"] is MaximumLikelihood
    try:

        @named("of this test")
        def assemble(width: int = 3) -> Learner:
            return Learner("a test", Importance(width), Fisher(), {"model": ()})

        learner = make_learner("of this test", {"width": "5"})
        assert (learner.name, dict(learner.options)) == ("of this test", {"width": 5})
        assert learner.sampler == Importance(5)
        assert assemble is LEARNERS["of this test"]
    finally:
        del LEARNERS["of this test"]
