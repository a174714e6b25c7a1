"""Words that are wrong: options, pairs, commands, and places that cannot be written."""

from collections.abc import Iterator

from tests.cli.cases import GOOD, Case


def settings() -> Iterator[Case]:
    """Options of `fit` that cannot be meant."""
    wrong: dict[str, tuple[str, ...]] = {
        "steps": ("0", "-5", "x", "1.5", "1e3", "", "nan", "inf", "9" * 10, "9" * 22, "9" * 60, "1,00"),
        "epochs": ("0", "-1", "nan", "inf", "x", "", "1e30"),
        "budget": ("0", "-1s", "x", "", "nan", "inf", "5y", "1e3"),
        "seed": ("-1", "1.5", "x", "9" * 20, ""),
        "batch": ("0", "-1", "x", "2.5"),
        "learning-rate": ("0", "-1", "nan", "inf", "x", "", "model=", "zebra=1", "model=1,model=2", "=1", "model=-1"),
        "ema": ("0", "1", "-1", "2", "nan", "x"),
        "patience": ("0", "-1", "x", "1.5"),
        "prng": ("mersenne", ""),
        "valid": ("-1", "1.0", "nan", "inf", "2000", "x", "1.5"),
        "test": ("-1", "1.0", "nan", "5000", "x"),
        "data-seed": ("-1", "x", "1.5"),
        "measure": ("zebra", "", "binarise+binarise", "logit+", "dequantize+onehot"),
        "missing": ("guess", ""),
        "schema": ("no-such.json", ".", ""),
        "model": ("zebra", "", "vea", "reverie.models.VAE"),
        "learner": ("zebra", "", "jsaa", "mle,em"),
        "inference": ("zebra", ""),
        "critic": ("zebra",),
    }
    for name, values in wrong.items():
        for place, value in enumerate(values):
            yield Case(f"{name}-{place}-{value[:14] or 'empty'}", ("fit", "digits", f"--{name}={value}"))
    yield Case("seed-nan", ("fit", "digits", "--seed", "nan"))
    yield Case("steps-and-epochs", ("fit", "digits", "--steps", "5", "--epochs", "1"))
    yield Case("steps-twice", ("fit", "digits", "--steps", "5", "--steps", "6"))
    yield Case("steps-without-value", ("fit", "digits", "--steps"))
    yield Case("splits-too-large", ("fit", "digits", "--valid", "0.6", "--test", "0.6"))
    yield Case("binarize-and-logit", ("fit", "digits", "--binarize", "--measure", "logit"))
    yield Case("dequantise-numbers", ("fit", "moons", "--measure", "dequantise"))
    yield Case("logit-numbers", ("fit", "moons", "--measure", "logit"))
    yield Case("one-hot-numbers", ("fit", "moons", "--measure", "one-hot"))
    schemas = {
        "empty": "",
        "garbage": "{not json",
        "list": "[1, 2]",
        "unknown-field": '{"colums": []}',
        "no-columns": '{"columns": []}',
        "other-columns": '{"columns": [{"name": "zebra", "kind": "continuous"}]}',
        "unknown-kind": '{"columns": [{"name": "a", "kind": "purple"}]}',
        "twice": '{"columns": [{"name": "a", "kind": "binary"}, {"name": "a", "kind": "binary"}]}',
        "number": "3",
        "null": "null",
        "deep": "[" * 5000,
        "image": '{"image": [0, 2, 1]}',
    }
    for name, content in schemas.items():
        files: dict[str, bytes | str] = {"t.csv": GOOD, "s.json": content}
        yield Case(f"schema-{name}", ("fit", "t.csv", "--schema", "s.json"), files)


