"""Trans-dimensional random fields over words as sequences of letters (or, with --data ptb, of sentences).

150,598 different English words for training, 2,000 to validate and 2,000 to test, none of which is in two of the three
(REVERIE_DATA/trf_words). A field p(l, x) = π_l exp(u(x)) / Z_l, u a bigram reference and a potential of n-grams, of an
LSTM from either side, or of attention, is learned by augmented stochastic approximation (`trf-sa`), whose chains move
between lengths; or, without chains, by noise contrast with a bigram model (`nce`), with an LSTM language model that
learns beside (`dynamic-nce`), or with its own reference (`trf-nce`), which with --reference lstm is a language model
that is told how many symbols are to come, and learns by itself for --first steps. Test words are then scored with
log Z_l of each length (a) as the learner left them (`trf-sa` knows them up to a constant, for which Z_3 is summed
exactly) and (b) by importance sampling from the reference, or where that collapses by annealing, each length by itself.

Sentences' words are numbered so that those of one class of the language model (25 numbers in a row) have neighbours
alike: the words are halved along the first principal component of the square roots of the shares of what comes before
and after them, and the halves again (as hierarchical classes are found; Lebret & Collobert 2014, *Word embeddings
through Hellinger PCA*, for the square roots).

Sentences of Penn Treebank with more than 40 words are left out, in the test set too; the published figures have them.

Perplexity is a letter's, exp(−Σ log p / Σ (l + 1)), the end of a word being a letter: the published figures count so,
since KN5's 6.668 comes with 17.766 nats a word, and 17.766 / log 6.668 = 9.36 where a test word has 8.37 letters.
Standard errors are those over test words, and of log Z. Steps are validated by stochastic approximation's normalisers,
noise contrast's, or for `trf-nce` (whose own err with the training words) by 256 draws of the reference at each length;
the test words are looked at once, at the end.

    REVERIE_DATA=… python benchmarks/trf_words.py [--learner trf-sa] [--steps 20000] [--out trf_words.md]
"""

import argparse
import dataclasses
import gzip
import json
import math
import os
import time
import zipfile
from collections import Counter
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from machine import describe

from reverie import noise
from reverie.backend import prepare
from reverie.data import Leaf, Levels, Rows, Spec
from reverie.evaluation.lengths import approximated_normalisers, length_normalisers, log_likelihoods_by_length
from reverie.evaluation.reference_weights import weighted_normalisers
from reverie.learners import AugmentedSA, DynamicNCE, NoiseContrastiveEstimation, ReferenceNCE
from reverie.loop import Loop
from reverie.models import LanguageModel, SequenceField
from reverie.networks.word_classes import class_size
from reverie.pairing import check, fill
from reverie.parts import Optimiser

PUBLISHED = {
    "words": {"KN4": 7.958, "KN5": 6.668, "LSTM-16": 9.704, "LSTM-32": 8.477},
    "ptb": {"KN5": 141.19, "LSTM 2×200": 113.9, "discrete TRF, Z by SA": 136.8, "discrete TRF, Z by AIS": 187.6},
}
WAYS = {
    "importance": "importance sampling",
    "ais": "AIS",
    "auto": "importance sampling or AIS",
    "sa": "SA of the field as it is",
}
ALONE = "reference"
LONGEST, VOCABULARY, VALID = 40, 10_000, 1000


def sequences(name, folder):
    """Lists of whole numbers for train, valid and test, and how many symbols there are."""
    if name == "words":
        parts = []
        for part in ("train", "valid", "test"):
            with gzip.open(folder / "trf_words" / f"{part}.id.gz", "rt", encoding="ascii") as file:
                parts.append([[int(one) for one in line.split()] for line in file])
        return parts, 26
    with zipfile.ZipFile(folder / "ptb.zip") as archive:
        texts = [archive.read(f"ptb/{part}.txt").decode().splitlines() for part in ("train", "valid", "test")]
    lines = [[line.split() for line in text if line.strip()] for text in texts]
    seen = Counter(word for line in lines[0] for word in line)
    number = {word: i for i, (word, _) in enumerate(seen.most_common(VOCABULARY))}
    parts = [[[number[w] for w in line] for line in part if len(line) <= LONGEST] for part in lines]
    order = halved(contexts(parts[0], len(number)), class_size(len(number)))
    place = np.argsort(order)
    return [[[int(place[w]) for w in line] for line in part] for part in parts], len(number)


