"""What other programs rely on: one JSON object of the promised shape on standard output, and nothing else there."""

import json
import os
import re
import signal
from typing import Any

import msgspec
import numpy as np
import pytest

import reverie as rv
from reverie.cli import main
from reverie.estimate import Estimate

ESTIMATE = {"value", "se", "kind", "unit", "n", "ess", "warnings"}


def refused(name):
    raise AssertionError(f"{name} is no JSON")


@pytest.fixture
def answer(capfd):
    """Call the command; its object and what it said besides."""

    def asked(*words, code=0):
        capfd.readouterr()
        assert main([str(word) for word in words]) == code
        out, err = capfd.readouterr()
        assert out.endswith("}\n")
        assert out.count("\n") == 1
        return json.loads(out, parse_constant=refused), err

    return asked


def holds_an_estimate(value):
    assert set(value) == ESTIMATE
    assert isinstance(value["kind"], str)
    assert isinstance(value["warnings"], list)


def test_fit(answer, small_runs, at):
    found, err = answer(
        "fit", small_runs["numbers"], "--learner", "em", "--steps", 3, "--seed", 7, "--out", "r", "--json"
    )
    assert list(found) == ["run", "model", "learner", "seed", "steps", "seconds", "log_likelihood", "parameters"]
    holds_an_estimate(found["log_likelihood"])
    assert (found["run"], found["model"], found["learner"]) == ("r", "gaussian-mixture", "em")
    assert (found["seed"], found["steps"]) == (7, 3)
    assert "gaussian-mixture" in err  # it says what it chose


def test_fit_quietly(answer, small_runs, at):
    _, err = answer("fit", small_runs["numbers"], "--learner", "em", "--steps", 1, "--out", "r", "--json", "--quiet")
    assert err == ""


def test_evaluate(answer, small_runs):
    found, _ = answer("evaluate", small_runs["run"], "--json", "--samples", 5)
    assert {"run", "log_likelihood", "two_sample", "bits_per_dim"} <= set(found)
    holds_an_estimate(found["log_likelihood"])
    assert found["log_likelihood"]["kind"] == "lower bound"
    given, _ = answer("evaluate", small_runs["run"], small_runs["data"], "--json", "--samples", 5)
    assert given["log_likelihood"]["n"] == 40


def test_evaluate_a_model_with_codes_in_full(answer, small_runs, at):
    words = ("evaluate", small_runs["run"], small_runs["data"], "--json", "--samples", 20, "--full", "--most", 4)
    found, err = answer(*words, "--gap-steps", 20, "--ks", "10,1", "--out", "pictures")
    assert (at / found["picture"]).read_bytes().startswith(b"\x89PNG")
    assert found["picture"] == "pictures/codes.png"
    assert {"bounds", "collapse", "annealed", "bracket", "gap", "notes"} <= set(found)
    for name in ("elbo", "fit", "divergence"):
        holds_an_estimate(found["bounds"][name])
    assert [one["k"] for one in found["bounds"]["curve"]] == [1, 10, 20]
    assert found["bounds"]["curve"][-1]["value"] == found["log_likelihood"]["value"]
    assert found["collapse"]["size"] == 2
    assert len(found["collapse"]["divergences"]) == 2
    holds_an_estimate(found["collapse"]["information"])
    assert (found["annealed"]["kind"], found["annealed"]["n"], found["bracket"]) == ("exact", 4, None)
    assert found["gap"]["method"] == "a sum over all codes"
    holds_an_estimate(found["gap"]["families"][0]["approximation"])
    assert found["notes"] == []
    assert "optimising posteriors of 4 rows" in err


