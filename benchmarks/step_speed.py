"""Milliseconds a training step, ours and PyTorch's by hand, in turns in one run: what both do is the same.

    vae      784-200-200-50 with tanh, batches of 100, the evidence lower bound with its divergence in closed form
    iwae     the same networks, batches of 20, the bound of K = 50
    others   a sigmoid belief net of 200 units, affine both ways, batches of 100, K = 10 codes for each row (wake-sleep
             has one, and a dream), by each learner of discrete codes
    pcd-1    a restricted Boltzmann machine of 500 hidden units, 100 particles that persist, one sweep a step
    cd-25    the same machine, 25 sweeps from the data
    langevin a random field 784-500-500-1 of reals (the bits with uniform noise), 60 Langevin moves a step of 100 chains
             out of a store of 10,000, one in twenty of which begins anew

Fixed binarised MNIST where it is found (`REVERIE_DATA`), else bits of that size. Adam at 1e-3 for all parts. A step is
all of it: the batch is looked up, codes are drawn, every part moves, and on our side norms are taken and what is not
finite is caught. Both sides first take `--warm` steps, so that gradients have shrunk; then each form in turn takes
`--steps`, `--rounds` times. The ratio is that of the least times: the best form of PyTorch over ours. PyTorch's forms
(eager, fused, compiled) are those of `_torch_steps.py`, run by an interpreter that has torch, which we do not need.
With `--clock cpu` the time is that of the process's own work, which other work beside it hardly changes; it is the time
of a step on a quiet machine where there is one thread (`taskset -c 0` with `OMP_NUM_THREADS=1`), and only there.
Denormal numbers are flushed to zero on both sides: XLA always does, and PyTorch is told to.

Last comes each side's mean figure over its last steps (a bound, in nats, on the batches it was fitted to; relaxed
learners have a bound of relaxed codes): both learn the same thing.

`--packages` names an interpreter that has scikit-learn, learnergy, ebmkit or torchebm beside torch: those of them that
have a case of the unnormalised models join its rounds, by their own classes (`_package_steps.py`).

    REVERIE_DATA=… python benchmarks/step_speed.py --torch /path/to/python [--packages /path/to/python]
        [--cases vae rws] [--out step_speed.json]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from machine import describe

import reverie as rv
from reverie import noise
from reverie.loop import Loop
from reverie.pairing import check, fill, make_learner

FORMS = ("eager", "fused", "compiled")
PACKAGES = ("sklearn", "learnergy", "ebmkit", "torchebm")
PACKAGED = ("pcd-1", "cd-25", "langevin")
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
K, REST = 10, 0.3
DEEP = {"latent": 50, "hidden": (200, 200)}
# Learner, its options, its batch, and what it says of itself that PyTorch's side says too.
CASES = {
    "vae": ("elbo", {"kl": "closed"}, 100, "elbo"),
    "iwae": ("iwae", {"k": 50}, 20, "iw_bound"),
    "rws": ("rws", {"k": K}, 100, "iw_bound"),
    "vimco": ("vimco", {"k": K}, 100, "iw_bound"),
    "jsa": ("jsa", {"moves": K}, 100, None),
    "wake-sleep": ("wake-sleep", {}, 100, "iw_bound"),
    "reinforce": ("reinforce", {"samples": K}, 100, "iw_bound"),
    "nvil": ("nvil", {"samples": K}, 100, "elbo"),
    "muprop": ("muprop", {"samples": K}, 100, "elbo"),
    "gumbel": ("gumbel", {"samples": K, "rate": 0.0}, 100, "relaxed_elbo"),
    "st-gumbel": ("gumbel", {"samples": K, "rate": 0.0, "hard": True}, 100, "relaxed_elbo"),
    "rebar": ("rebar", {"samples": K}, 100, "elbo"),
    "relax": ("relax", {"samples": K}, 100, "elbo"),
    "straight-through": ("straight-through", {"samples": K}, 100, "relaxed_elbo"),
    "arm": ("arm", {"samples": K}, 100, "elbo"),
    "pcd-1": ("pcd", {"k": 1}, 100, "potential_data"),
    "cd-25": ("cd", {"k": 25}, 100, "potential_data"),
    "langevin": ("pcd", {"k": 60, "buffer": 10_000, "kernel": "langevin", "step": 1e-3}, 100, "potential_data"),
}


def parts_of(case, learner):
    """A case's model, its learner and the parts that are given."""
    if case in ("pcd-1", "cd-25"):
        return rv.models.RBM(hidden=500), learner
    if case == "langevin":
        return rv.models.RandomField(hidden=(500, 500)), learner
    if case in ("vae", "iwae"):
        model, posterior = rv.models.VAE(**DEEP), rv.inference.GaussianPosterior(hidden=DEEP["hidden"])
    else:
        model, posterior = rv.models.SigmoidBeliefNet((200,)), rv.inference.SigmoidBeliefPosterior()
    return model, learner, {"inference": posterior}


