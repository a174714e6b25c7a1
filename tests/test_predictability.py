"""Predictability minimisation: its game against numpy, and a code that becomes factorial."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.auxiliaries import Predictor
from reverie.capabilities import Latent
from reverie.directions import PredictorsDown, UnpredictableCode
from reverie.directions.predictability import expected_code
from reverie.errors import InputError
from reverie.inference import SigmoidBeliefPosterior
from reverie.learners import PredictabilityMinimisation
from reverie.loop import Loop
from reverie.models import VAE, SigmoidBeliefNet
from reverie.pairing import check, fill, missing
from reverie.parts import Optimiser
from tests import worlds
from tests.measuring import along, label, tick

SPEC = worlds.BINARY.spec
X = worlds.states(4)[[3, 8, 13]]
BATCH = worlds.batch_of(X)


@pytest.fixture(scope="module")
def parts():
    """A net of two layers, a posterior, and predictors of the top one, all far from where they start."""
    blanks = check(SigmoidBeliefNet((3, 4)), PredictabilityMinimisation(), {"predictor": Predictor(width=5)})
    return {name: worlds.scattered(part, 4, 0.6) for name, part in fill(blanks, noise.make_key(1), SPEC).items()}


def sigmoid(a):
    return 1 / (1 + np.exp(-np.asarray(a, np.float64)))


def units(parts):
    """The probabilities of both blocks, with numpy."""
    y, blocks = X.astype(float), []
    for step in parts["inference"].layers:
        y = sigmoid(y @ np.asarray(step.layers[0].weight) + np.asarray(step.layers[0].bias))
        blocks.append(y)
    return blocks


def errors(predictor, y):
    """Σ_i (P_i(y_{−i}) − y_i)², the mean over the rows, with a loop over the units."""
    total = 0.0
    for row in y:
        for i in range(len(row)):
            rest = [j for j in range(len(row)) if j != i]
            into = np.asarray(predictor.into)[i]
            hidden = np.tanh(row[rest] @ into[rest] + np.asarray(predictor.hidden_bias)[i])
            guess = sigmoid(hidden @ np.asarray(predictor.out)[i] + np.asarray(predictor.bias)[i])
            total += (guess - row[i]) ** 2
    return total / len(y)


def test_the_expected_code_is_the_probabilities_layer_by_layer(parts):
    found = jax.vmap(lambda x: expected_code(parts["inference"], parts["model"].latents, x))(X)
    for a, b in zip(found, units(parts), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
    categories = expected_code(Even(), (Latent("categories", 2, 3),), X[0])
    np.testing.assert_allclose(categories[0], np.full((2, 3), 1 / 3), rtol=1e-5)


class Even(eqx.Module):
    """A posterior of equal levels."""

    def code_logits(self, x, below):
        return jnp.zeros((2, 3))


def test_no_unit_is_predicted_from_itself(parts):
    reads = jax.jacobian(parts["predictor"].predictions)(jnp.array([0.2, 0.9, 0.4, 0.6]))
    assert np.all(np.diagonal(reads) == 0.0)
    assert np.all(np.asarray(reads)[~np.eye(4, dtype=bool)] != 0.0)


def test_the_players_go_along_one_value_in_opposite_ways(parts):
    """Along each, the slope of the value by numpy, from differences in a random direction of the part."""
    top = units(parts)[-1]
    _, _, said = jax.jit(lambda: PredictorsDown().ascend(tick(), parts, BATCH, {}, None))()
    assert float(said["prediction_error"]) == pytest.approx(errors(parts["predictor"], top), rel=1e-4)
    assert float(said["unpredicted"]) == pytest.approx(errors(parts["predictor"], top) / top.var(0).sum(), rel=1e-3)

    joints = jax.jit(lambda model, codes: jnp.mean(jax.vmap(model.log_joint)(X, codes)))

    def value(parts, strength):
        y = units(parts)
        return float(joints(parts["model"], tuple(map(jnp.float32, y)))) + strength * errors(parts["predictor"], y[-1])

    both = lambda: along(UnpredictableCode(3.0), parts, BATCH, {}) | along(PredictorsDown(), parts, BATCH, {})
    given = jax.jit(both)()

    def differences(name, strength):
        way = worlds.scattered(jax.tree.map(jnp.zeros_like, parts[name]), 9, 1.0)
        ends = [jax.tree.map(lambda a, b, e=e: a + e * b, parts[name], way) for e in (0.005, -0.005)]
        above, below = (value(parts | {name: end}, strength) for end in ends)
        return way, (above - below) / 0.01

    for name, strength, sign in (("model", 3.0, 1), ("inference", 3.0, 1), ("predictor", 1.0, -1)):
        way, expected = differences(name, strength)
        pairs = zip(jax.tree.leaves(given[name]), jax.tree.leaves(way), strict=True)
        assert sum(float(np.vdot(a, b)) for a, b in pairs) == pytest.approx(sign * expected, rel=0.03)


def fitted(raw):
    """The units of every row after training, and what the last steps said."""
    learner = PredictabilityMinimisation()
    given = {"inference": SigmoidBeliefPosterior(hidden=(12,)), "predictor": Predictor(width=8)}
    parts = fill(
        check(SigmoidBeliefNet((2,), hidden=(12,)), learner, given), noise.make_key(4), worlds.binary(columns=6).spec
    )
    quick = {name: Optimiser(rate=rate) for name, rate in (("model", 3e-3), ("inference", 3e-3), ("predictor", 1e-2))}
    loop = Loop(learner, worlds.rows_of(raw), worlds.BINARY.measure, noise.make_key(0), batch=100, optimisers=quick)
    state, _ = loop.advance(loop.start(parts), 1000)
    state, info = loop.advance(state, 1000)
    inference, latents = state.parts["inference"], state.parts["model"].latents
    (y,) = jax.jit(jax.vmap(lambda x: expected_code(inference, latents, x)))(raw)
    return np.asarray(y), {name: value / 1000 for name, value in info.items()}


def test_the_code_becomes_factorial():
    """Two independent bits, seen twice and combined, become the two units: binary, one for each of the four rows.

    Nothing is then left to predict, and the log joint is the bound, here the negative entropy of the rows.
    """
    rng = np.random.default_rng(0)
    a, b = rng.random(600) < 0.5, rng.random(600) < 0.4
    raw = np.stack([a, a, b, b, a ^ b, a & b], axis=1)
    y, info = fitted(raw)
    assert np.abs(y - np.round(y)).max() < 0.05
    assert len(np.unique(np.round(y) @ [2, 1])) == 4
    assert abs(np.corrcoef(y.T)[0, 1]) < 0.1
    assert info["unpredicted"] == pytest.approx(1.0, abs=0.05)
    share = np.bincount(a * 2 + b) / 600
    assert info["log_joint"] == pytest.approx(np.sum(share * np.log(share)), abs=0.05)


def test_predictors_serve_codes_of_bits():
    assert Predictor().unserving(VAE()) == "a predictor serves codes of bits, not reals"
    assert missing(VAE(), PredictabilityMinimisation()) == {"model": ("HasRelaxedJoint",)}


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (Predictor, {"width": 0}),
        (PredictabilityMinimisation, {"strength": -1.0}),
        (PredictabilityMinimisation, {"predictor_steps": 0}),
    ],
    ids=label,
)
def test_options_that_describe_nothing_are_refused(make, options):
    with pytest.raises(InputError) as refusal:
        make(**options)
    assert "\n" not in str(refusal.value)