def test_evaluate_passes_on_how_slowly_to_anneal(answer, small_runs, at, monkeypatch):
    from reverie.runs import evaluating

    heard: dict[str, Any] = {}

    def instead(name, value):
        monkeypatch.setattr(evaluating, name, lambda *given, **settings: heard.setdefault(name, settings) and value)

    estimate = Estimate(-2.0, 0.1, "lower bound")
    for name, value in (("annealed_likelihood", (estimate, None)), ("bracket", None), ("inference_gap", None)):
        instead(name, value)
    slowly = ("--chains", 5, "--temperatures", 70)
    answer("evaluate", small_runs["run"], "--json", "--samples", 5, "--full", "--gap-steps", 9, "--out", ".", *slowly)
    asked = {"chains": 5, "temperatures": 70}
    assert heard["annealed_likelihood"] == asked
    assert heard["bracket"] == asked | {"rows": 100}
    assert heard["inference_gap"] == {"annealing": asked, "annealed": (estimate, None), "steps": 9}
    instead("log_normaliser", estimate)
    found, _ = answer("evaluate", small_runs["machine"], "--json", *slowly)
    assert heard["log_normaliser"] == asked | {"seed": 0, "start": None}
    assert found["log_normaliser"]["value"] == -2.0
    assert found["log_likelihood"]["kind"] == "optimistic"


def test_evaluate_brackets_log_z(answer, small_runs, monkeypatch):
    from reverie.evaluation import Bracket
    from reverie.evaluation import normaliser_bracket as own
    from reverie.runs import bracketing, evaluating

    heard: dict[str, Any] = {}

    def instead(model, **settings):
        heard.update(settings)
        return own(model, **settings)

    monkeypatch.setattr(bracketing, "normaliser_bracket", instead)
    words = ("evaluate", small_runs["machine"], "--json", "--ais", "--chains", 32, "--temperatures", 20, "--settle", 5)
    found, err = answer(*words)
    (ends,), log_z = found["bracketed"]["log_z"], found["log_normaliser"]
    assert log_z["kind"] == "exact", "a sum is not made worse by annealing"
    assert (
        ends["lower"]["value"] - 4 * ends["lower"]["se"]
        < log_z["value"]
        < ends["upper"]["value"] + 4 * ends["upper"]["se"]
    )
    assert (ends["lower"]["kind"], ends["upper"]["kind"]) == ("lower bound", "upper bound")
    above, below = found["bracketed"]["with_lower"], found["bracketed"]["with_upper"]
    assert (above["kind"], below["kind"]) == ("optimistic", "pessimistic")
    own_value = found["log_likelihood"]["value"] + log_z["value"]
    assert above["value"] == pytest.approx(own_value - ends["lower"]["value"], abs=1e-4)
    assert below["value"] == pytest.approx(own_value - ends["upper"]["value"], abs=1e-4)
    assert {name: heard[name] for name in ("chains", "temperatures", "settle")} == {
        "chains": 32,
        "temperatures": 20,
        "settle": 5,
    }
    rows = rv.load_run(small_runs["machine"]).config.data.rows["train"]
    assert (found["bracketed"]["start"], len(heard["start"])) == ("training rows", rows)
    assert "bracketing log Z" in err
    assert found["notes"] == []
    # One that does not close leaves no figure that could be taken for one.
    why = Estimate(float("nan"), float("nan"), "failed", warnings=("the bracket of log Z is 3 nats wide",))
    wide = Bracket(Estimate(1.0, 0.1, "lower bound"), Estimate(4.0, 0.1, "upper bound"), why)
    monkeypatch.setattr(bracketing, "normaliser_bracket", lambda model, **settings: wide)
    monkeypatch.setattr(evaluating, "sums_out", lambda model: False)
    run = rv.load_run(small_runs["machine"])
    run.result = msgspec.structs.replace(run.result, log_normaliser=None)
    judged = rv.evaluate(run, annealing=True)
    assert judged.bracketed is not None
    failures = (judged.log_likelihood, judged.log_normaliser, judged.bracketed.with_lower, judged.bracketed.with_upper)
    for one in failures:
        assert one is not None
        assert one.kind == "failed"
        assert "3 nats wide" in one.warnings[0]


