"""Sigmoid belief nets on fixed binarised MNIST by every learner of discrete codes, for one budget.

The set of Larochelle & Murray (50,000 / 10,000 / 10,000 rows). A belief net of 200 bits, or of 200 and 200, affine
between the layers; the inference model is a belief net from x upwards, affine too, or (`--inference nade`) one whose
bits depend on each other. Each learner gets the same epochs, batches and choice of rates for Adam. Of a learner's
runs, one a rate, the one with the best bound on the 10,000 validation rows is judged on the test rows, once; no other
run sees them. A run keeps the parameters of its best of 40 validations (500 rows, 100 codes). The figure is the
negated bound L_K, K = 1,000 codes from the inference model, on all test rows, with its standard error over them, and
the negated evidence lower bound beside it.

Each run is a folder under `--runs`, each result a line of `--out`, written as it is found. What is there already is
not done again, and a run that was cut is taken up where it was: repeat the command.

    REVERIE_DATA=… python benchmarks/discrete_mnist.py --epochs 200 --out discrete.jsonl
    python benchmarks/discrete_mnist.py --table --out discrete.jsonl      the table, in Markdown
    REVERIE_DATA=… python benchmarks/discrete_mnist.py --pace             minutes that the command would take
"""

import argparse
import json
import sys
import time
from pathlib import Path

from machine import describe

import reverie as rv
from reverie import noise
from reverie.data import Dataset, Identity, Rows
from reverie.evaluation import bounds
from reverie.loop import Loop, NonFiniteError
from reverie.pairing import check, fill, make_learner, make_part

# Test negative log-likelihood in nats, by inference model and net; an m marks figures quoted from memory.
PUBLISHED = {
    ("belief-net", "200"): {
        "wake-sleep": "120.8",
        "reinforce": "164.0",
        "nvil": "113.1",
        "muprop": "≤ 113.0",
        "gumbel": "107.3",
        "rebar": "107.7",
        "arm": "107.2 ± 0.1",
        "rws": "103.1 (m)",
    },
    ("belief-net", "200-200"): {
        "wake-sleep": "107.7",
        "reinforce": "159.2",
        "nvil": "99.8",
        "muprop": "≤ 100.4",
        "gumbel": "95.6",
        "rebar": "95.4",
        "arm": "96.7 ± 0.3",
        "rws": "93.4 (m)",
    },
    ("nade", "200"): {"rws": "95.0 (m)"},
    ("nade", "200-200"): {"rws": "91.1 (m)"},
}
OPTIONS = {"vimco": {"k": 5}, "rws": {"k": 5}, "jsa": {"moves": 5}}
LEARNERS = ("wake-sleep", "reinforce", "nvil", "muprop", "gumbel", "rebar", "arm", "vimco", "rws", "jsa")
COUNTS = ("k", "moves", "samples")
WHOLE = 10**6
"""A patience that never stops a run, and keeps its best parameters."""


def options_of(name, given):
    """The learner's options: those above, and those of `--set`."""
    found = dict(OPTIONS.get(name, {}))
    for word in given.set:
        key, value = word.split("=", 1)
        learner, option = key.split(".", 1)
        if learner == name:
            found[option] = value
    return dict(make_learner(name, found).options)


def pair_of(net, name, given):
    """Model, learner and inference model, blank."""
    model = rv.models.SigmoidBeliefNet(tuple(int(size) for size in net.split("-")))
    return model, make_learner(name, options_of(name, given)), make_part("inference", given.inference, {})


def setting(net, name, given):
    """What makes a learner's runs comparable: all but the rate."""
    fields = ("inference", "epochs", "batch", "schedule", "seed", "rows")
    return {"net": net, "learner": name, "options": options_of(name, given)} | {
        field: getattr(given, field) for field in fields
    }


def lines_of(path):
    """What is known already; a line that was cut short is passed over."""
    found = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return found


def known(given, kind, **wanted):
    """The lines of a kind with such fields."""
    return [
        line
        for line in lines_of(given.out)
        if line["kind"] == kind and all(line.get(name) == value for name, value in wanted.items())
    ]


