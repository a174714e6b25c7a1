"""Every model with latent variables can be asked all that evaluation asks: its kernels trace."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.capabilities import HasJointSample, HasLogJoint, Proposes, posterior_of
from reverie.evaluation.annealing_codes import unsuited
from reverie.evaluation.chunks import fingerprints
from reverie.evaluation.codes import codes_of_rows
from reverie.evaluation.gap import _optimised
from reverie.evaluation.paths import rows_forward
from reverie.models import MODELS
from reverie.pairing import usual
from tests import worlds

KEY = noise.make_key(0)
WITH_CODES = worlds.models_with(HasLogJoint)


@pytest.mark.parametrize("name", WITH_CODES)
def test_the_kernels_of_evaluation_trace(name):
    blank = worlds.blank(name)
    world = worlds.world_for(blank)
    inference = usual("inference", blank, (Proposes,))
    assert inference is not None
    rows = jax.tree.map(lambda leaf: np.asarray(leaf)[:3], world.rows.raw)
    pieces = (fingerprints(rows), rows)

    def every(key):
        model = blank.init(key, world.spec)
        parts = {"model": model, "inference": inference.init(key, world.spec, model)}
        found = [codes_of_rows(parts, world.measure, key, pieces, kept=2, closed=False)[0]]
        if isinstance(model, HasJointSample) and unsuited(model) is None:
            found.append(rows_forward(model, world.measure, key, jnp.linspace(0.0, 1.0, 3), 2, 1, pieces)[0])
            found.append(_optimised(model, posterior_of(parts), world.measure, key, 8, "factorised", pieces)[0])
        return found

    shapes = eqx.filter_eval_shape(every, KEY)
    assert [one.shape[0] for one in shapes] == [3] * len(shapes)


def test_there_are_models_to_ask():
    assert set(WITH_CODES) <= set(MODELS)
    assert {"vae", "sbn"} <= set(WITH_CODES)