def test_evaluate_quietly(answer, small_runs):
    _, err = answer("evaluate", small_runs["table"], "--json", "--quiet")
    assert err == ""


def test_gradients(answer, small_runs, at):
    words = ("gradients", small_runs["run"], small_runs["data"], "--learners", "reinforce", "rws:k=2")
    found, err = answer(*words, "--draws", 40, "--settle", 2, "--rows", 3, "--out", "g", "--json")
    assert found["reference"] is None
    assert [one["target"] for one in found["table"]] == ["elbo", "elbo", "bound of 2", "likelihood"]
    assert (found["rows"], found["draws"], found["picture"]) == (3, 40, "g/gradients.png")
    assert [(one["learner"], one["part"]) for one in found["table"]] == [
        ("reinforce", "model"),
        ("reinforce", "inference"),
        ("rws:k=2", "model"),
        ("rws:k=2", "inference"),
    ]
    fields = {"learner", "part", "size", "norm", "norm_se", "bias", "bias_se", "bias_errors", "variance"}
    fields |= {"cosine", "cosine_se", "snr", "target", "claim", "reference", "exact", "length", "verdict"}
    assert set(found["table"][0]) == fields
    assert (at / "g" / "gradients.png").read_bytes().startswith(b"\x89PNG")
    assert "rws:k=2 …" in err


def test_evaluate_an_implicit_model(answer, small_runs):
    found, _ = answer("evaluate", small_runs["implicit"], "--json")
    assert found["log_likelihood"] is None
    holds_an_estimate(found["two_sample"]["mmd2"])


def test_score(answer, small_runs):
    found, _ = answer("score", small_runs["run"], small_runs["data"], "--json", "--samples", 5)
    assert set(found) == {"rows", "log_likelihood", "kind", "unit"}
    assert found["rows"] == len(found["log_likelihood"]) == 40
    assert (found["kind"], found["unit"]) == ("lower bound", "nats")
    assert all(value < 0 for value in found["log_likelihood"])
    again, _ = answer("score", small_runs["run"], small_runs["data"], "--json", "--samples", 5)
    other, _ = answer("score", small_runs["run"], small_runs["data"], "--json", "--samples", 5, "--seed", 1)
    assert again == found
    assert other != found


def test_score_of_potentials_and_against_other_rows(answer, small_runs):
    machine, data = small_runs["machine"], small_runs["data"]
    found, _ = answer("score", machine, data, "--potential", "--json")
    scored, _ = answer("score", machine, data, "--json")
    assert set(found) == {"rows", "potential", "unit"}
    assert np.ptp(np.subtract(found["potential"], scored["log_likelihood"])) < 1e-4
    found, _ = answer("score", machine, data, "--against", data, "--json")
    assert (found["rows"], found["against"], found["score"]) == (40, 40, "potential")
    holds_an_estimate(found["area"])
    assert found["area"]["value"] == 0.5


def test_encode_and_reconstruct(answer, small_runs, at, capfd):
    run, data = small_runs["run"], small_runs["data"]
    found, err = answer("encode", run, data, "--json")
    assert (found["rows"], found["blocks"]) == (40, [{"kind": "bits", "size": 2}])
    assert np.asarray(found["codes"]).shape == (1, 40, 2)
    assert err == ""
    kept, _ = answer("encode", run, data, "--out", "c.npy", "--json")
    assert kept["out"] == "c.npy"
    codes = np.load("c.npy")
    assert codes.dtype == np.bool_
    assert codes.tolist() == found["codes"][0]
    assert main(["encode", str(run), str(data), "--out", "c.npz", "--quiet"]) == 0
    assert np.array_equal(np.load("c.npz")["h1"], codes)
    assert main(["encode", str(run), str(data)]) == 0
    header, first, *_ = capfd.readouterr().out.splitlines()
    assert (header, first) == ("h1.1,h1.2", ",".join(str(int(bit)) for bit in codes[0]))
    rows, _ = answer("reconstruct", run, data, "--json")
    assert (rows["columns"], rows["reconstructed"], len(rows["rows"])) == (["a", "b", "c"], 40, 40)
    drawn, _ = answer("reconstruct", run, data, "--how", "draw", "--out", "r.csv", "--json")
    assert (drawn["out"], len((at / "r.csv").read_text().splitlines())) == ("r.csv", 41)