def contexts(lists, symbols, most=150):
    """The square root of the share of each of the most frequent words before, and after, each word."""
    found = np.zeros((symbols, 2 * most + 2), np.float32)
    for one in lists:
        near = np.minimum([most, *one, most], most)
        np.add.at(found, (one, near[:-2]), 1.0)
        np.add.at(found, (one, most + 1 + near[2:]), 1.0)
    found[:, [most, 2 * most + 1]] = 0.0  # The rarer words and the ends.
    return np.sqrt(found / np.maximum(found.sum(1, keepdims=True), 1.0))


def halved(vectors, size):
    """An order of the rows in which each `size` that follow each other are alike."""

    def part(rows):
        pieces = -(-len(rows) // size)
        if pieces == 1:
            return rows
        centred = vectors[rows] - vectors[rows].mean(0)
        first = np.linalg.eigh(centred.T @ centred)[1][:, -1]
        rows = rows[np.argsort(centred @ first, kind="stable")]
        cut = pieces // 2 * size
        return np.concatenate([part(rows[:cut]), part(rows[cut:])])

    return part(np.arange(len(vectors)))


def rows_of(lists, places, symbols):
    """Rows of symbols, an end mark and padding."""
    rows = np.full((len(lists), places + 1), symbols + 1, np.int32)
    for row, one in zip(rows, lists, strict=True):
        row[: len(one)], row[len(one)] = one, symbols
    return rows


def bigrams(lists, symbols):
    """log r of each symbol after each, and after the start, from counts to each of which a half is added."""
    counts = np.full((symbols + 1, symbols), 0.5)
    for one in lists:
        np.add.at(counts, ([symbols, *one[:-1]], one), 1.0)
    return jnp.asarray(np.log(counts / counts.sum(1, keepdims=True)), jnp.float32)


def bigrams_with_ends(lists, symbols):
    """The same with the end, for a language model."""
    counts = np.full((symbols + 1, symbols + 1), 0.5)
    for one in lists:
        np.add.at(counts, ([symbols, *one], [*one, symbols]), 1.0)
    return jnp.asarray(np.log(counts / counts.sum(1, keepdims=True)), jnp.float32)


def perplexity(log_p, counts, extra=0.0):
    """exp(−Σ log p / Σ counts), its standard error over rows, and the nats a row with theirs."""
    rate = -log_p.sum() / counts.sum()
    spread = math.hypot(np.std(log_p + rate * counts, ddof=1) / math.sqrt(len(log_p)), extra) / counts.mean()
    error = math.hypot(np.std(log_p, ddof=1) / math.sqrt(len(log_p)), extra)
    return {"ppl": math.exp(rate), "ppl_se": math.exp(rate) * spread, "nats": -log_p.mean(), "nats_se": error}


def model_of(settings):
    """The field, blank."""
    common = {"network": settings.potential, "reference": settings.reference}
    common |= {"width": settings.width, "embedding": settings.embedding}
    common |= {"dropout": settings.dropout, "reference_layers": settings.layers}
    if settings.potential == "ngram":
        return SequenceField(order=settings.order, room=2**settings.room, **common)
    return SequenceField(depth=settings.depth, **common)


def prepared(settings, lists, symbols):
    """Rows of the three parts, and the spec of the first."""
    places = max(len(one) for part in lists for one in part)
    rows = [rows_of(part, places, symbols) for part in lists]
    count = np.bincount([len(one) for one in lists[0]], minlength=places + 1)[1:]
    leaf = Leaf("categorical", places + 1, levels=symbols + 2, counts=(symbols + 2,) * (places + 1))
    shares = tuple((count / count.sum()).tolist())
    return rows, Spec({"categorical": leaf}, text=True, marks=(symbols, symbols + 1), lengths=shares)


def started(parts, settings, lists, symbols):
    """The parts with the reference, and noise that is fixed, at their counts."""
    begun = {}
    if settings.reference == "bigram":
        begun["model"] = with_table(parts["model"], bigrams(lists[0], symbols))
    if settings.reference == "unigram":
        counts = np.bincount(np.concatenate(lists[0]), minlength=symbols) + 0.5
        table = jnp.asarray(np.log(counts / counts.sum()), jnp.float32)
        begun["model"] = with_table(parts["model"], table)
    if settings.learner == "nce":
        begun["noise"] = dataclasses.replace(parts["noise"], table=bigrams_with_ends(lists[0], symbols))
    return parts | begun


def with_table(model, table):
    """The field with another table in its reference."""
    return dataclasses.replace(model, base=dataclasses.replace(model.base, table=table))


def learner_of(settings, rows):
    """The learner, and the noise that it is given."""
    if settings.learner == "nce":
        return NoiseContrastiveEstimation(noise=settings.noise), {"noise": LanguageModel(network="bigram")}
    if settings.learner == "trf-nce":
        return ReferenceNCE(noise=settings.noise, share=settings.share, still=settings.still), {}
    if settings.learner == "dynamic-nce":
        return DynamicNCE(noise=settings.noise), {"noise": LanguageModel(width=settings.width)}
    learner = AugmentedSA(
        k=settings.moves,
        particles=settings.batch,
        jumps=settings.jumps,
        settle=max(1, int(0.8 * settings.steps)),
        penalty=1.0 / (settings.variance * rows) if settings.variance else 0.0,
    )
    return learner, {}


def own_normalisers(parts, settings):
    """log Z_l of each length as the learner left them."""
    if settings.learner == "trf-nce":
        return np.asarray(parts["model"].length_normalisers(), np.float64)
    if settings.learner == "trf-sa":
        return approximated_normalisers(parts["model"])
    return np.asarray(parts["model"].length_normalisers() + parts["normaliser"].log_normaliser(), np.float64)


@eqx.filter_jit
def log_bases(model, rows):
    """log π_l + log r(x | l)."""
    return jax.vmap(model.log_base)(rows)


def log_references(model, rows):
    """The same of many rows."""
    pieces = np.array_split(rows, -(-len(rows) // 512))
    return np.concatenate([np.asarray(log_bases(model, piece), np.float64) for piece in pieces])


def learned(settings, rows, spec, lists, symbols):
    """The parts after a run, and the seconds that its steps took."""
    learner, given = learner_of(settings, len(rows[0]))
    parts = fill(check(model_of(settings), learner, given), noise.make_key(settings.seed), spec)
    parts = started(parts, settings, lists, symbols)
    if settings.begin is not None:
        parts["model"] = begun_from(settings.begin, parts["model"])
    valid, begun = rows[1][:VALID], time.process_time()
    counts = np.array([len(one) + 1 for one in lists[1][:VALID]])
    stages = [(learner, settings.steps)]
    if settings.learner == "trf-nce":
        stages = [(ReferenceNCE(first=settings.first), settings.first), *stages]
    for number, (one, steps) in enumerate(stages):
        for done, info, now in course(one, steps, parts, settings, rows[0], number):
            parts = now
            told = {"stage": number, "step": done, "seconds": round(time.process_time() - begun, 1), **info}
            told["reference_ppl"] = perplexity(log_references(now["model"], valid), counts)["ppl"]
            if settings.keep is not None:
                held = now["model"].base if number < len(stages) - 1 else now
                eqx.tree_serialise_leaves(settings.keep / f"stage{number}_{done}.eqx", held)
            if number < len(stages) - 1:
                print(json.dumps(told), flush=True)
                continue
            log_z = own_normalisers(parts, settings)
            if settings.learner == "trf-nce":
                by_own = log_likelihoods_by_length(now["model"], valid, log_z)
                told["valid_ppl_by_own"] = perplexity(by_own, counts)["ppl"]
                log_z = drawn_normalisers(now["model"], log_z)
            found = log_likelihoods_by_length(now["model"], valid, log_z)
            told["valid_ppl"] = perplexity(found, counts)["ppl"]
            print(json.dumps(told), flush=True)
    return parts, time.process_time() - begun


def drawn_normalisers(model, own):
    """log Z_l by 256 draws of the reference, unchecked by chains, and the learner's own where these collapse."""
    found = weighted_normalisers(model, draws=256, chains=0)
    return np.array([log_z if one.failed else one.value for one, log_z in zip(found, own, strict=True)])


def begun_from(paths, model):
    """The field on top of a reference that was kept before, or of the mean of the weights of several."""
    found = [eqx.tree_deserialise_leaves(path, model.base) for path in paths]
    return dataclasses.replace(model, base=jax.tree.map(lambda *each: sum(each) / len(each), *found))


def course(learner, steps, parts, settings, rows, number):
    """One stage: each tenth of it, with numbers to show and the averaged parts."""
    rates = {"model": settings.rate, "normaliser": 1e-2, "noise": 1e-3}
    alone = settings.learner == "trf-nce" and number == 0
    if alone:
        rates["model"] = settings.reference_rate
    how = settings.reference_schedule if alone else "cosine"
    moved = {role: Optimiser(rate=rates[role], schedule=how) for role in learner.direction.moves}
    loop = Loop(
        learner, Rows(rows, None, None, np.arange(len(rows))), Levels(), noise.make_key(settings.seed + 100 + number),
        seed=settings.seed + number, optimisers=moved, batch=settings.batch, steps=steps, average=settings.average,
    )  # fmt: skip
    state, done = loop.start(parts), 0
    while done < steps:
        count, info = min(max(1, -(-steps // settings.looks)), steps - done), {}
        for piece in [loop.capacity] * (count // loop.capacity) + [count % loop.capacity]:
            if piece:
                state, said = loop.advance(state, piece)
                info = {name: value + info.get(name, 0.0) for name, value in said.items()}
        done += count
        shown = ("acceptance", "lengths_off", "nce_value", "noise_log_prob")
        numbers = {name: round(float(info[name]) / count, 4) for name in shown if name in info}
        yield done, numbers, state.parts | dict(state.average)


def judged(parts, settings, rows, lists):
    """Test figures by either kind of normalisers, and how far these are apart."""
    model = parts["model"]
    counts = np.array([len(one) + 1 for one in lists[2]])
    shares = np.bincount(counts - 1, minlength=len(model.shares) + 1)[1:] / len(counts)
    by_own = own_normalisers(parts, settings)
    own = "SA" if settings.learner == "trf-sa" else "NCE"
    alone = log_references(model, rows[2])
    figures = {ALONE: perplexity(alone, counts)}
    figures[own] = perplexity(log_likelihoods_by_length(model, rows[2], by_own), counts)
    begun = time.process_time()
    found = length_normalisers(
        model, method=settings.normalisers, seed=settings.seed, draws=settings.draws, chains=settings.chains,
        temperatures=settings.temperatures,
    )  # fmt: skip
    seconds = time.process_time() - begun
    used = shares > 0
    wrong = [one.warnings[0] for one, use in zip(found, used, strict=True) if use and one.failed]
    for line in wrong:
        print(line, flush=True)
    values = np.array([one.value if use else 0.0 for one, use in zip(found, used, strict=True)])
    told = {"ess": min((one.ess or 0.0 for one, use in zip(found, used, strict=True) if use), default=0.0)}
    if not wrong:
        errors = np.array([one.se if use else 0.0 for one, use in zip(found, used, strict=True)])
        extra = float(np.sqrt(np.sum((shares * errors) ** 2)))
        log_p = log_likelihoods_by_length(model, rows[2], values)
        figures[WAYS[settings.normalisers]] = perplexity(log_p, counts, extra)
        gain = log_p - alone
        told |= {"gain": gain.mean(), "gain_se": math.hypot(gain.std(ddof=1) / math.sqrt(len(gain)), extra)}
    gap = (values - by_own)[used]
    kept = np.isfinite(gap)
    told["own_above"] = -float(np.average(gap[kept], weights=shares[used][kept])) if kept.any() else math.nan
    told["largest_gap"] = float(np.max(np.abs(gap[kept]), initial=0.0))
    return figures, told, seconds, wrong


def page(settings, figures, told, seconds, last, wrong):
    """The page, as Markdown."""
    names = {"ngram": f"n-grams up to {settings.order}", "lstm": f"LSTMs of {settings.width}, both ways"}
    what = "TRF, " + names.get(settings.potential, f"attention of {settings.width}, {settings.depth} blocks")
    alone = f"LSTM of {settings.width}" if settings.reference == "lstm" else settings.reference
    way = WAYS[settings.normalisers]
    lines = [
        "| model | log Z_l by | test perplexity a symbol | nats a row | CPU s |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, one in figures.items():
        head = f"its reference by itself, {alone} | exact" if name == ALONE else f"{what} | {name}"
        cells = f"{one['ppl']:.3f} ± {one['ppl_se']:.3f} | {one['nats']:.3f} ± {one['nats_se']:.3f}"
        lines.append(f"| {head} | {cells} | {seconds + (last if name == way else 0.0):.0f} |")
    lines += [f"| {what} | {way} | failed: {one} | – | {seconds + last:.0f} |" for one in wrong[:1]]
    lines += [f"| {name}, published | | {value} | – | – |" for name, value in PUBLISHED[settings.data].items()]
    how = f"as many chains, {settings.moves} moves a step" if settings.learner == "trf-sa" else f"ν = {settings.noise}"
    first = f"{settings.first} steps of the reference alone, then " if settings.learner == "trf-nce" else ""
    steps = f"{settings.chains} chains a length, {settings.temperatures} temperatures"
    with_what = f"{settings.draws} draws a length" if settings.normalisers in ("importance", "auto") else steps
    if settings.normalisers == "sa":
        with_what = f"{settings.chains} chains that jump, {settings.temperatures} steps"
    with_what += f", where they collapse {steps}" if settings.normalisers == "auto" else ""
    gain = (
        f" On the same test rows the field is above its reference by {told['gain']:.3f} ± {told['gain_se']:.3f} nats a "
        "row, log Z's error included."
        if "gain" in told
        else ""
    )
    end = (
        f"Learner {settings.learner}, {first}{settings.steps} steps of {settings.batch} rows, {how}; the learner's "
        f"log Z_l lie above those by {way} ({with_what}; effective number {told['ess']:.0f} or more) by "
        f"{told['own_above']:.3f} nats a row, at most {told['largest_gap']:.3f} apart.{gain} {describe()}"
    )
    return "\n".join(lines) + f"\n\n{end}\n"


def main():
    """Learn, validate, test and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("words", "ptb"), default="words")
    parser.add_argument("--potential", choices=("ngram", "lstm", "attention"), default="ngram")
    parser.add_argument("--reference", choices=("uniform", "unigram", "bigram", "lstm"), default="bigram")
    parser.add_argument("--learner", choices=("trf-sa", "trf-nce", "nce", "dynamic-nce"), default="trf-sa")
    parser.add_argument("--noise", type=int, default=4, help="ν, rows of noise for each row of the data")
    parser.add_argument(
        "--first", type=int, default=0, help="steps in which the reference learns by itself, of trf-nce"
    )
    parser.add_argument("--dropout", type=float, default=0.0, help="of an LSTM reference, where it learns")
    parser.add_argument("--layers", type=int, default=1, help="of an LSTM reference")
    parser.add_argument("--still", action="store_true", help="the reference stands still once the tilt learns")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for what is learned, after each look")
    parser.add_argument("--begin", type=Path, nargs="+", help="a reference kept before, or several, to be averaged")
    parser.add_argument("--judge", type=Path, default=None, help="parts kept before: nothing is learned")
    parser.add_argument("--looks", type=int, default=10, help="at the validation rows, in either stage")
    parser.add_argument("--share", type=float, default=1.0, help="α, of trf-nce")
    parser.add_argument("--normalisers", choices=tuple(WAYS), default="auto")
    parser.add_argument("--draws", type=int, default=1024, help="of the reference, for each length")
    parser.add_argument("--order", type=int, default=6)
    parser.add_argument("--room", type=int, default=20, help="log2 of the numbers in the table of each order")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--embedding", type=int, default=64)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20_000, help="none: only the reference is learned, and kept")
    parser.add_argument("--batch", type=int, default=300, help="rows a step, and chains")
    parser.add_argument("--moves", type=int, default=1)
    parser.add_argument("--jumps", type=int, default=2)
    parser.add_argument("--variance", type=float, default=0.3, help="of the prior of every weight; 0: no prior")
    parser.add_argument("--average", type=float, default=0.995, help="of the moving average that is judged")
    parser.add_argument("--rate", type=float, default=2e-2)
    parser.add_argument("--reference-rate", type=float, default=2e-3, help="in the steps of --first")
    parser.add_argument("--reference-schedule", choices=("constant", "cosine", "linear"), default="cosine")
    parser.add_argument("--chains", type=int, default=32, help="of annealing, for each length")
    parser.add_argument("--temperatures", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    settings = parser.parse_args()
    prepare()
    if settings.data == "ptb" and (settings.reference == "bigram" or settings.learner == "nce"):
        parser.error(
            "a table of all pairs of 10,000 words is too large: take --reference unigram or lstm, and no --learner nce"
        )
    lists, symbols = sequences(settings.data, Path(os.environ["REVERIE_DATA"]))
    rows, spec = prepared(settings, lists, symbols)
    if settings.judge is not None:
        learner, given = learner_of(settings, len(rows[0]))
        blank = fill(check(model_of(settings), learner, given), noise.make_key(settings.seed), spec)
        parts, seconds = eqx.tree_deserialise_leaves(settings.judge, blank), 0.0
    else:
        parts, seconds = learned(settings, rows, spec, lists, symbols)
    if not settings.steps:
        return
    figures, told, last, wrong = judged(parts, settings, rows, lists)
    print(json.dumps({"figures": figures, **told, "seconds": seconds, "normalisers": last}), flush=True)
    text = page(settings, figures, told, seconds, last, wrong)
    print(text)
    if settings.out is not None:
        settings.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
