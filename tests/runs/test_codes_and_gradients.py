"""Pictures and sections about codes and gradients say what the figures say, and `gradients` takes runs and parts."""

import math
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

import reverie as rv
from reverie.cli.tables import collapse_facts
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation import Bounds, Collapse, GradientStatistics, Share
from reverie.evaluation.gradient_statistics import PartStatistics
from reverie.runs.page import joined
from reverie.runs.pictures import draw_codes, draw_gradients
from reverie.runs.pictures.canvas import ACCENT, DATA, MODEL
from reverie.runs.report import codes_of
from tests import worlds

NATS = Estimate(-3.0, 0.2, "lower bound", n=40, ess=3.0)


def split(*each: float) -> tuple[Share, ...]:
    return (Share("reals", len(each), NATS, each, (0.1,) * len(each)),)


def report(**changes: Any) -> Collapse:
    fields: dict[str, Any] = {
        "state": "healthy",
        "alarm": "",
        "advice": (),
        "active": 2,
        "size": 3,
        "activity": (0.5, 0.4, 0.0),
        "divergence": NATS,
        "blocks": split(1.5, 0.8, 0.001),
        "worth": NATS,
        "information": NATS,
        "information_above": failed("the densities of the codes are not finite"),
        "aggregate": NATS,
        "mmd2": NATS,
        "notes": (),
    }
    return Collapse(**(fields | changes))


def bounds(**changes: Any) -> Bounds:
    curve = ((1, NATS._replace(value=-4.0)), (10, NATS), (100, NATS._replace(value=-2.9)))
    return Bounds(NATS, NATS, NATS, curve)._replace(**changes)


def colours(png: bytes) -> dict[str, int]:
    """How many pixels have each of three colours."""
    seen = np.asarray(Image.open(BytesIO(png)).convert("RGB"))
    parts = {name: [int(name[i : i + 2], 16) for i in (1, 3, 5)] for name in (MODEL, DATA, ACCENT)}
    return {name: int((seen == np.array(rgb)).all(-1).sum()) for name, rgb in parts.items()}


def test_variables_that_are_not_active_have_another_colour():
    all_active = colours(draw_codes(report(activity=(0.5, 0.4, 0.3)), bounds()))
    two = colours(draw_codes(report(blocks=split(1.5, 0.8, 0.7)), bounds()))
    assert two[DATA] > all_active[DATA] + 1000
    assert two[MODEL] < all_active[MODEL]
    assert all_active[ACCENT] == 0
    doubtful = bounds(curve=(*bounds().curve[:2], (100, NATS._replace(warnings=("ESS 1.2 of 100",)))))
    assert colours(draw_codes(report(), doubtful))[ACCENT] > 0


@pytest.mark.parametrize(
    ("found", "bound"),
    [
        (report(blocks=None), None),
        (report(blocks=(Share("reals", 2, NATS, None, None), Share("bits", 1, NATS, (-0.1,), (0.1,)))), bounds()),
        (report(size=1, active=1, activity=(0.5,), blocks=split(0.0)), bounds(curve=((1, NATS),))),
        (report(size=300, activity=(0.1,) * 300, blocks=split(*(0.5,) * 300)), bounds()),
        (report(), bounds(curve=((1, failed("no")), (10, failed("no"))))),
    ],
)
def test_codes_of_every_kind_are_drawn(found, bound):
    assert draw_codes(found, bound).startswith(b"\x89PNG")