def test_impute_and_denoise(answer, small_runs, at):
    (at / "gaps.csv").write_text("a,b,c\n1,,0\n,,1\n")
    found, err = answer("impute", small_runs["machine"], "gaps.csv", "--json", "--draws", 2)
    assert (found["columns"], found["draws"], found["filled"]) == (["a", "b", "c"], 2, 3)
    rows = np.array(found["rows"], int)
    assert rows.shape == (4, 3)
    assert rows[[0, 2]][:, [0, 2]].tolist() == [[1, 0], [1, 0]]
    assert err == ""
    assert (
        main(["impute", str(small_runs["machine"]), str(small_runs["data"]), "--given", "a,c", "--out", "f.csv"]) == 0
    )
    assert len((at / "f.csv").read_text().splitlines()) == 41
    cleaned, _ = answer("denoise", small_runs["machine"], small_runs["data"], "--flips", 0.01, "--json")
    assert (cleaned["cleaned"], len(cleaned["rows"])) == (40, 40)
    assert cleaned["warnings"] == []


def test_classes_and_told_columns(answer, small_runs, at, capfd):
    rows = np.random.default_rng(3).normal(size=(40, 2))
    lines = [f"{u:.3f},{v:.3f},{'no' if u + v < 0 else 'yes'}" for u, v in rows]
    (at / "named.csv").write_text("\n".join(["u,v,label", *lines]))
    (at / "nameless.csv").write_text("u,v\n0.5,0.25\n-1,2\n")
    settings: dict[str, Any] = {"steps": 2, "pictures": False}
    run = rv.fit(
        rv.data.load(at / "named.csv", label="label"),
        rv.models.JointField(hidden=(3,)),
        "jem",
        out=at / "classes",
        **settings,
    )
    found, _ = answer("classify", run.path, "nameless.csv", "--json")
    x = run.measure.to_model(None, np.array([[0.5, 0.25], [-1.0, 2.0]], np.float32))
    u = np.array([run.parts["model"].class_potentials(row) for row in x])
    assert found["classes"] == ["no", "yes"]
    assert np.allclose(found["probabilities"], np.exp(u - np.logaddexp.reduce(u, axis=1, keepdims=True)), atol=1e-5)
    assert found["likeliest"] == [["no", "yes"][place] for place in np.argmax(u, axis=1)]
    assert main(["classify", str(run.path), "nameless.csv"]) == 0
    header, first, _ = capfd.readouterr().out.splitlines()
    assert (header, first.split(",")[0]) == ("class,p(no),p(yes)", found["likeliest"][0])
    told = rv.fit(
        small_runs["data"], rv.models.ConditionalField(hidden=(3,)), "told-likelihood", out=at / "told", **settings
    )
    again, _ = answer("tell", told.path, small_runs["data"], "--json")
    assert np.array_equal(np.array(again["rows"], float), told.retold(small_runs["data"]))
    assert main(["tell", str(told.path), str(small_runs["data"]), "--how", "sample", "--out", "t.csv"]) == 0
    assert "told: the last " in capfd.readouterr().err
    assert len((at / "t.csv").read_text().splitlines()) == 41
    for words in (["classify", str(small_runs["machine"])], ["tell", str(small_runs["machine"])]):
        assert main([*words, str(small_runs["data"])]) == 2
        assert re.search(r"tells no (classes of rows|columns given others): that needs", capfd.readouterr().err)