def write(given, line):
    """A line more."""
    given.out.parent.mkdir(parents=True, exist_ok=True)
    cut = given.out.is_file() and not given.out.read_bytes().endswith(b"\n") and given.out.stat().st_size > 0
    with given.out.open("a", encoding="utf-8") as file:
        file.write(("\n" if cut else "") + json.dumps(line, ensure_ascii=False) + "\n")
    print(json.dumps(line, ensure_ascii=False), flush=True)


def without_test(data):
    """The data as a run sees them: its last figure is then that of the validation rows."""
    return Dataset(**{**vars(data), "test": data.test[:0]})


def tell(progress):
    """A line on standard error at each validation."""
    if progress.validation is not None:
        note = f"  step {progress.step} of {progress.last}, {progress.seconds:.0f} s: "
        print(note + f"validation {-progress.validation.value:.2f}", file=sys.stderr, flush=True)


def trained(data, net, name, rate, given):
    """The run at a rate: opened where it has ended, taken up where it was cut, begun where it is new."""
    usual = make_learner(name).options
    words = [f"{key}{value}" for key, value in options_of(name, given).items() if value != usual[key]]
    stem = "_".join([net, name, *words, given.inference, f"{given.epochs}x{given.batch}", given.schedule, f"{rate:g}"])
    path = given.runs / f"{stem}_seed{given.seed}_rows{given.rows}"
    if path.is_dir():
        if (path / "result.json").is_file() and rv.load_run(path).status == "finished":
            return path.name, rv.load_run(path)
        return path.name, rv.resume(path, data=data, pictures=False, progress=tell)
    model, learner, inference = pair_of(net, name, given)
    run = rv.fit(
        data,
        model,
        learner,
        parts={"inference": inference},
        epochs=given.epochs,
        batch=given.batch,
        learning_rate=rate,
        optimiser={"schedule": given.schedule},
        patience=WHOLE,
        seed=given.seed,
        out=path,
        pictures=False,
        progress=tell,
    )
    return path.name, run


def train(data, net, name, given):
    """A run for each rate, each with its figure on the validation rows."""
    same = setting(net, name, given)
    for rate in given.rates:
        if known(given, "run", rate=rate, **same):
            continue
        print(f"{net} {name} at {rate:g}", file=sys.stderr, flush=True)
        line = {"kind": "run", **same, "rate": rate}
        try:
            folder, run = trained(data, net, name, rate, given)
        except NonFiniteError as error:
            write(given, line | {"failed": str(error)})
            continue
        if run.status != "finished":
            sys.exit(f"{run.path} was interrupted; repeat the command to go on")
        found = run.log_likelihood
        figures = {"valid_nll": round(-found.value, 3), "valid_se": round(found.se, 3)}
        times = {"seconds": round(run.seconds, 1), "steps": run.step, "best_step": run.result.best_step}
        write(given, line | figures | times | {"folder": folder, "machine": describe()})


def judge(data, net, name, given):
    """The run that is best on the validation rows, on the test rows."""
    same = setting(net, name, given)
    runs = [line for line in known(given, "run", **same) if line["rate"] in given.rates and "failed" not in line]
    if not runs:
        return
    best = min(runs, key=lambda line: line["valid_nll"])
    chosen = {"rate": best["rate"], "samples": given.samples}
    if known(given, "test", **same, **chosen):
        return
    run = rv.load_run(given.runs / best["folder"])
    began = time.perf_counter()
    found = bounds(run.parts, run.measure, data.test.raw, noise.make_key(1), samples=given.samples)
    (_, likelihood) = found.curve[-1]
    line = {
        "kind": "test",
        **same,
        **chosen,
        "nll": round(-likelihood.value, 3),
        "se": round(likelihood.se, 3),
        "ess": None if likelihood.ess is None else round(likelihood.ess, 1),
        "elbo": round(found.elbo.value, 3),
        "warnings": list(likelihood.warnings),
        "rates": given.rates,
        "train_seconds": best["seconds"],
        "judging_seconds": round(time.perf_counter() - began, 1),
    }
    write(given, line)


