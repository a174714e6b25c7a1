"""The report of a model that is drawn from by chains shows where they go, and says when they do not mix."""

import io
import types

import numpy as np
import pytest
from PIL import Image

from reverie import noise
from reverie.data import load
from reverie.evaluation import Mixing
from reverie.models import RBM, GaussianMixture, GaussianRBM
from reverie.runs.chains import blocks_of, chains_of
from reverie.runs.pictures import draw_chains


def run_of(dataset, model):
    """All of a run that its chains are asked of."""
    parts = {"model": model.init(noise.make_key(0), dataset.spec)}
    config = types.SimpleNamespace(prng="counter")
    return types.SimpleNamespace(
        parts=parts, schema=dataset.schema, measure=dataset.measure, seed=0, config=config, model="rbm"
    )


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def chains(digits):
    return chains_of(run_of(digits, RBM(4)), digits)


def test_chains_of_pictures_are_shown_as_pictures(chains):
    said = "".join(blocks_of(chains))
    for words in ("Gibbs sweeps", "8 of 1,000 moves each", "nothing is refused", "R-hat of the potential"):
        assert words in said
    assert "<aside" not in said
    with Image.open(io.BytesIO(chains.png)) as image:
        assert (image.format, image.size[0]) == ("PNG", 2000)


def test_an_alarm_cannot_be_missed(chains):
    wrong = chains._replace(found=chains.found._replace(alarm="The chains do not mix.", r_hat=float("inf")))
    said = "".join(blocks_of(wrong))
    assert said.startswith('<aside class="warning" role="note"><p><strong>The chains do not mix.')
    assert "infinite: chains are stuck" in said


def test_rows_of_a_table_are_written_out():
    iris = load("iris")
    found = chains_of(run_of(iris, GaussianRBM(2)), iris)
    assert found is not None
    assert found.headings == ("chain", "moves", *(column.name for column in iris.schema.columns))
    assert len(found.lines) == 3 * len(found.found.times)
    assert found.headings[2] in "".join(blocks_of(found))
    assert chains_of(run_of(iris, GaussianMixture(2)), iris) is None


def test_points_are_shown_over_time():
    moons, rng = load("moons"), np.random.default_rng(0)
    rows = rng.normal(size=(3, 5, 2))
    found = Mixing(rows, (0, 5, 10), rng.normal(size=(5, 11)), "Gibbs sweeps", 0.7, 1.0, None, 30.0, "")
    png = draw_chains(moons.schema, found, list(rows), moons.test.raw, np.zeros(3))
    with Image.open(io.BytesIO(png)) as image:
        assert image.size[0] == 2000