def test_sample(answer, small_runs, at):
    found, _ = answer("sample", small_runs["table"], "-n", 3, "--json")
    assert found["columns"] == ["u", "v", "w"]
    assert np.asarray(found["samples"]).shape == (3, 3)
    other, _ = answer("sample", small_runs["table"], "-n", 3, "--seed", 1, "--json")
    assert other["samples"] != found["samples"]
    kept, _ = answer("sample", small_runs["table"], "-n", 3, "--out", "s.npy", "--json")
    assert (kept["n"], kept["out"]) == (3, "s.npy")
    np.testing.assert_allclose(np.load("s.npy"), found["samples"], rtol=1e-6)


def test_pairs(answer):
    from reverie.learners import LEARNERS
    from reverie.models import MODELS

    of_one, _ = answer("pairs", "--model", "SigmoidBeliefNet", "--json")
    assert of_one["models"] == ["sbn"]
    assert {pair["model"] for pair in of_one["pairs"]} == {"sbn"}
    of_other, _ = answer("pairs", "--learner", "jsa", "--json")
    assert [pair["model"] for pair in of_other["pairs"]] == list(MODELS)
    found, _ = answer("pairs", "--json")
    assert set(found) == {"models", "learners", "pairs"}
    assert (found["models"], found["learners"]) == (list(MODELS), list(LEARNERS))
    assert len(found["pairs"]) == len(MODELS) * len(LEARNERS)
    for pair in found["pairs"]:
        assert set(pair) == {"model", "learner", "fits", "missing"}
        assert pair["fits"] == (pair["missing"] == [])


def test_options(answer):
    found, _ = answer("options", "sbn", "--json")
    assert found == {"part": "model", "name": "sbn", "options": found["options"]}
    assert found["options"]["sizes"] == {"type": "whole numbers with commas", "default": [50]}


def test_runs(answer, small_runs, at):
    home = small_runs["run"].parent
    found, _ = answer("runs", "list", home, "--json")
    assert {run["path"] for run in found["runs"]} == {
        str(small_runs[name]) for name in ("run", "table", "machine", "implicit")
    }
    shown, _ = answer("runs", "show", small_runs["run"], "--json")
    assert shown["status"] == "finished"
    assert shown["config"]["parts"]["model"]["name"] == "sbn"
    nothing, _ = answer("runs", "list", "--json")
    assert nothing == {"runs": []}


