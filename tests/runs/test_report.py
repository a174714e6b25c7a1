"""Pages and pictures: what they say is what the figures say, and what users' files say stays text."""

import math
import shlex
import types
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

import reverie
from reverie import noise
from reverie.bakeoffs.contest import Bakeoff, Entry
from reverie.bakeoffs.reading import differences, groups, on_kinds, on_noise, on_samples
from reverie.bakeoffs.report import write_bakeoff_report
from reverie.bakeoffs.tables import sample_table
from reverie.cli.app import run as command_line
from reverie.data import load
from reverie.estimate import Estimate, failed
from reverie.evaluation import TwoSample
from reverie.inference import GaussianPosterior
from reverie.models import GaussianMixture, SigmoidBeliefNet
from reverie.pairing import check, fill, make_learner, make_part
from reverie.runs import again, pictures
from reverie.runs.configure import Request, configure
from reverie.runs.metrics import append
from reverie.runs.page import digits_for, escaped, number, page, paragraph, table, tag, value_and_error
from reverie.runs.pictures.samples import MAT, frame_of, tile
from reverie.runs.pictures.series import panels_of, series_of
from reverie.runs.pictures.views import columns_of, correlations, frequencies, histogram, images_of
from reverie.runs.report import _density, as_seen, correction_of, write_report
from reverie.runs.run import Result, Run

NASTY = "<script>alert('x')</script>"
NOTHING_ASKED = Request(None, None, None, 0, None, None, None, None, None, "counter")
EXACT = Estimate(-18.734, 0.243, "exact", n=397)


def run_of(path, dataset, model, learner, estimate=None, *, parts=None, status="finished", **asked):
    """A run as `fit` would leave it, without the training."""
    blank = make_part("model", model, {}) if isinstance(model, str) else model
    rule = make_learner(learner) if isinstance(learner, str) else learner
    request = NOTHING_ASKED._replace(**({"steps": 50} | asked))
    pair = check(blank, rule, parts)
    config = configure(dataset, pair, rule, request)
    result = Result(status, "all steps done", 50, 40, 1.5, 1234, estimate)
    path.mkdir(parents=True, exist_ok=True)
    return Run(path, config, fill(pair, noise.make_key(1), dataset.spec), result)


def table_data(rows=60):
    rng = np.random.default_rng(0)
    return load(
        {
            NASTY: rng.normal(3, 2, rows),
            "$\\frac{$ & 世": np.exp(rng.normal(size=rows)),
            "town": rng.choice([NASTY, "Rome", "Oslo"], rows),
            "yes": rng.choice(["no", "yes"], rows),
        }
    )


def text_data(path):
    file = path / "words.txt"
    file.write_text("the <b>cat</b> sat\non the mat & slept " * 40)
    return load(file, length=16)