def pairs() -> Iterator[Case]:
    """Pairs that do not fit, and options of parts."""
    unfitting = {
        "sbn-mle": ("digits", "--model", "sbn", "--learner", "mle"),
        "realnvp-jsa": ("moons", "--model", "realnvp", "--learner", "jsa"),
        "gan-on-sbn": ("digits", "--model", "sbn", "--learner", "gan"),
        "rbm-on-numbers": ("moons", "--model", "rbm", "--learner", "cd"),
        "realnvp-on-bits": ("digits", "--model", "realnvp"),
        "made-on-numbers": ("moons", "--model", "made", "--learner", "mle"),
        "em-of-a-flow": ("digits", "--model", "realnvp", "--learner", "em"),
        "unused-inference": ("digits", "--model", "made", "--inference", "gaussian"),
        "unused-critic": ("digits", "--model", "sbn", "--learner", "jsa", "--critic", "critic"),
        "inference-of-other-kind": ("digits", "--model", "sbn", "--learner", "jsa", "--inference", "gaussian"),
        "mixture-on-bits": ("digits", "--model", "gaussian-mixture", "--learner", "em"),
    }
    for name, words in unfitting.items():
        yield Case(name, ("fit", *words))
    sbn = ("fit", "digits", "--model", "sbn", "--learner", "jsa")
    wrong = (
        ("--model.sizes", ""),
        ("--model.sizes", "0"),
        ("--model.sizes", "-5"),
        ("--model.sizes", "a,b"),
        ("--model.sizes", "50,,x"),
        ("--model.sizes", "1.5"),
        ("--model.sizes", "nan"),
        ("--model.sizes", "9" * 30),
        ("--model.size", "5"),
        ("--model.zebra", "5"),
        ("--learner.moves", "0"),
        ("--learner.moves", "-1"),
        ("--learner.moves", "1.5"),
        ("--learner.moves", "x"),
        ("--learner.move", "3"),
        ("--zebra.sizes", "5"),
        ("--optimiser.clip", "0"),
        ("--optimiser.clip", "-1"),
        ("--optimiser.clip", "nan"),
        ("--optimiser.clip", "x"),
        ("--optimiser.name", "zebra"),
        ("--optimiser.momentum", "2"),
        ("--optimiser.momentum", "nan"),
        ("--optimiser.schedule", "zebra"),
        ("--optimiser.warmup", "-1"),
        ("--optimiser.half", "0"),
        ("--optimiser.decay", "nan"),
        ("--optimiser.rate", "-1"),
        ("--optimiser.zebra", "1"),
        ("--part", "baseline"),
        ("--part", "zebra=baseline"),
        ("--part", "critic=zebra"),
        ("--part", "critic=critic"),
        ("--inference.hidden", "0"),
        ("--inference.activation", "zebra"),
        ("--critic.hidden", "5"),
        ("--model.", "5"),
        ("--.sizes", "5"),
        ("--model.sizes",),
        ("--model.sizes", "--seed", "3"),
        ("--model.sizes=5", "--model.sizes=6"),
    )
    for place, words in enumerate(wrong):
        yield Case(f"option-{place}-{'='.join(words)[:28]}", (*sbn, *words))
    others = (
        ("vae", "elbo", "--model.scale", "0"),
        ("vae", "elbo", "--model.scale", "nan"),
        ("vae", "elbo", "--model.latent", "0"),
        ("vae", "elbo", "--model.activation", "zebra"),
        ("vae", "iwae", "--learner.k", "0"),
        ("vae", "elbo", "--learner.beta", "nan"),
        ("vae", "elbo", "--learner.beta", "-1"),
        ("rbm", "cd", "--learner.k", "0"),
        ("rbm", "pcd", "--model.hidden", "-3"),
        ("made", "mle", "--model.orders", "0"),
        ("sbn", "rws", "--learner.wake-theta", "perhaps"),
        ("sbn", "jsa", "--optimiser.schedule", "cosine", "--budget", "5s"),
    )
    for model, learner, *rest in others:
        name = f"{model}-{learner}-{'='.join(rest)[2:30]}"
        yield Case(name, ("fit", "digits", "--model", model, "--learner", learner, *rest))