def test_runs_remove(answer, small_runs, at):
    answer("fit", small_runs["numbers"], "--learner", "em", "--steps", 1, "--json")
    (run,) = (at / "runs").iterdir()
    assert main(["runs", "remove", run.name]) == 2  # nobody was asked, so nothing is done
    assert run.exists()
    found, _ = answer("runs", "remove", run.name, "--yes", "--json")
    assert found == {"removed": f"runs/{run.name}"}
    assert not run.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_how_to_go_on(number, code, small_runs, at, capfd, monkeypatch):
    from reverie.cli.progress import Display

    report = Display.report

    def interrupting(self, said):
        report(self, said)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(Display, "report", interrupting)
    words = ["fit", str(small_runs["data"]), "--model", "fvsbn", "--budget", "60s", "--out", "r"]
    assert main(words) == code
    out, err = capfd.readouterr()
    assert out.count("interrupted") == 1
    assert err.splitlines()[-1] == "interrupted and saved; go on by: reverie fit --resume r"
    monkeypatch.setattr(Display, "report", report)
    step = json.loads((at / "r" / "result.json").read_text())["step"]
    assert main(["fit", "--resume", "r", "--steps", str(step + 5), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["steps"] == step + 5


def test_scores_that_failed_are_null(answer, small_runs, monkeypatch):
    from reverie.evaluation import Scores
    from reverie.runs import Run

    scores = Scores(np.array([np.nan, -np.inf, -2.0]), "failed", None, ("do not trust this",))
    monkeypatch.setattr(Run, "score", lambda self, rows, **options: scores)
    found, _ = answer("score", small_runs["run"], small_runs["data"], "--json")
    assert found["log_likelihood"] == [None, None, -2.0]
    assert found["kind"] == "failed"


def entry_of(model, learner, estimate, figures=None, failed=None):
    from reverie.bakeoffs import Entry

    return Entry(
        model=model,
        learner=learner,
        run=f"b/{model}-{learner}",
        log_likelihood=estimate,
        two_sample=figures,
        steps=3,
        seconds=1.5,
        parameters=99,
        failed=failed,
    )


def test_bakeoff(answer, small_runs, at, monkeypatch):
    """The shape is that of the real result; what would take long is not fitted here."""
    from reverie import bakeoffs
    from reverie.bakeoffs import Bakeoff
    from reverie.estimate import Estimate, failed
    from reverie.evaluation import TwoSample

    asked: dict[str, Any] = {}
    figures = TwoSample(Estimate(0.01, 0.002, "unbiased"), float("nan"), Estimate(0.5, 0.1, "unbiased"))
    ranking = (
        entry_of("realnvp", "mle", Estimate(-3.1, 0.1, "exact", n=8), figures),
        entry_of("generator", "gan", None, figures),
        entry_of("vae", "elbo", failed("it broke"), None, "it broke"),
    )

    def contest(data, **settings):
        asked.update(settings, rows=len(data.test))
        where = {"name": data.name, "rows": len(data.train), "columns": 3, "measure": data.measure.reference}
        return Bakeoff(where, ranking, "b/report.html")

    monkeypatch.setattr(bakeoffs, "bakeoff", contest)
    words = ("bakeoff", small_runs["numbers"], "--budget", "9s", "--test", 5, "--out", "b")
    found, err = answer(*words, "--json")
    assert set(found) == {"data", "ranking", "report"}
    assert set(found["data"]) == {"name", "rows", "columns", "measure"}
    for entry in found["ranking"]:
        names = {"model", "learner", "run", "log_likelihood", "two_sample", "seconds", "parameters", "failed"}
        assert names <= set(entry)
    holds_an_estimate(found["ranking"][0]["log_likelihood"])
    assert found["ranking"][1]["log_likelihood"] is None
    assert found["ranking"][2]["log_likelihood"]["value"] is None
    assert "3 continuous columns" in err
    assert (asked["budget"], str(asked["out"]), asked["rows"]) == ("9s", "b", 5)


@pytest.mark.parametrize(("number", "code"), [(None, 0), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_bakeoff_as_a_table(number, code, small_runs, at, capsys, monkeypatch):
    """With the reasons of failures and doubts below; a signal ends it with what there is."""
    from reverie import bakeoffs
    from reverie.bakeoffs import Bakeoff
    from reverie.estimate import Estimate

    doubtful = Estimate(-3.1, 0.1, "exact", n=8, warnings=("trained for 1 step",))
    ranking = (entry_of("realnvp", "mle", doubtful), entry_of("vae", "elbo", None, None, "it broke at step 3"))

    def contest(data, **settings):
        if number is not None:
            before = signal.signal(number, lambda *_: None)
            os.kill(os.getpid(), number)
            signal.signal(number, before)
        return Bakeoff({"measure": "bits"}, ranking, "b/report.html")

    monkeypatch.setattr(bakeoffs, "bakeoff", contest)
    assert main(["bakeoff", str(small_runs["numbers"])]) == code
    said, err = capsys.readouterr()
    assert "1  realnvp by mle  −3.100 ± 0.100  exact" in said
    assert "realnvp by mle   note: trained for 1 step" in said
    assert "vae by elbo      it broke at step 3" in said
    assert said.endswith("b/report.html\n")
    assert ("interrupted" in err) == (code > 0)