def test_the_alarm_is_in_the_page_with_what_to_try():
    alarmed = report(
        state="collapsed",
        alarm="The posterior has collapsed: 0 < 3",
        advice=("a & b, by `--c d`",),
        notes=("so it is",),
    )
    said = joined(codes_of(alarmed, b""))
    assert "<strong>The posterior has collapsed: 0 &lt; 3</strong>" in said
    assert "<li>a &amp; b, by <code>--c d</code></li>" in said
    assert "So it is." in said
    assert "not finite" in said
    assert "<aside" not in joined(codes_of(report(), b""))
    assert "less than 0.01 nats of it" in joined(codes_of(report(), b""))
    two = report(blocks=(Share("bits", 2, NATS, None, None), Share("categories", 1, NATS, None, None)))
    assert "divergence of block 2, 1 category" in joined(codes_of(two, b""))
    bare = report(divergence=None, information=None, information_above=None, aggregate=None, mmd2=None)
    assert "mutual information" not in joined(codes_of(bare, b""))


def test_a_table_tells_the_divergence_by_variable():
    several = (*split(0.5, 1.5, 0.001, 0.2, 0.3, -0.4), Share("bits", 2, NATS._replace(value=0.7), None, None))
    said = collapse_facts(report(blocks=several))
    assert ("  block 2", "0.700 ± 0.200 nats, of 2 bits") in said
    by_variable = next(words for name, words in said if name == "  by variable")
    assert by_variable.startswith("1.500 ± 0.100, 0.500 ± 0.100, 0.300")
    assert by_variable.endswith("0.001 ± 0.100 …")
    assert ("", "2 of 6 below 0.01 nats") in said
    assert ("  from above", "failed: the densities of the codes are not finite") in said
    assert "  block 1" not in dict(collapse_facts(report()))


def entry(**changes: Any) -> PartStatistics:
    fields: dict[str, Any] = {
        "learner": "rws",
        "part": "model",
        "size": 9,
        "norm": 1.0,
        "norm_se": 0.1,
        "bias": 0.3,
        "bias_se": 0.01,
        "bias_errors": 9.0,
        "variance": 2.0,
        "cosine": 0.7,
        "cosine_se": 0.1,
        "snr": 0.7,
        "target": "bound of 5",
        "claim": "unbiased",
        "reference": "elbo",
        "exact": False,
        "length": 1.0,
        "verdict": "biased",
    }
    return PartStatistics(**(fields | changes))


def table(*entries: PartStatistics) -> GradientStatistics:
    return GradientStatistics(None, 3, 100, entries)


def test_a_bias_that_noise_allows_is_hollow():
    biased, unsure = (colours(draw_gradients(table(entry(bias_errors=errors)))) for errors in (9.0, 1.0))
    assert biased[ACCENT] > 50
    assert unsure[ACCENT] == 0


@pytest.mark.parametrize(
    "entries",
    [
        (entry(), entry(part="inference", learner="a name that is too long for its place in the picture")),
        (entry(bias=None, bias_se=None, bias_errors=None, cosine=None, cosine_se=None, verdict="not compared"),),
        (entry(bias=None, bias_se=None, bias_errors=None, target=None, reference=None, length=None),),
        (entry(variance=0.0, snr=math.inf, bias=0.0, bias_se=0.0, bias_errors=0.0),),
        (entry(cosine=-0.9, bias=1e-9, variance=1e9),),
    ],
)
def test_gradients_of_every_kind_are_drawn(entries):
    assert draw_gradients(table(*entries)).startswith(b"\x89PNG")


def test_gradients_of_parts_that_are_in_no_run(tmp_path):
    net = worlds.helmholtz()
    found = rv.gradients(net.parts, ["rws:k=2"], net.x, rows=2, draws=40, settle=0)
    assert found.run == ""
    assert found.statistics.rows == 2
    assert found.to_dict()["reference"] is None
    assert found.to_dict()["table"][0]["reference"] == "enumeration:objective=bound:k=2"
    found.plot(tmp_path / "g.png")
    assert (tmp_path / "g.png").stat().st_size > 1000
    with pytest.raises(InputError, match="need rows and learners"):
        rv.gradients(net.parts, ["rws"])
    with pytest.raises(InputError, match="rows must be at least 1"):
        rv.gradients(net.parts, ["rws"], net.x, rows=0)