def commands() -> Iterator[Case]:
    """Words that make no command, places that cannot be written, and questions that a run cannot answer."""
    wrong: tuple[tuple[str, ...], ...] = (
        ("zebra",),
        ("fitt", "digits"),
        ("--zebra",),
        ("fit",),
        ("fit", "digits", "iris"),
        ("fit", "digits", "--zebra"),
        ("fit", "digits", "--jso"),
        ("fit", "digits", "-z"),
        ("fit", "digits", "--json=perhaps"),
        ("runs", "zebra"),
        ("runs", "show"),
        ("runs", "list", "no-such-folder"),
        ("sample",),
        ("score", "@run"),
        ("evaluate",),
        ("options",),
        ("options", "zebra"),
        ("options", ""),
        ("pairs", "zebra"),
        ("sample", "@run", "--model.sizes", "5"),
        ("sample", "@run", "-n", "0"),
        ("sample", "@run", "-n", "-4"),
        ("sample", "@run", "-n", "x"),
        ("sample", "@run", "-n", "2.5"),
        ("sample", "@run", "-n", "9" * 15),
        ("sample", "@run", "--seed", "-1"),
        ("sample", "@run", "--seed", "9" * 20),
        ("sample", "@run", "--out", "s.zip"),
        ("sample", "@run", "--out", "s"),
        ("sample", "@run", "--out", ".csv"),
        ("sample", "@run", "--out", "gone/s.csv"),
        ("sample", "@run", "--out", "@run/config.json/s.csv"),
        ("sample", "@run", "--out", "/proc/s.csv"),
        ("sample", "@run", "--out", "s.png"),
        ("sample", "@table", "--out", "s.png"),
        ("score", "@run", "no-such.csv"),
        ("score", "@run", "zebra"),
        ("score", "@run", "iris"),
        ("score", "@run", "digits"),
        ("score", "@table", "moons"),
        ("score", "@run", "@run"),
        ("score", "@run", "@data", "--samples", "0"),
        ("score", "@run", "@data", "--samples", "-3"),
        ("score", "@run", "@data", "--samples", "x"),
        ("score", "@run", "@data", "--samples", "9" * 18),
        ("score", "@run", "@data", "--seed", "-1"),
        ("score", "@implicit", "@numbers"),
        ("score", "@run", "@data", "--potential"),
        ("score", "@run", "@data", "--against", "no-such.csv"),
        ("score", "@machine", "@data", "--against", "@numbers"),
        ("score", "@machine", "@data", "--against", "@data", "--potential"),
        ("sample", "@run", "--label", "zebra"),
        ("sample", "@machine", "--label", "0"),
        ("sample", "@machine", "--guidance", "2"),
        ("sample", "@machine", "--guidance", "-1"),
        ("sample", "@machine", "--guidance", "nan"),
        ("sample", "@machine", "--temperature", "0.5"),
        ("sample", "@machine", "--temperature", "-1"),
        ("impute",),
        ("impute", "@machine"),
        ("impute", "@machine", "@data"),
        ("impute", "@machine", "no-such.csv"),
        ("impute", "@machine", "@numbers"),
        ("impute", "@machine", "@data", "--given", "zebra"),
        ("impute", "@machine", "@data", "--given", ""),
        ("impute", "@machine", "@data", "--given", "a,b,c"),
        ("impute", "@machine", "@data", "--given", "a", "--draws", "0"),
        ("impute", "@machine", "@data", "--given", "a", "--draws", "9"),
        ("impute", "@machine", "@data", "--given", "a", "--draws", "2", "--how", "mean"),
        ("impute", "@machine", "@data", "--given", "a", "--how", "guess"),
        ("impute", "@machine", "@data", "--given", "a", "--moves", "0"),
        ("impute", "@machine", "@data", "--given", "a", "--seed", "-1"),
        ("impute", "@machine", "@data", "--given", "a", "--out", "f.zip"),
        ("impute", "@run", "@data", "--given", "a"),
        ("impute", "@implicit", "@numbers", "--given", "u"),
        ("denoise", "@machine", "@data"),
        ("denoise", "@machine", "@data", "--noise", "1"),
        ("denoise", "@machine", "@data", "--flips", "0"),
        ("denoise", "@machine", "@data", "--flips", "1"),
        ("denoise", "@machine", "@data", "--flips", "nan"),
        ("denoise", "@machine", "@data", "--flips", "x"),
        ("denoise", "@machine", "@data", "--flips", "0.1", "--noise", "1"),
        ("denoise", "@table", "@numbers", "--flips", "0.1"),
        ("denoise", "@table", "@numbers", "--noise", "0"),
        ("denoise", "@table", "@numbers", "--noise", "inf"),
        ("denoise", "@run", "@data", "--flips", "0.1"),
        ("evaluate", "@run", "iris"),
        ("evaluate", "@run", "no-such.npy"),
        ("evaluate", "@run", "--samples", "0"),
        ("evaluate", "@run", "--seed", "-2"),
        ("evaluate", "@run", "--most", "1"),
        ("evaluate", "@run", "--ks", "1;2"),
        ("encode", "@run", "@data", "--out", "codes.csv"),
        ("encode", "@run", "@data", "--how", "best"),
        ("encode", "@table", "@numbers"),
        ("reconstruct", "@implicit", "@numbers"),
        ("reconstruct", "@run", "@data", "--out", "kept"),
        ("evaluate", "@run", "--ks", "0,1"),
        ("evaluate", "@table", "--ks", "1"),
        ("evaluate", "@run", "--temperatures", "50"),
        ("evaluate", "@run", "--gap-steps", "50"),
        ("gradients",),
        ("gradients", "@run", "--learners", "zebra"),
        ("gradients", "@run", "--learners", "rws:k"),
        ("gradients", "@run", "--learners", "rws:k=many"),
        ("gradients", "@run", "--learners", "rws", "rws"),
        ("gradients", "@run", "--learners", "elbo"),
        ("gradients", "@run", "--draws", "3"),
        ("gradients", "@run", "--rows", "0"),
        ("gradients", "@run", "--settle", "-1"),
        ("gradients", "@run", "--reference", "zebra"),
        ("gradients", "@run", "--out", "@run/config.json"),
        ("gradients", "@run", "iris"),
        ("gradients", "@table"),
        ("fit", "--resume", "@run"),
        ("fit", "--resume", "@run", "--model", "vae"),
        ("fit", "--resume", "@run", "--seed", "3"),
        ("fit", "digits", "--resume", "@run"),
        ("fit", "--resume", "@run", "--model.sizes", "5"),
        ("fit", "--resume", "@run", "--steps", "0"),
        ("fit", "--resume", "@run", "--budget", "x"),
        ("fit", "--resume", "no-such-run"),
        ("fit", "--resume", ""),
        ("fit", "digits", "--out", "@run"),
        ("fit", "digits", "--out", "@run/config.json"),
        ("fit", "digits", "--out", "@run/config.json/deeper"),
        ("fit", "digits", "--out", "/proc/reverie"),
        ("fit", "digits", "--out", "nul\0byte"),
        ("fit", "digits", "--out", "x" * 300),
        ("runs", "remove", "@run"),
        ("runs", "remove", "no-such-run", "--yes"),
        ("runs", "remove", ".", "--yes"),
        ("runs", "remove", "/", "--yes"),
        ("bakeoff",),
        ("bakeoff", "zebra"),
        ("bakeoff", "digits", "--budget", "0"),
        ("bakeoff", "digits", "--budget", "soon"),
        ("bakeoff", "digits", "--seed", "-1"),
        ("bakeoff", "digits", "--test", "0"),
        ("bakeoff", "digits", "--out", "@run"),
        ("bakeoff", "digits", "--measure", "zebra"),
        ("bakeoff", "digits", "--model", "vae"),
    )
    for place, words in enumerate(wrong):
        yield Case(f"call-{place}-{'-'.join(words)[:34]}", words)
    rows = {
        "empty": "",
        "one-column-less": "a,b\n1,0\n0,1\n",
        "other-names": GOOD.replace("a,b,c", "d,e,f", 1),
        "other-level": GOOD + "0,1,7\n",
        "words": GOOD + "0,1,yes\n",
        "missing": GOOD + "0,,1\n",
        "no-rows": "a,b,c\n",
    }
    for name, content in rows.items():
        yield Case(f"score-{name}", ("score", "@run", "t.csv"), {"t.csv": content})
        yield Case(f"evaluate-{name}", ("evaluate", "@run", "t.csv"), {"t.csv": content})


def all_cases() -> Iterator[Case]:
    """All of these."""
    yield from settings()
    yield from pairs()
    yield from commands()
