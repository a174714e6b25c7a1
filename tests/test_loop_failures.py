"""What is not finite stops the run, is named, and leaves the last good state."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.learners import GAN
from reverie.loop import Loop, NonFiniteError
from reverie.parts import Optimiser, parameters
from tests import worlds
from tests.dots import Along, Dot, Outright, dot_loop, learner_of, values


@pytest.mark.parametrize(("direction", "named"), [(Along, "model"), (Outright, "model")])
@pytest.mark.parametrize("bad", [0, 1, 6])
def test_a_value_that_is_not_finite_stops_the_run_and_what_was_good_is_kept(direction, named, bad):
    loop, state = dot_loop(direction(bad), Optimiser("adam", rate=0.1))
    twin, good = dot_loop(direction(), Optimiser("adam", rate=0.1))
    if bad:
        good, _ = twin.advance(good, bad)
    with pytest.raises(NonFiniteError) as stop:
        loop.advance(state, 9)
    assert (stop.value.step, stop.value.part) == (bad, named)
    assert f"the direction of {named!r} was not finite at step {bad}" in str(stop.value)
    assert "\n" not in str(stop.value)
    assert int(stop.value.state.step) == bad
    assert jax.tree.leaves(stop.value.state)
    assert all(
        np.asarray(a).tobytes() == np.asarray(b).tobytes()
        for a, b in zip(jax.tree.leaves(stop.value.state), jax.tree.leaves(good), strict=True)
    )


def test_a_part_that_overflows_along_a_finite_direction_stops_the_run_too():
    """A rate of 3e38 moves it by more than a float32 holds; what is kept is the state before."""
    loop, state = dot_loop(optimiser=Optimiser("sgd", rate=3e38))
    with pytest.raises(NonFiniteError) as stop:
        loop.advance(state, 9)
    assert stop.value.step == 0
    assert np.all(values(stop.value.state) == 0.0)


def test_a_part_that_is_set_outright_is_named_when_it_is_not_finite():
    """Though it is not the model, and no gradient moves it."""
    rows, measure, spec = worlds.BINARY
    dot = Dot().init(noise.make_key(0), spec)
    loop = Loop(learner_of(Outright(2, "critic")), rows, measure, noise.make_key(0))
    with pytest.raises(NonFiniteError) as stop:
        loop.advance(loop.start({"model": dot, "inference": dot, "critic": dot}), 5)
    assert (stop.value.step, stop.value.part) == (2, "critic")


def test_a_failure_in_a_later_call_counts_steps_from_the_beginning():
    loop, state = dot_loop(Along(bad=5))
    state, _ = loop.advance(state, 4)
    with pytest.raises(NonFiniteError) as stop:
        loop.advance(state, 4)
    assert stop.value.step == 5
    np.testing.assert_allclose(values(stop.value.state)[0], 0.1 * 15, rtol=1e-6)


def test_the_part_that_failed_first_is_named():
    critic = Optimiser("sgd", rate=1.0)
    loop = worlds.loop_for("generator", GAN(), optimisers={"critic": critic})
    parts = worlds.parts_for("generator", "gan")
    broken = jax.tree.map(lambda leaf: leaf.at[(0,) * leaf.ndim].set(jnp.nan), parameters(parts["critic"]))
    parts["critic"] = eqx.combine(broken, parts["critic"])
    with pytest.raises(NonFiniteError) as stop:
        loop.advance(loop.start(parts), 3)
    assert (stop.value.step, stop.value.part) == (0, "critic")
