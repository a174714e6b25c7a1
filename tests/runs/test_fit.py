"""A run survives being cut anywhere, and its folder is whole whatever happens."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import reverie as rv
from reverie.loop import NonFiniteError
from reverie.parts import parameters
from reverie.runs import checkpoints, list_runs, remove_run
from reverie.runs.config import read_config
from reverie.runs.metrics import read
from reverie.samplers import NoUTurn, PersistentChains
from tests import worlds


@pytest.fixture(scope="module")
def bits():
    """Sixty-four rows of six bits, the later ones leaning on the first."""
    rng = np.random.default_rng(0)
    raw = rng.random((64, 6)) < np.linspace(0.2, 0.7, 6)
    raw[:, 3:] |= raw[:, :1]
    return rv.data.load(raw.astype(np.uint8), valid=0.2, test=0.2)


def settings(**changes):
    return {
        "steps": 60,
        "batch": 16,
        "learning_rate": 1e-2,
        "pictures": False,
        "checkpoint_seconds": 0.0,
        "patience": 30,
    } | changes


PAIRS = {
    "jsa": (rv.models.SigmoidBeliefNet((4,)), rv.learners.JSA(moves=2)),
    "pcd": (rv.models.RBM(hidden=3), rv.learners.StochasticMaximumLikelihood(particles=8)),
}


class CutError(Exception):
    """Stands for the power going off."""


def cut_at(step):
    def listen(progress):
        if progress.step >= step:
            raise CutError

    return listen


@pytest.fixture(scope="module", params=PAIRS)
def alone(request, bits, tmp_path_factory):
    """A run that nobody disturbed, with early stopping on and a moving average."""
    path = tmp_path_factory.mktemp("alone") / request.param
    model, learner = PAIRS[request.param]
    return request.param, rv.fit(bits, model, learner, out=path, average=0.9, **settings())


def ending(path):
    last = max((path / "checkpoints").glob("*.safetensors"))
    return (path / "model.safetensors").read_bytes(), last.read_bytes()


@pytest.mark.parametrize("step", [1, 9, 30])
def test_a_run_cut_off_and_resumed_ends_where_the_run_left_alone_ends(alone, bits, tmp_path, step):
    name, undisturbed = alone
    path = tmp_path / "cut"
    model, learner = PAIRS[name]
    with pytest.raises(CutError):
        rv.fit(bits, model, learner, out=path, average=0.9, progress=cut_at(step), **settings())
    assert not (path / "model.safetensors").exists()
    run = rv.resume(path, data=bits, pictures=False, checkpoint_seconds=0.0)
    assert ending(path) == ending(undisturbed.path)
    assert (run.result.best_step, run.step) == (undisturbed.result.best_step, undisturbed.step)
    steps = [line["step"] for line in read(path / "metrics.jsonl")]
    assert steps == sorted(set(steps)), "no step is written twice"


def moved_by(kernel):
    """Particles that a kernel moves whose settings no option gives."""
    learner = rv.learners.StochasticMaximumLikelihood(kernel="nuts", particles=3)
    return dataclasses.replace(learner, sampler=PersistentChains(1, 3, kernel))


CHAINS: dict[str, tuple[str, rv.learners.Learner]] = {
    "momenta in a store": (
        "random-field",
        rv.learners.StochasticMaximumLikelihood(kernel="sghmc", buffer=20, restart=0.3),
    ),
    "chains that tune themselves": ("random-field", moved_by(NoUTurn(warmup=45, doublings=2))),
    "fast weights": ("rbm", rv.learners.FastWeightPCD(particles=5, rate=0.3)),
    "particles at every temperature": ("rbm", rv.learners.TemperedMaximumLikelihood(particles=5, replicas=3)),
    "sequences that change their length": ("trf", rv.learners.AugmentedSA(particles=5)),
}


@pytest.mark.parametrize(("model", "learner"), CHAINS.values(), ids=CHAINS)
def test_chains_go_on_from_a_checkpoint_bit_for_bit(model, learner, tmp_path):
    """The loop alone, since a run of a field would reckon its log Z."""
    loop = worlds.loop_for(model, learner)
    begun = loop.start(worlds.parts_for(model, learner))
    first = jax.tree.map(np.asarray, begun.chain)
    halfway, _ = loop.advance(begun, 35)  # By then chains that tune themselves have begun to reckon their masses.
    checkpoints.save(tmp_path, halfway, None, checkpoints.Progressed(step=35))
    whole, _ = loop.advance(halfway, 7)
    found = checkpoints.newest(tmp_path)
    assert found is not None
    fresh = loop.start(worlds.parts_for(model, learner, seed=2))
    again, _ = checkpoints.state_from(found[0], fresh, None, found[2], "counter")
    moved = [np.any(a != b) for a, b in zip(jax.tree.leaves(again.chain), jax.tree.leaves(first), strict=True)]
    assert sum(moved) > len(moved) / 2
    resumed, _ = loop.advance(again, 7)
    assert worlds.alike(resumed, whole)
    for a, b in zip(jax.tree.leaves(resumed), jax.tree.leaves(whole), strict=True):
        # Keys are compared by what is in them.
        words = jax.random.key_data if jnp.issubdtype(a.dtype, jax.dtypes.prng_key) else np.asarray
        assert np.array_equal(words(a), words(b))


def test_the_newest_checkpoint_that_is_whole_is_used(bits, tmp_path):
    path = tmp_path / "torn"
    model, learner = PAIRS["jsa"]
    whole = rv.fit(bits, model, learner, out=tmp_path / "whole", **settings(patience=None))
    with pytest.raises(CutError):
        rv.fit(bits, model, learner, out=path, progress=cut_at(40), **settings(patience=None))
    last = max((path / "checkpoints").glob("*.safetensors"))
    last.write_bytes(last.read_bytes()[:-7])
    found = checkpoints.newest(path / "checkpoints")
    assert found is not None
    assert found[1].step == 38
    rv.resume(path, data=bits, pictures=False)
    assert ending(path) == ending(whole.path)


def test_when_no_checkpoint_is_whole_that_is_said(bits, tmp_path):
    model, learner = PAIRS["jsa"]
    with pytest.raises(CutError):
        rv.fit(bits, model, learner, out=tmp_path / "run", progress=cut_at(20), **settings())
    for file in (tmp_path / "run" / "checkpoints").glob("*.safetensors"):
        file.write_bytes(b"torn")
    with pytest.raises(rv.InputError, match="every checksum fails"):
        rv.resume(tmp_path / "run", data=bits)


def test_an_opened_run_has_the_parameters_that_were_saved(alone):
    _, run = alone
    opened = rv.load_run(run.path)
    kept, found = jax.tree.leaves(parameters(run.parts)), jax.tree.leaves(parameters(opened.parts))
    assert len(kept) == len(found) > 0
    assert all(np.array_equal(a, b) for a, b in zip(kept, found, strict=True))
    assert opened.log_likelihood == run.log_likelihood
    np.testing.assert_array_equal(opened.sample(5, seed=1), run.sample(5, seed=1))


def test_the_same_seed_gives_the_same_run_and_another_seed_another(bits, tmp_path):
    model, learner = PAIRS["jsa"]
    files = []
    changes: list[dict[str, Any]] = [{}, {}, {"seed": 1}, {"prng": "threefry"}]
    for number, change in enumerate(changes):
        run = rv.fit(bits, model, learner, out=tmp_path / str(number), **settings(steps=5, **change))
        files.append((run.path / "model.safetensors").read_bytes())
    assert files[0] == files[1]
    assert len(set(files)) == 3


def test_a_direction_that_is_not_finite_stops_the_run_and_keeps_the_last_good_state(bits, tmp_path):
    continuous = rv.data.load(np.random.default_rng(0).normal(size=(64, 3)), valid=0.2, test=0.2)
    with pytest.raises(NonFiniteError, match="'model' was not finite at step") as caught:
        rv.fit(
            continuous,
            rv.models.RealNVP(layers=2, width=4),
            rv.learners.MaximumLikelihood(),
            out=tmp_path / "run",
            **settings(learning_rate=1e30, steps=50),
        )
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(parameters(caught.value.state.parts)))
    run = rv.load_run(tmp_path / "run")
    assert run.status == "failed"
    assert f"step {caught.value.step}" in run.result.why


def test_early_stopping_keeps_the_best_parameters(bits, tmp_path):
    run = rv.fit(
        bits,
        rv.models.MADE(hidden=(64,)),
        rv.learners.MaximumLikelihood(),
        out=tmp_path / "run",
        **settings(steps=2000, learning_rate=3e-2, patience=3),
    )
    values = {
        line["step"]: line["validation"]["value"] for line in read(run.path / "metrics.jsonl") if "validation" in line
    }
    assert run.step < 2000
    assert run.result.best_step == max(values, key=values.__getitem__) < run.step


def test_config_and_result_are_json_that_others_can_read(alone):
    _, run = alone
    config = json.loads((run.path / "config.json").read_text())
    assert config["seed"] == 0
    assert {"jax", "python", "reverie"} <= set(config["versions"])
    assert len(config["data"]["fingerprint"]) == 64
    assert read_config(run.path) == run.config
    result = json.loads((run.path / "result.json").read_text())
    assert set(result["log_likelihood"]) == {"value", "se", "kind", "unit", "n", "ess", "warnings"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"steps": None, "epochs": -1.0}, "epochs must be positive"),
        ({"epochs": 1.0}, "steps or epochs, not both"),
        ({"steps": None, "budget": "soon"}, "not a time"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"learning_rate": -1.0}, "learning rate must be positive"),
        ({"learning_rate": {"critic": 1.0}}, "no moved part 'critic'"),
        ({"optimiser": {"clip": -1.0}}, "clip must be positive"),
        ({"optimiser": {"speed": 1.0}}, "optimiser's settings are off"),
        ({"average": 1.5}, "moving average"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"prng": "dice"}, "no generator 'dice'"),
        ({"steps": None, "budget": "1m", "optimiser": {"schedule": "cosine"}}, "needs a number of steps"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_before_anything_is_written(bits, tmp_path, change, message):
    with pytest.raises(rv.InputError, match=message) as caught:
        rv.fit(bits, *PAIRS["jsa"], out=tmp_path / "run", **settings(**change))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_what_the_first_step_refuses_leaves_no_folder(tmp_path):
    few = rv.data.load(np.random.default_rng(0).normal(size=(30, 3)), valid=0.2, test=0.2)
    with pytest.raises(rv.InputError, match="components"):
        rv.fit(few, rv.models.GaussianMixture(count=25), rv.learners.EM(), out=tmp_path / "run", **settings())
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_something_is_never_written_into(bits, tmp_path):
    (tmp_path / "thesis.tex").write_text("five years")
    with pytest.raises(rv.InputError, match="exists already"):
        rv.fit(bits, *PAIRS["jsa"], out=tmp_path, **settings())
    with pytest.raises(rv.InputError, match="not a run folder"):
        remove_run(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "five years"


def test_runs_are_listed_and_a_broken_one_is_said_to_be_broken(bits, tmp_path):
    rv.fit(bits, *PAIRS["jsa"], out=tmp_path / "good", **settings(steps=2))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "config.json").write_text("{")
    found = {run.path.rsplit("/", 1)[1]: run.status for run in list_runs(tmp_path)}
    assert found["good"] == "finished"
    assert found["bad"].startswith("broken: ")
    remove_run(tmp_path / "good")
    assert [run.path for run in list_runs(tmp_path)] == [str(tmp_path / "bad")]


def test_resume_refuses_data_that_have_changed(bits, tmp_path):
    with pytest.raises(CutError):
        rv.fit(bits, *PAIRS["jsa"], out=tmp_path / "run", progress=cut_at(3), **settings())
    with pytest.raises(rv.InputError, match="came from memory"):
        rv.resume(tmp_path / "run")
    other = rv.data.load(1 - np.asarray(bits.train.raw), valid=0.2, test=0.2)
    with pytest.raises(rv.InputError, match="has changed"):
        rv.resume(tmp_path / "run", data=other)


def test_a_finished_run_goes_further_when_given_a_new_end(bits, tmp_path):
    run = rv.fit(bits, *PAIRS["jsa"], out=tmp_path / "run", **settings(steps=4, patience=None))
    with pytest.raises(rv.InputError, match="is finished"):
        rv.resume(run.path, data=bits)
    assert rv.resume(run.path, data=bits, steps=9, pictures=False).step == 9


CHILD = """
import sys
import reverie as rv
model, learner = rv.models.SigmoidBeliefNet((4,)), rv.learners.JSA(moves=2)
say = lambda progress: print(progress.step, flush=True)
rv.fit("digits", model, learner, steps=10**6, patience=None, pictures=False, out=sys.argv[1], progress=say)
"""


def test_sigterm_saves_and_ends_cleanly(tmp_path):
    path = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    run = rv.load_run(path)
    assert run.status == "interrupted"
    found = checkpoints.newest(path / "checkpoints")
    assert found is not None
    assert found[1].step == run.step > 0


LATER = """
import sys
import reverie as rv
run = rv.load_run(sys.argv[1])
print(run.sample(3, seed=2).tolist())
"""


def test_another_process_opens_a_flow_whose_layers_remember_their_shapes(tmp_path):
    flow = rv.models.RealNVP(layers=2, width=4)
    run = rv.fit("moons", flow, rv.learners.MaximumLikelihood(), out=tmp_path / "run", **settings(steps=2))
    said = subprocess.run([sys.executable, "-c", LATER, str(run.path)], capture_output=True, text=True, check=True)
    np.testing.assert_allclose(json.loads(said.stdout), run.sample(3, seed=2), rtol=1e-5)


def test_missing_values_are_refused_rather_than_learned(tmp_path):
    raw = np.random.default_rng(0).normal(size=(60, 3))
    raw[3, 1] = np.nan
    with pytest.raises(rv.InputError, match="missing='drop'"):
        rv.fit(rv.data.load(raw, missing="mask"), "vae", out=tmp_path / "run", **settings())
    assert not (tmp_path / "run").exists()
