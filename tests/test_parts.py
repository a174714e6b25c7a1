"""Parts with two lives, optimisers that refuse what they cannot use, and rates that follow their schedules."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from reverie import noise
from reverie.errors import InputError
from reverie.parts import (
    Optimiser,
    Part,
    count_parameters,
    filled,
    keys_for,
    known,
    learned,
    merge,
    norm,
    option,
    options_of,
    parameters,
)
from tests import worlds


class Plane(Part):
    """A part with one field of each role."""

    width: int = option(3)
    size: int = known()
    weight: Any = learned()
    places: Any = learned()

    def init(self, key, spec, model=None):
        weight = jax.random.normal(key, (spec.size, self.width))
        return filled(self, size=spec.size, weight=weight, places=jnp.arange(self.width))


def test_a_part_is_blank_until_it_is_filled():
    blank = Plane(width=2)
    assert jax.tree.leaves(blank) == []
    assert options_of(blank) == {"width": 2}
    part = blank.init(noise.make_key(0), worlds.BINARY.spec)
    assert options_of(part) == {"width": 2}
    assert (part.size, part.weight.shape) == (4, (4, 2))
    assert blank.weight is None
    assert blank.unsuited(worlds.BINARY.spec) is None


def test_parameters_are_the_floating_point_leaves():
    part = Plane(width=2).init(noise.make_key(0), worlds.BINARY.spec)
    moved = parameters(part)
    assert moved.places is None
    assert moved.weight is part.weight
    assert count_parameters(part) == 8
    assert count_parameters({"a": part, "b": jnp.ones(3), "c": "word", "d": jnp.ones(3, bool)}) == 11


def test_the_norm_is_over_all_leaves():
    assert float(norm({"a": jnp.array([3.0]), "b": (jnp.array([[4.0]]), None)})) == pytest.approx(5.0)
    assert float(norm({})) == 0.0


def test_each_name_has_a_key_of_its_own():
    keys = keys_for(noise.make_key(0), ["model", "critic", "inference"])
    words = {tuple(np.asarray(jax.random.key_data(key))) for key in keys.values()}
    assert len(words) == 3
    again = keys_for(noise.make_key(0), ["model"])
    assert np.array_equal(jax.random.key_data(again["model"]), jax.random.key_data(keys["model"]))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rate": 0.0}, "learning rate must be positive and finite, not 0.0"),
        ({"rate": -1e-3}, "learning rate must be positive"),
        ({"rate": float("nan")}, "learning rate must be positive"),
        ({"rate": float("inf")}, "learning rate must be positive and finite"),
        ({"warmup": -1}, "warmup must not be negative"),
        ({"half": 0}, "half must be at least 1"),
        ({"clip": 0.0}, "clip must be positive, not 0.0"),
        ({"clip": float("nan")}, "clip must be positive"),
        ({"momentum": 1.0}, r"momentum must lie in \[0, 1\), not 1.0"),
        ({"momentum": -0.1}, "momentum must lie in"),
        ({"momentum": float("nan")}, "momentum must lie in"),
        ({"decay": -1.0}, "decay must not be negative"),
        ({"decay": float("nan")}, "decay must not be negative"),
    ],
    ids=str,
)
def test_settings_that_no_optimiser_can_use_are_refused(settings, said):
    with pytest.raises(InputError, match=said) as refusal:
        Optimiser(**settings).check()
    assert "\n" not in str(refusal.value)
    with pytest.raises(InputError, match=said):
        Optimiser(**settings).build(100)
    with pytest.raises(InputError, match=said):
        merge(Optimiser(), settings)


def test_an_optimiser_is_changed_by_fields_checked_for_type():
    assert merge(Optimiser(rate=0.5, name="sgd"), {"clip": 2}) == Optimiser(name="sgd", rate=0.5, clip=2.0)
    assert merge(Optimiser(), {"rate": "0.01", "schedule": "cosine"}) == Optimiser(rate=0.01, schedule="cosine")
    for changes in ({"rate": "fast"}, {"name": "adagrad"}, {"speed": 1}, {"schedule": "step"}):
        with pytest.raises(InputError, match="the optimiser's settings are off") as refusal:
            merge(Optimiser(), changes)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_schedule_that_ends_must_know_when(schedule):
    with pytest.raises(InputError, match=f"the {schedule} schedule needs a number of steps or epochs"):
        Optimiser(schedule=schedule).learning_rate(None)
    rate = Optimiser(rate=0.2, schedule=schedule).learning_rate(100)
    assert float(rate(0)) == pytest.approx(0.2)
    assert float(rate(50)) == pytest.approx(0.1)
    assert float(rate(100)) == pytest.approx(0.0, abs=1e-8)


def test_the_robbins_monro_schedule_falls_like_one_over_t():
    rate = Optimiser(rate=0.2, schedule="robbins-monro", half=50).learning_rate(None)
    assert [float(rate(t)) for t in (0, 50, 150)] == pytest.approx([0.2, 0.1, 0.05])


def test_warmup_rises_from_nothing_and_hands_over():
    rate = Optimiser(rate=0.2, warmup=10, schedule="linear").learning_rate(110)
    assert [float(rate(t)) for t in (0, 5, 10, 60, 110)] == pytest.approx([0.0, 0.1, 0.2, 0.1, 0.0], abs=1e-7)
    # A warmup as long as the run leaves nothing to fall.
    assert float(Optimiser(rate=0.2, warmup=10, schedule="cosine").learning_rate(5)(4)) == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("settings", "reference"),
    [
        ({"name": "adam"}, optax.adam(0.1)),
        ({"name": "adam", "momentum": 0.5}, optax.adam(0.1, b1=0.5)),
        ({"name": "adamw", "decay": 0.3}, optax.adamw(0.1, weight_decay=0.3)),
        ({"name": "sgd"}, optax.sgd(0.1)),
        ({"name": "sgd", "momentum": 0.9}, optax.sgd(0.1, momentum=0.9)),
        ({"name": "rmsprop"}, optax.rmsprop(0.1)),
        ({"name": "sgd", "clip": 0.5}, optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1))),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_an_optimiser_is_the_one_of_optax(settings, reference):
    one, start = Optimiser(rate=0.1, **settings).build(None), {"a": jnp.array([1.0, -2.0])}
    states = [one.init(start), reference.init(start)]
    points = [start, start]
    for step in range(4):
        for i, transform in enumerate((one, reference)):
            along = jax.tree.map(lambda leaf: jnp.cos(leaf + step), points[i])  # noqa: B023
            updates, states[i] = transform.update(along, states[i], points[i])
            points[i] = eqx.apply_updates(points[i], updates)
    np.testing.assert_allclose(points[0]["a"], points[1]["a"], rtol=1e-6)
    assert np.any(points[0]["a"] != start["a"])