class Ours:
    """A loop, warm."""

    def __init__(self, case, data):
        name, options, batch, self.figure = CASES[case]
        learner = make_learner(name, options)
        parts = fill(check(*parts_of(case, learner)), noise.make_key(0), data.spec)
        self.loop = Loop(learner, data.train, data.measure, noise.make_key(1), batch=batch)
        self.state = self.loop.start(parts)

    def run(self, steps, clock):
        """Seconds for so many steps, and the mean figure of them."""
        tell = CLOCKS[clock]
        began, done, said = tell(), 0, {}
        while done < steps:
            count = min(steps - done, self.loop.capacity)
            self.state, info = self.loop.advance(self.state, count)
            said = {name: said.get(name, 0.0) + value for name, value in info.items()}
            done += count
        jax.block_until_ready(self.state.parts)
        figure = said[self.figure] / steps if self.figure in said else None
        return tell() - began, figure


class Theirs:
    """A process of another interpreter, which answers requests."""

    def __init__(self, python, rows, case, name="_torch_steps.py"):
        script = Path(__file__).with_name(name)
        self.process = subprocess.Popen(
            [python, str(script), str(rows), case], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.told = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[1]} ended with status {self.process.wait()}")
        return json.loads(line)

    def run(self, form, steps, clock):
        """Seconds for so many steps, and the mean figure of them; or what went wrong."""
        self.process.stdin.write(json.dumps({"form": form, "steps": steps, "clock": clock}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def rows_for():
    """The data, and whether they are the digits."""
    try:
        return rv.data.load("binarized-mnist"), "fixed binarised MNIST"
    except rv.errors.InputError:
        bits = np.random.default_rng(0).random((60_000, 784)) < np.linspace(0.02, 0.4, 784)
        return rv.data.load(bits), "generated bits of 784 columns, since REVERIE_DATA has no binarised MNIST"


def reals_of(data):
    """The bits with uniform noise, standardised."""
    bits = np.asarray(data.train.raw, np.float32)
    reals = bits + np.random.default_rng(0).random(bits.shape, np.float32)
    return rv.data.load((reals - reals.mean(0)) / reals.std(0))


def flushes():
    """Whether XLA takes a denormal number for zero."""
    return not np.any(jax.jit(lambda a: a * 0.5)(jnp.full(4096, 1.5e-38, jnp.float32)))


def has_torch(python):
    """Whether an interpreter has torch."""
    if python is None:
        return False
    found = subprocess.run([python, "-c", "import torch, numpy"], capture_output=True, text=True, check=False)
    return found.returncode == 0


def compare(case, data, rows, given):
    """The times of a case: form -> milliseconds a step, round after round; and each form's figure."""
    sides = {"ours": Ours(case, data).run}
    theirs = Theirs(given.torch, rows, case) if given.torch else None
    packages = Theirs(given.packages, rows, case, "_package_steps.py") if given.packages and case in PACKAGED else None

    def form_of(side, form):
        def run(steps, clock):
            answer = side.run(form, steps, clock)
            if "error" in answer:
                raise RuntimeError(answer["error"])
            return answer["seconds"], answer["figure"]

        return run

    sides |= {form: form_of(theirs, form) for form in given.forms if theirs is not None}
    sides |= {form: form_of(packages, form) for form in (packages.told["forms"] if packages is not None else ())}
    times, figures, failed = {name: [] for name in sides}, {}, {}
    for turn in range(-1, given.rounds):
        for name, run in sides.items():
            if name in failed:
                continue
            time.sleep(REST)  # Threads of the other side that still wait for work go to sleep.
            try:
                seconds, figures[name] = run(given.steps if turn >= 0 else given.warm, given.clock)
            except RuntimeError as error:
                failed[name] = str(error).splitlines()[0]
                print(f"{case}, {name}: {failed[name]}", file=sys.stderr, flush=True)
                continue
            if turn >= 0:
                times[name].append(1000 * seconds / given.steps)
    told = {}
    for side in (theirs, packages):
        if side is not None:
            told |= side.told
            side.close()
    return {"case": case, "times": times, "figures": figures, "failed": failed, "told": told}


def row_of(found, forms):
    """A line of the table."""
    times = {name: values for name, values in found["times"].items() if values}
    shown = {name: f"{min(values):.2f} / {np.median(values):.2f}" for name, values in times.items()}
    cells = [found["case"], shown["ours"], *(shown.get(form, "—") for form in forms)]
    best = min((name for name in times if name in FORMS), key=lambda name: min(times[name]), default=None)
    packaged = min((name for name in times if name in PACKAGES), key=lambda name: min(times[name]), default=None)
    for against in (best, packaged) if set(forms) & set(PACKAGES) else (best,):
        if against is None:
            cells += ["—", "—"]
            continue
        least = min(times[against]) / min(times["ours"])
        middle = np.median(times[against]) / np.median(times["ours"])
        cells += [f"{least:.2f}", f"{middle:.2f}"]
    number = lambda name: "—" if found["figures"].get(name) is None else f"{found['figures'][name]:.1f}"
    return "| " + " | ".join([*cells, number("ours"), number(best)]) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", help="an interpreter that has torch and numpy; without it ours alone are timed")
    parser.add_argument("--packages", help="an interpreter that has some of the packages, torch and numpy")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--warm", type=int, default=1500, help="steps before the first that counts")
    parser.add_argument("--steps", type=int, default=150, help="of each form in a round")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="a file that gets all times, one JSON object a line")
    given = parser.parse_args()
    data, what = rows_for()
    given.torch = given.torch if has_torch(given.torch) else None
    given.packages = given.packages if has_torch(given.packages) else None
    forms = [*given.forms, *(PACKAGES if given.packages else ())]
    with tempfile.TemporaryDirectory() as folder:
        found = []
        print(f"{describe()}; {what}", flush=True)
        print(f"load average {os.getloadavg()[0]:.1f} at the start; XLA flushes denormals: {flushes()}", flush=True)
        if not given.torch:
            print("No torch: --torch names an interpreter that has torch and numpy. Ours alone.", flush=True)
        for case in given.cases:
            seen = reals_of(data) if case == "langevin" else data
            rows = Path(folder) / "rows.npy"
            np.save(rows, np.asarray(seen.train.raw))
            found.append(compare(case, seen, rows, given))
            if given.out is not None:
                with given.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found[-1]) + "\n")
            if len(found) == 1:
                told = found[0]["told"]
                if given.torch:
                    print(f"torch {told['torch']}, {told['threads']} threads, denormals flushed: {told['flushed']}")
                if "versions" in told:
                    print("packages: " + ", ".join(f"{name} {one}" for name, one in told["versions"].items()))
                print(f"{given.warm} steps before, then {given.rounds} rounds of {given.steps}; ms least / median\n")
                ends = ["torch / ours, least", "the same, median"]
                ends += ["package / ours, least", "the same, median"] if given.packages else []
                head = ["case", "ours", *forms, *ends, "figure, ours", "figure, torch"]
                print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
            print(row_of(found[-1], forms), flush=True)
    print(f"\nload average {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