def pace(data, net, name, given):
    """Minutes of training of all rates, by the pace of some steps."""
    model, learner, inference = pair_of(net, name, given)
    parts = fill(check(model, learner, {"inference": inference}), noise.make_key(given.seed), data.spec)
    loop = Loop(learner, data.train, data.measure, noise.make_key(1), batch=given.batch)
    state, _ = loop.advance(loop.start(parts), 20)
    began = time.perf_counter()
    steps = 0
    while time.perf_counter() - began < given.seconds:
        state, _ = loop.advance(state, 20)
        steps += 20
    each = (time.perf_counter() - began) / steps
    whole = each * loop.batches.per_epoch * given.epochs * len(given.rates) / 60
    print(f"{net} {name}: {1000 * each:.2f} ms a step, {whole:.0f} min for {len(given.rates)} rates", flush=True)
    return whole


def table(given):
    """The lines of the file as Markdown, one table for each inference model, budget and net."""
    tests = [line for line in lines_of(given.out) if line["kind"] == "test"]
    kinds = {(line["inference"], line["epochs"], line["batch"], line["schedule"], line["net"]) for line in tests}
    for inference, epochs, batch, schedule, net in sorted(kinds):
        print(f"\n**SBN {net}, inference {inference}**: {epochs} epochs, batches of {batch}, Adam, {schedule} rate\n")
        print("| learner | test NLL | published | −ELBO | rate (of) | ESS | minutes |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        here = {"inference": inference, "epochs": epochs, "batch": batch, "schedule": schedule, "net": net}
        # The last line of a learner and its options stands; earlier ones had fewer rates to choose from.
        rows = {}
        for line in tests:
            if all(line[name] == value for name, value in here.items()):
                rows[line["learner"], json.dumps(line["options"], sort_keys=True)] = line
        published = PUBLISHED.get((inference, net), {})
        for (name, _), line in sorted(rows.items(), key=lambda item: item[1]["nll"]):
            usual = make_learner(name).options
            told = {key: value for key, value in line["options"].items() if key in COUNTS or value != usual[key]}
            options = ", ".join(f"{key} {value}" for key, value in told.items())
            grid = ", ".join(f"{rate:g}" for rate in line["rates"])
            print(
                f"| {name}{f' ({options})' if options else ''} | {line['nll']:.2f} ± {line['se']:.2f} "
                f"| {published.get(name, '–')} | {-line['elbo']:.2f} | {line['rate']:g} ({grid}) "
                f"| {line['ess'] or float('nan'):.0f} | {line['train_seconds'] / 60:.0f} |"
            )


def data_of(given):
    """The bits; fewer of them, or random ones, to try the benchmark itself."""
    data = rv.data.load("binarized-mnist")
    if given.rows is None:
        return data
    few: dict[str, Rows] = {name: getattr(data, name)[: given.rows] for name in ("train", "valid", "test")}
    assert isinstance(data.measure, Identity)
    return Dataset(**{**vars(data), **few, "recipe": None})


def main() -> None:
    """Train and judge, or say what is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", nargs="+", default=list(LEARNERS))
    parser.add_argument("--nets", nargs="+", default=["200", "200-200"], help="units of each layer, next to x first")
    parser.add_argument("--inference", default="belief-net", help="belief-net or nade")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[3e-4, 1e-3], help="of Adam, chosen on validation rows"
    )
    parser.add_argument("--schedule", choices=("constant", "cosine", "linear"), default="cosine")
    parser.add_argument("--set", nargs="*", default=[], metavar="LEARNER.OPTION=VALUE", help="such as rws.k=10")
    parser.add_argument("--samples", type=int, default=1000, help="K of the test figure")
    parser.add_argument("--rows", type=int, help="of each part of the data, to try the benchmark itself")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs/discrete_mnist"), help="where the run folders go")
    parser.add_argument("--out", type=Path, default=Path("discrete_mnist.jsonl"))
    parser.add_argument("--table", action="store_true", help="print the table and do nothing else")
    parser.add_argument("--pace", action="store_true", help="time some steps of each learner and do nothing else")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long --pace times each learner")
    given = parser.parse_args()
    if given.table:
        table(given)
        return
    data = data_of(given)
    print(describe(), file=sys.stderr)
    if given.pace:
        total = sum(pace(data, net, name, given) for net in given.nets for name in given.learners)
        print(f"{total / 60:.1f} h of training in all")
        return
    for net in given.nets:
        for name in given.learners:
            try:
                train(without_test(data), net, name, given)
            except rv.InputError as error:
                print(f"{net} {name}: {error}", file=sys.stderr, flush=True)
                continue
            judge(data, net, name, given)


if __name__ == "__main__":
    main()