class Reader(HTMLParser):
    """The tags, attributes and words of a page; tags that do not close are an error."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, source):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def self_contained(source):
    """The page as read, after a look for anything that runs or comes from elsewhere."""
    read = Reader(source)
    assert "script" not in read.tags
    assert not {"link", "iframe", "object", "embed", "base"} & set(read.tags)
    for tag_, name, value in read.attributes:
        assert not name.startswith("on")
        if name == "src":
            assert value.startswith("data:image/png;base64,"), tag_
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    return read


# the page's building blocks


def test_values_are_escaped_and_markup_is_not():
    made = tag("p", NASTY, tag("b", "&"), title=f'"{NASTY}"')
    read = Reader(made)
    assert read.tags == ["p", "b"]
    assert read.text == f"{NASTY}&"
    assert read.attributes == [("p", "title", f'"{NASTY}"')]
    assert escaped(made) == made
    assert Reader(table([NASTY], [[NASTY]])).tags.count("script") == 0


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [
        (-18.734, 2, "−18.73"),
        (1234567.0, 0, "1,234,567"),
        (-0.001, 2, "0.00"),
        (0.00012, None, "0.00012"),
        (2e-7, None, "2e−07"),
    ],
)
def test_numbers_have_true_minus_signs_and_no_negative_zero(value, digits, said):
    assert number(value, digits) == said


@pytest.mark.parametrize(("se", "digits"), [(0.243, 2), (24.3, 0), (2.43, 1), (0.00243, 4), (0.0, 3), (math.nan, 3)])
def test_two_digits_of_a_standard_error_are_shown(se, digits):
    assert digits_for(se) == digits


def test_a_failed_estimate_has_no_number():
    shown = Reader(value_and_error(failed("the weights collapsed")._replace(value=-12.5, se=0.1)))
    assert shown.text == "failed"
    assert ("span", "title", "the weights collapsed") in shown.attributes
    assert Reader(value_and_error(EXACT)).text == "−18.73 ± 0.24"
    assert Reader(value_and_error(None)).text == "—"


# what pictures are made of


def test_a_tile_keeps_every_pixel_and_shows_the_mat_between():
    given = np.random.default_rng(0).integers(0, 256, (5, 3, 2, 3)).astype(np.uint8)
    sheet = tile(given, columns=2, rows=3, scale=4, gap=3)
    assert sheet.shape == (3 * (12 + 3) + 3, 2 * (8 + 3) + 3, 3)
    for place, one in enumerate(given):
        top, left = 3 + place // 2 * 15, 3 + place % 2 * 11
        block = sheet[top : top + 12, left : left + 8].reshape(3, 4, 2, 4, 3)
        np.testing.assert_array_equal(block, np.broadcast_to(one[:, None, :, None], block.shape))
    assert tuple(sheet[0, 0]) == tuple(sheet[-1, -1]) == MAT


def test_a_picture_of_digits_holds_their_pixels():
    data = load("digits", binarize=True)
    real, drawn = as_seen(data, data.test[:70]), as_seen(data, data.test[70:134])
    assert set(np.unique(real)) == {0, 1}
    np.testing.assert_array_equal(real, data.test.raw[:70] > 7)
    shown = pixels(pictures.draw_samples(data.schema, real, drawn))
    columns, rows = pictures.grid_of(data.schema)
    step, first, second = 2 * (8 * 6 + 5), (2 * 57, 2 * 29), (2 * 57, shown.shape[1] // 2 + 2 * (24 + 5))
    for (top, left), some in ((first, real), (second, drawn)):
        for place in (0, columns - 1, columns * rows - 1):
            y, x = top + place // columns * step, left + place % columns * step
            centres = shown[y + 6 : y + 96 : 12, x + 6 : x + 96 : 12, 0]
            np.testing.assert_array_equal(centres > 127, some[place].reshape(8, 8) > 0, err_msg=str((left, place)))


def test_grey_levels_are_in_proportion_and_colours_keep_their_order():
    data = load(np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3), valid=0, test=0)
    shown = images_of(data.schema, data.train.raw, 0, 95)
    given = data.train.raw.reshape(2, 4, 4, 3).astype(float)
    np.testing.assert_array_equal(shown, np.round(given * 255 / 95))


def test_frequencies_are_counted_and_the_rare_are_gathered():
    rng = np.random.default_rng(0)
    words = np.array([f"w{k:02d}" for k in range(20)])
    chosen = rng.choice(words, 400, p=np.arange(1, 21) / 210)
    data = load({"w": chosen, "z": rng.normal(size=400)}, valid=0, test=0)
    column = columns_of(data.schema, data.train.raw)[0]
    found = frequencies(column, column._replace(values=np.full(7, 19.0)))
    assert found is not None
    names, real, drawn = found
    assert names[-1] == "others"
    assert len(names) == 12
    for name, share in zip(names[:-1], real[:-1], strict=True):
        assert share == pytest.approx(np.mean(chosen == name))
    assert real.sum() == pytest.approx(1)
    assert drawn[names.index("w19")] == 1


def test_a_histogram_says_what_lies_beyond_its_edges():
    real = np.random.default_rng(0).normal(size=2000)
    drawn = np.concatenate([real, np.full(2000, 50.0), [np.nan]])
    edges, held, made = histogram(real, drawn)
    width = np.diff(edges)
    assert np.sum(held * width) == pytest.approx(1, abs=0.01)
    assert np.sum(made * width) == pytest.approx(0.5, abs=0.01)


def test_correlations_are_pearsons_over_the_known_rows():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(50, 3)) @ np.array([[1, 0.8, 0], [0, 1, -2], [0, 0, 1.0]])
    data = load(raw, valid=0, test=0, measure="none")
    np.testing.assert_allclose(correlations(columns_of(data.schema, data.train.raw)), np.corrcoef(raw.T), atol=1e-5)
    columns = columns_of(data.schema, data.train.raw, np.ones_like(raw, bool))
    columns[0].values[:10] = np.nan
    assert np.all(np.isfinite(correlations(columns)))


def test_masked_values_are_not_drawn():
    given = np.random.default_rng(0).normal(5, 1, (30, 3))
    given[::3, 0] = np.nan
    data = load(given, missing="mask", valid=0, test=0)
    seen = columns_of(data.schema, data.train.raw, data.train.mask)
    known = seen[0].values[np.isfinite(seen[0].values)]
    np.testing.assert_allclose(np.sort(known), np.sort(given[~np.isnan(given[:, 0]), 0]), rtol=1e-6)


def test_a_frame_holds_the_points_and_is_no_strip():
    points = np.random.default_rng(0).normal(size=(500, 2)) * [10, 0.1] + [5, -3]
    left, right, bottom, top = frame_of(points)
    inside = (points[:, 0] > left) & (points[:, 0] < right) & (points[:, 1] > bottom) & (points[:, 1] < top)
    assert inside.mean() > 0.99
    assert 0.3 < (top - bottom) / (right - left) < 1
    assert all(math.isfinite(edge) for edge in frame_of(np.full((3, 2), np.nan)))


def test_a_density_is_laid_out_as_its_picture_is(tmp_path):
    rng = np.random.default_rng(0)
    data = load(rng.normal(size=(40, 2)) * [3, 1], measure="none")
    run = run_of(tmp_path, data, GaussianMixture(count=1), "mle")
    run.parts["model"] = run.parts["model"].with_components(
        np.ones(1, np.float32), np.array([[2.0, -1.0]], np.float32), 0.05 * np.eye(2, dtype=np.float32)[None]
    )
    found = _density(run, (-4.0, 4.0, -3.0, 3.0))
    row, column = np.unravel_index(np.argmax(found.log_prob), found.log_prob.shape)
    size = found.log_prob.shape[0]
    assert -4 + 8 * (column + 0.5) / size == pytest.approx(2, abs=8 / size)
    assert -3 + 6 * (row + 0.5) / size == pytest.approx(-1, abs=6 / size)
    assert found.log_prob.max() == pytest.approx(-math.log(2 * math.pi * 0.05), abs=0.2)
    shown = pixels(pictures.draw_samples(data.schema, data.test.raw, data.test.raw, density=found)).astype(int)
    third = shown[:, 2 * shown.shape[1] // 3 :]
    dark = np.argwhere(third.sum(axis=2) == third[100:-120].sum(axis=2).min())
    assert dark.mean(axis=0)[0] > 0.5 * third.shape[0]
    assert dark.mean(axis=0)[1] > 0.55 * third.shape[1]


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    rng = np.random.default_rng(0)
    mixed = table_data()
    masked = load(np.where(rng.random((50, 4)) < 0.2, np.nan, rng.normal(size=(50, 4))), missing="mask")
    wild = {kind: (block * np.nan if block.dtype.kind == "f" else block) for kind, block in mixed.test.raw.items()}
    plane = load(rng.normal(size=(50, 2)))
    words = text_data(tmp_path_factory.mktemp("words"))
    colours = load(rng.integers(0, 256, (30, 5, 7, 3)).astype(np.uint8))
    return {
        "mixed": (mixed, mixed.test, mixed.train.raw),
        "one row": (mixed, mixed.test[:1], {kind: block[:1] for kind, block in mixed.train.raw.items()}),
        "draws that are not finite": (mixed, mixed.test, wild),
        "masked": (masked, masked.test, masked.train.raw),
        "plane": (plane, plane.test, plane.train.raw * 30),
        "plane that is not finite": (plane, plane.test, plane.train.raw * np.nan),
        "text": (words, words.test, words.train.raw[:3]),
        "colours": (colours, colours.test, colours.train.raw[:4]),
        "one column": (one := load(rng.normal(size=50)), one.test, one.train.raw),
        "wide": (wide := load(rng.normal(size=(50, 45))), wide.test, wide.train.raw),
    }


CASES = (
    "mixed", "one row", "draws that are not finite", "masked", "plane", "plane that is not finite", "text", "colours",
    "one column", "wide",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_all_kinds_of_rows_are_drawn(everything, case):
    data, rows, drawn = everything[case]
    for png in (
        pictures.draw_samples(data.schema, rows.raw, drawn, mask=rows.mask),
        pictures.draw_gallery(data.schema, rows.raw, [("a · b", drawn), (NASTY, drawn)], mask=rows.mask),
    ):
        assert pixels(png).std() > 1


def test_the_users_settings_of_matplotlib_neither_matter_nor_change():
    data = load("iris")
    plain = pictures.draw_samples(data.schema, data.test.raw, data.train.raw)
    with mpl.rc_context({"text.usetex": True, "font.size": 30.0, "lines.linewidth": 9.0}):
        before = dict(mpl.rcParams)
        odd = pictures.draw_samples(data.schema, data.test.raw, data.train.raw)
        assert dict(mpl.rcParams) == before
    assert odd == plain


# curves


def lines(count=30, kind="lower bound"):
    rng = np.random.default_rng(0)
    for k in range(1, count + 1):
        info = {
            "iw_bound": -20 - 30 * math.exp(-k / 4),
            "ess": 2 + k / 9,
            "norm_model": 5.0 / k,
            "norm_inference": 3.0 / k,
        }
        info |= {"log_q_wake": -float(k), "log_q_sleep": -2.0 * k}
        line: dict[str, Any] = {"step": 10 * k, "seconds": 0.1 * k, "info": info}
        if k % 3 == 0:
            value = -21 - 30 * math.exp(-k / 4) + rng.normal(0, 0.1)
            line["validation"] = Estimate(value, 0.4, kind, n=30).to_dict()
        if k == 15:
            line["validation"] = failed("no").to_dict()
            line["info"] = info | {"ess": None}
        if k == 17:
            line["info"] = info | {"ess": math.inf}
        yield line


def test_series_leave_out_what_is_not_finite_and_belong_together():
    said = series_of(list(lines()))
    assert len(said["ess"].steps) == 28
    assert not {150.0, 170.0} & set(said["ess"].steps)
    np.testing.assert_allclose(said["norm_model"].values[:2], [5.0, 2.5])
    panels = {tuple(name for name, _ in panel.curves) for panel in panels_of(said)}
    assert ("model", "inference") in panels
    assert ("log q(h | x), data", "log q(h | x), dreams") in panels


def test_curves_mark_the_step_that_was_kept_and_the_estimates_that_failed():
    told = list(lines())
    plain = pixels(pictures.draw_curves(told)).astype(int)
    marked = pixels(pictures.draw_curves(told, kept=150)).astype(int)
    changed = (np.abs(marked - plain).sum(axis=2)[140:650] > 200).sum(axis=0)
    across = np.argmax(changed) / marked.shape[1]
    left, right = 76 / 1000, 964 / 1000
    assert across == pytest.approx(left + (right - left) * 0.483, abs=0.01)
    whole = [{k: v for k, v in line.items() if k != "validation" or line["step"] != 150} for line in told]
    assert not np.array_equal(pixels(pictures.draw_curves(whole)), plain)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_runs_have_curves_too(count):
    assert pixels(pictures.draw_curves(list(lines(count)), kept=10)).std() > 1


def test_training_figures_are_moved_into_raw_units():
    data = load("iris")
    std = np.array(data.measure.to_config()["std"])
    assert correction_of(data) == pytest.approx(-np.log(std).sum(), abs=1e-4)
    assert correction_of(load("digits", binarize=True)) == 0
    assert correction_of(load("digits", measure="dequantise")) == pytest.approx(-64 * math.log(17), rel=1e-6)


# a run's report


def test_a_report_says_the_figure_its_kind_and_how_it_was_made(tmp_path):
    data = load("digits", binarize=True)
    estimate = EXACT._replace(kind="lower bound")
    run = run_of(tmp_path / "r", data, SigmoidBeliefNet((7, 3)), "rws", estimate)
    for line in lines():
        append(run.path / "metrics.jsonl", line)
    write_report(run, data)
    read = self_contained((run.path / "report.html").read_text())
    assert "SigmoidBeliefNet by ReweightedWakeSleep on digits" in read.text
    assert "−18.73 ± 0.24 nats a row" in read.text
    assert "397 test rows" in read.text
    assert "may be better" in read.text
    assert "0.4223 ± 0.0055" in read.text
    assert "upper bound" in read.text
    assert "7 × 3" in read.text
    assert "active latent variables" in read.text
    assert "of 10" in read.text
    assert "step 40, the best" in read.text
    assert data.fingerprint in read.text
    assert "bits: raw > 7" in read.text
    assert again.command(run.config, 50) in read.text
    assert [value for _, name, value in read.attributes if name == "href"] == []
    for name in ("samples.png", "curves.png", "codes.png", "reconstructions.png"):
        assert pixels((run.path / name).read_bytes()).std() > 1
    assert sorted(path.name for path in run.path.iterdir() if path.name != "metrics.jsonl") == [
        "codes.png", "curves.png", "reconstructions.png", "report.html", "samples.png",
    ]  # fmt: skip


def test_names_from_a_users_file_stay_text(tmp_path):
    data = table_data()
    run = run_of(tmp_path / "r", data, "vae", "elbo", EXACT._replace(warnings=(f"{NASTY}: do not trust this",)))
    write_report(run, data)
    read = self_contained((run.path / "report.html").read_text())
    assert NASTY in read.text
    assert f"{NASTY}: do not trust this" in read.text
    assert "these rows came from memory" in read.text


def test_a_failed_estimate_and_an_interrupted_run_are_said_to_be_so(tmp_path):
    data = load("moons")
    broken = failed("the weights collapsed")._replace(value=-123.456)
    run = run_of(tmp_path / "r", data, "realnvp", "mle", broken, status="interrupted")
    write_report(run, data)
    read = self_contained((run.path / "report.html").read_text())
    assert "The estimate failed. the weights collapsed" in read.text
    assert "123" not in read.text.replace("1,234", "")
    assert "The run was interrupted" in read.text


def test_a_pair_without_a_likelihood_and_data_without_held_out_rows(tmp_path):
    data = load("iris", valid=0, test=0)
    run = run_of(tmp_path / "r", data, "generator", "gan")
    write_report(run, data)
    read = self_contained((run.path / "report.html").read_text())
    assert "No rows were held out" in read.text
    assert "The training rows are shown" in read.text


def test_generated_text_is_text(tmp_path):
    data = text_data(tmp_path)
    run = run_of(tmp_path / "r", data, "vae", "elbo", EXACT)
    write_report(run, data)
    read = self_contained((run.path / "report.html").read_text())
    for line in pictures.lines_of(run.schema, run.sample(10, seed=0)):
        assert line in read.text


# made again

SETTINGS: dict[str, Any] = {
    "sbn": (
        {"source": "digits", "binarize": True, "seed": 2},
        lambda: (SigmoidBeliefNet((9, 4)), make_learner("jsa", {"moves": 3}), None),
        {"steps": 60, "seed": 4, "batch": 32, "learning_rate": 3e-3, "average": 0.99, "prng": "threefry"},
    ),
    "flow": (
        {"source": "moons", "valid": 0.3, "test": 50},
        lambda: (make_part("model", "realnvp", {"layers": 2}), make_learner("mle"), None),
        {"steps": 90, "patience": 3, "optimiser": {"schedule": "cosine", "clip": 1.5, "warmup": 5}},
    ),
    "gan": (
        {"source": "iris", "measure": "standardise"},
        lambda: (make_part("model", "generator", {}), make_learner("gan", {"critic_steps": 2}), None),
        {"steps": 40, "learning_rate": {"critic": 1.5e-3}},
    ),
    "vae": (
        {"source": "digits", "measure": "dequantise+logit"},
        lambda: (
            make_part("model", "vae", {"latent": 3}), make_learner("elbo"), {"inference": GaussianPosterior((30, 20))},
        ),
        {"steps": 70},
    ),
}  # fmt: skip


def plain(config):
    """A configuration without what may differ from one making to the next."""
    return {name: getattr(config, name) for name in config.__struct_fields__ if name != "created"}


def asked_again(dataset, model, learner, *, parts=None, **asked):
    request = NOTHING_ASKED._replace(**asked)
    blank = make_part("model", model, {}) if isinstance(model, str) else model
    rule = make_learner(learner) if isinstance(learner, str) else learner
    return configure(dataset, check(blank, rule, parts), rule, request)


@pytest.mark.parametrize("case", SETTINGS)
def test_the_lines_of_python_make_the_same_configuration(tmp_path, case):
    recipe, pair, asked = SETTINGS[case]
    data = load(**recipe)
    model, learner, parts = pair()
    config = run_of(tmp_path / "r", data, model, learner, parts=parts, **asked).config
    said = again.python(config, 50)
    assert len(said.splitlines()) == 3
    rooms = {name: getattr(reverie, name) for name in ("data", "models", "learners", "inference")}
    made = {"rv": types.SimpleNamespace(fit=asked_again, **rooms)}
    exec(said.removeprefix("import reverie as rv\n"), made)
    assert plain(made["run"]) == plain(config)


@pytest.mark.parametrize("case", SETTINGS)
def test_the_command_makes_the_same_configuration(tmp_path, case, monkeypatch):
    recipe, pair, asked = SETTINGS[case]
    data = load(**recipe)
    model, learner, parts = pair()
    config = run_of(tmp_path / "r", data, model, learner, parts=parts, **asked).config

    class MadeError(Exception):
        pass

    def fake(*given, progress=None, **named):
        raise MadeError(asked_again(*given, **named))

    monkeypatch.setattr(reverie, "fit", fake, raising=False)
    words = shlex.split(again.command(config, 50))
    assert words[0] == "reverie"
    with pytest.raises(MadeError) as made:
        command_line(words[1:])
    assert plain(made.value.args[0]) == plain(config)


def test_a_run_by_the_clock_is_made_again_by_its_steps(tmp_path):
    config = run_of(tmp_path / "r", load("moons"), "realnvp", "mle", steps=None, budget="2s").config
    assert "steps=50," in again.python(config, 50)
    assert "--steps 50 " in str(again.command(config, 50))


# bake-offs


def likelihoods():
    return [
        Estimate(-18.0, 0.3, "exact"),
        Estimate(-18.5, 0.4, "optimistic"),
        Estimate(-18.9, 0.3, "lower bound"),
        Estimate(-25.0, 0.3, "lower bound"),
        None,
        failed("no"),
    ]


NAMES = ["a", "b", "c", "d", "e", "f"]


def test_neighbours_within_two_standard_errors_are_said_to_be_so():
    found = differences(likelihoods())
    assert [(one.upper, one.lower) for one in found] == [(1, 2), (2, 3), (3, 4)]
    assert found[0].gap == pytest.approx(0.5)
    assert found[0].se == pytest.approx(0.5)
    assert [one.noise for one in found] == [True, True, False]
    assert groups(likelihoods()) == [(1, 3)]
    assert on_noise(NAMES, likelihoods()) == [
        "Ranks 1 to 3 (a, b and c) differ from one to the next by less than two standard errors: "
        "their order may be chance."
    ]
    apart = [Estimate(0.0, 0.1, "exact"), Estimate(-1.0, 0.1, "exact"), Estimate(-1.1, 0.1, "exact")]
    said = on_noise(NAMES, apart)
    assert said[0].startswith("Rank 1 (a) leads by 1.00 nats a row, more than two standard errors")
    assert said[1].startswith("Ranks 2 and 3 (b, c) differ by 0.10 nats a row, less than two standard errors")


def test_kinds_are_told_apart():
    said = " ".join(on_kinds(NAMES, likelihoods()))
    assert "Exact: a." in said
    assert "Lower bounds: c and d; their true figures are these or higher" in said
    assert "Optimistic: b; they err towards too good" in said
    assert "No likelihood: e;" in said


def two(mmd2, p, accuracy=0.6):
    return TwoSample(Estimate(mmd2, 0.001, "unbiased"), p, Estimate(accuracy, 0.02, "unbiased"))


def test_draws_are_told_from_rows_by_their_p_values():
    said = on_samples(NAMES[:3], [two(0.0, 0.4), None, two(0.1, 0.002)])
    assert len(said) == 1
    assert "draws of a are not told" in said[0]
    assert "Those of c are (p < 0.05)" in said[0]


def entries(folder):
    def entry(model, learner, likelihood, figures, why=None):
        place = str(folder / f"{model} {learner}")
        return Entry(model, learner, place, likelihood, figures, steps=50, seconds=3.0, parameters=900, failed=why)

    bound = Estimate(-18.3, 0.2, "lower bound", n=397, warnings=(NASTY,))
    return (
        entry("made", "mle", Estimate(-18.0, 0.2, "exact", n=397), two(0.002, 0.3)),
        entry("sbn", "jsa", bound, two(0.001, 0.2)),
        entry("generator", "gan", None, two(0.05, 0.002)),
        entry("rbm", "cd", None, None, f"the direction was not finite {NASTY}"),
    )


def test_a_bake_off_has_its_ranking_links_failures_and_pictures(tmp_path):
    data = load("digits", binarize=True)
    ranking = entries(tmp_path)
    runs = [
        run_of(tmp_path / "made mle", data, "made", "mle", ranking[0].log_likelihood),
        run_of(tmp_path / "sbn jsa", data, SigmoidBeliefNet((5,)), "jsa", ranking[1].log_likelihood),
        run_of(tmp_path / "generator gan", data, "generator", "gan", status="interrupted"),
        None,
    ]
    (tmp_path / "sbn jsa" / "report.html").write_text("x")
    result = Bakeoff({"name": "digits"}, ranking, str(tmp_path / "report.html"))
    write_bakeoff_report(result, runs, data, tmp_path / "report.html")
    source = (tmp_path / "report.html").read_text()
    read = self_contained(source)
    assert [value for _, name, value in read.attributes if name == "href"] == [
        "made%20mle/",
        "sbn%20jsa/report.html",
        "generator%20gan/",
    ]
    rows = source[source.index("<tbody>") :].split("<tr>")[1:5]
    assert [Reader(row.split("</tr>")[0]).text.split("−")[0][:4] for row in rows] == ["1mad", "2sbn", "3gen", "—rbm"]
    assert "−18.00 ± 0.20exact" in Reader(rows[0].split("</tr>")[0]).text
    assert "Ranks 1 and 2" in read.text
    assert read.text.count(f"the direction was not finite {NASTY}") == 2
    assert "One pair failed" in read.text
    assert "The bake-off was interrupted" in read.text
    for name in ("ranking.png", "samples.png"):
        assert pixels((tmp_path / name).read_bytes()).std() > 1


def test_the_second_ranking_is_by_the_distance_of_draws(tmp_path):
    rows = Reader(sample_table(entries(tmp_path))).text
    assert rows.index("sbn") < rows.index("made") < rows.index("generator")
    assert "rbm" not in rows


def test_a_pair_far_below_is_named_at_the_edge_and_does_not_press_the_others():
    near = [pictures.Place(name, Estimate(-18 - k / 2, 0.1, "exact"), None) for k, name in enumerate("abcd")]
    far = pictures.Place("z", Estimate(-5000.0, 0.1, "optimistic"), None)
    alone, beside = (pixels(pictures.draw_ranking(places)) for places in (near, [*near, far]))
    blue = np.array([0, 0x72, 0xB2])

    def spread(shown):
        found = np.argwhere((np.abs(shown[112 : 112 + 4 * 60, 440:1320].astype(int) - blue) < 8).all(axis=2))
        return found[:, 1].max() - found[:, 1].min()

    assert spread(beside) > 0.5 * spread(alone)


def test_a_page_declares_that_nothing_may_be_loaded():
    read = Reader(page("t", "k", paragraph("x")))
    policy = next(value for _, name, value in read.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline';")
