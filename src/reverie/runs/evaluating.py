"""`evaluate`: what a run is worth on rows that it did not learn from."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from reverie import noise
from reverie.capabilities import (
    ConditionsOnClass,
    ConditionsOnColumns,
    HasLogJoint,
    HasLogProb,
    HasPotential,
    HasPotentialBound,
    SplitsColumns,
)
from reverie.data import Dataset, Rows, load_again, to_model_rows
from reverie.errors import InputError
from reverie.estimate import Estimate
from reverie.evaluation import (
    Bounds,
    Bracket,
    Collapse,
    Gap,
    Scores,
    TwoSample,
    accuracy,
    annealed_likelihood,
    annealed_told,
    bracket,
    class_accuracy,
    class_normalisers,
    class_scores,
    collapse,
    inference_gap,
    learned_normaliser,
    likelihood_given_label,
    log_normaliser,
    perplexity,
    samples_of,
    score,
    token_counts,
    told_accuracy,
    two_sample,
)
from reverie.evaluation.annealing_codes import unsuited
from reverie.evaluation.bounds import means_of, row_bounds, steps_to
from reverie.evaluation.likelihood import mean_score
from reverie.evaluation.normaliser import sums_out
from reverie.networks.features import layouts
from reverie.runs.bracketing import Bracketed, bracketed, unannealed, unbracketed
from reverie.runs.files import write_whole
from reverie.runs.run import Run
from reverie.runs.starts import states_of

MOST = 1000
"""Rows, and samples, of the two-sample figures."""


class Evaluation(NamedTuple):
    """Figures about a run.

    Attributes:
        run: the folder.
        rows: how many rows it was evaluated on.
        log_likelihood: a row's, in nats, in raw space; `None` for implicit models.
        bits_per_dim: the same in bits per dimension, for images.
        perplexity: of text, a word or character; end marks are words.
        log_normaliser: log Z, for models that have one.
        two_sample: the model's draws against the rows.
        reference: the space and base measure in which the likelihood lives.
        bounds: for models with latent variables the evidence lower bound, its terms, and the importance-weighted curve.
        collapse: for them, whether the codes say anything of their rows.
        annealed: for them, the log-likelihood of the first rows by annealing or by a sum over all codes, if asked.
        bracket: bounds from below and above on rows that the model drew, if asked.
        gap: the inference gap of the first rows, split, if asked.
        accuracy: of the classes that the parts tell, for learners that learn from labels; or of columns told given the
            others.
        log_likelihood_given: of a row given its label, log p(x | y), for models of rows given a class.
        learned_normaliser: what the learner took log Z for, where it found it along with the model.
        bracketed: for models with a log Z that is annealed, its bracket and the likelihood with both ends, if asked.
        notes: what could not be said, and why.
    """

    run: str
    rows: int
    log_likelihood: Estimate | None
    bits_per_dim: Estimate | None
    log_normaliser: Estimate | None
    two_sample: TwoSample | None
    reference: str
    bounds: Bounds | None = None
    collapse: Collapse | None = None
    annealed: Estimate | None = None
    bracket: Bracket | None = None
    gap: Gap | None = None
    accuracy: Estimate | None = None
    log_likelihood_given: Estimate | None = None
    learned_normaliser: Estimate | None = None
    bracketed: Bracketed | None = None
    perplexity: Estimate | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        plain = {"run", "rows", "reference", "notes"}
        found = {
            name: value if name in plain or value is None else value.to_dict() for name, value in self._asdict().items()
        }
        return found | {"notes": list(self.notes)}

    def plot(self, path: str | Path) -> None:
        """Write a picture of what the codes say of their rows, a PNG; for models with a report on collapse."""
        from reverie.runs.pictures import draw_codes

        if self.collapse is None:
            raise InputError("there are no codes to draw: that needs a model with latent variables, and its codes read")
        write_whole(Path(path), draw_codes(self.collapse, self.bounds))


def evaluate(
    run: Run,
    data: Any = None,
    *,
    samples: int = 1000,
    seed: int = 0,
    codes: bool = True,
    annealing: bool = False,
    gap: bool = False,
    learned: bool = False,
    most: int = 100,
    ks: Sequence[int] = (),
    chains: int | None = None,
    temperatures: int | None = None,
    gap_steps: int | None = None,
    settle: int | None = None,
    heard: Callable[[str], None] = lambda doing: None,
) -> Evaluation:
    """Evaluate a run on rows: its own test rows, or any of the same columns.

    Args:
        run: an opened run.
        data: `Rows`, a `Dataset` (its test rows), anything that `load` reads; the run's own test rows when `None`.
        samples: codes for each row, where the likelihood is bounded by importance weighting.
        seed: of the codes and the draws.
        codes: for models with latent variables, also the bounds and the report on collapse.
        annealing: also anneal codes from the prior, and bracket the likelihood of rows that the model drew. Of a model
            with a log Z, bracket that, and give the likelihood with both ends.
        gap: also split the inference gap.
        learned: take the log normaliser that the learner found along with the model for log Z.
        most: rows of the annealing and the gap, the first ones.
        ks: numbers of codes of the importance-weighted curve; `samples` is the last of them in any case. Powers of ten
            when not given.
        chains: of annealing: for each row whose codes are annealed (16), and for log Z of a model that has one (256).
            log Z is estimated anew where this or the next is given, and else as it was when the run ended.
        temperatures: of annealing, steps from where chains begin to the model or the posterior (1000).
        gap_steps: of Adam, for each row and family of the gap (500).
        settle: sweeps of chains at training rows before they return, for the bracket of log Z (1000).
        heard: called with what goes on, in words.

    Example:
        >>> rv.evaluate(run, data.test).log_likelihood  # doctest: +SKIP
    """
    for name, number, least in (("samples", samples, 1), ("most", most, 2)):
        if number < least:
            raise InputError(f"{name} must be at least {least}, not {number}")
    slowly: dict[str, Any] = {
        name: value for name, value in (("chains", chains), ("temperatures", temperatures)) if value is not None
    }
    _check(run, ks, samples, slowly, gap_steps, settle, annealing=annealing, gap=gap)
    rows = rows_of(run, data)
    key = noise.make_key(seed, run.config.prng)
    ends = None
    if annealing and unbracketed(run.parts["model"]) is None:
        heard("bracketing log Z, which is slow")
        settled = {} if settle is None else {"settle": settle}
        ends = bracketed(run, rows, key, seed=seed, samples=samples, **slowly, **settled)
    elif slowly and _unnormalised(run):
        heard("estimating log Z")
    log_z, class_log_z = _normalisers(run, rows, seed, slowly, ends)
    heard("scoring rows")
    own = learned_normaliser(run.parts, log_z)
    if learned and own is None:
        raise InputError(f"{run.learner} learned no log normaliser along with {run.model}: leave learned out")
    curve = (*sorted({*ks} - {samples}), samples) if ks else ()
    each = row_bounds(run.parts, run.measure, rows.raw, key, samples=samples, ks=curve) if codes else None
    bound = None if each is None else means_of(each, run.parts, samples, curve or steps_to(samples))
    found = bound.curve[-1][1] if bound is not None else None
    known: dict[str, Any] = {"log_z": own if learned else log_z, "class_log_z": class_log_z}
    scores = None if each is None or found is None else Scores(each.curve[:, -1], found.kind, found.ess, found.warnings)
    if found is None or isinstance(run.parts["model"], HasLogProb):
        scores = score(run.parts, run.measure, rows.raw, key, samples=samples, **known)
        found = None if scores is None else mean_score(scores, samples)
    image = run.spec.image
    model, compared = run.parts["model"], None
    if len(rows) > 1 and not isinstance(model, SplitsColumns):
        heard("comparing samples")
        held = to_model_rows(run.measure, rows[:MOST].raw, seed)
        drawn = samples_of(run.parts, len(jax.tree.leaves(held)[0]), jax.random.fold_in(key, 1))
        compared = two_sample(drawn, held, layouts(run.spec), seed=seed)
    evaluation = Evaluation(
        run=str(run.path),
        rows=len(rows),
        log_likelihood=found,
        bits_per_dim=None if found is None or image is None else found.bits_per_dim(int(np.prod(image))),
        log_normaliser=log_z,
        learned_normaliser=own,
        bracketed=ends,
        two_sample=compared,
        reference=run.reference,
        bounds=bound,
        perplexity=_perplexity(run, rows, scores),
    )
    if isinstance(model, SplitsColumns):
        first = jax.tree.map(lambda leaf: leaf[:most], rows.raw) if annealing else None
        return _of_told(evaluation, run, rows, first, key, {"seed": seed, **slowly})
    if isinstance(model, ConditionsOnClass) and rows.y is not None:
        by_class = class_scores(model, run.measure, rows.raw, key, class_log_z)
        told, given = class_accuracy(by_class, rows.y), likelihood_given_label(by_class, rows.y)
        evaluation = evaluation._replace(accuracy=told, log_likelihood_given=given)
    elif run.config.make_learner().labels and rows.y is not None:
        told = accuracy(run.parts, run.measure, rows.raw, rows.y, jax.random.fold_in(key, 2))
        evaluation = evaluation._replace(accuracy=told)
    if not isinstance(run.parts["model"], HasLogJoint):
        asked = gap or (annealing and ends is None)
        return evaluation._replace(notes=(unannealed(run.model, model),) if asked else ())
    if codes and len(rows) > 1:
        heard("reading codes")
        evaluation = evaluation._replace(collapse=collapse(run.parts, run.measure, rows.raw, key, seed=seed))
    first = jax.tree.map(lambda leaf: leaf[:most], rows.raw)
    annealed = None
    if annealing:
        heard(f"annealing the codes of {min(most, len(rows))} rows")
        annealed = annealed_likelihood(run.parts["model"], run.measure, first, key, **slowly)
        evaluation = evaluation._replace(annealed=None if annealed is None else annealed[0])
        if annealed is not None and annealed[0].kind != "exact":
            heard(f"annealing the codes of {most} draws, and back")
            evaluation = evaluation._replace(bracket=bracket(run.parts["model"], key, rows=most, **slowly))
    if gap:
        heard(f"optimising posteriors of {min(most, len(rows))} rows")
        steps: dict[str, Any] = {} if gap_steps is None else {"steps": gap_steps}
        split = inference_gap(run.parts, run.measure, first, key, annealing=slowly, annealed=annealed, **steps)
        evaluation = evaluation._replace(gap=split)
    return evaluation._replace(notes=_notes(evaluation, run, codes=codes, annealing=annealing))


def _check(
    run: Run,
    ks: Sequence[int],
    samples: int,
    slowly: Mapping[str, int],
    gap_steps: int | None,
    settle: int | None,
    *,
    annealing: bool,
    gap: bool,
) -> None:
    """Refuse settings of what is not asked for, and numbers of codes that there are not."""
    model = run.parts["model"]
    if ks and not (isinstance(model, HasLogJoint) and "inference" in run.parts):
        raise InputError(f"{run.model} by {run.learner} gives no codes to be weighed in growing numbers: leave ks out")
    if any(not 1 <= k <= samples for k in ks):
        raise InputError(f"ks are numbers of codes from 1 to samples ({samples}), not {', '.join(map(str, ks))}")
    if slowly and not (annealing or gap or _unnormalised(run)):
        raise InputError(
            f"nothing is annealed for {run.model} unless asked for: ask for annealing or the gap too, or leave "
            f"{' and '.join(slowly)} out"
        )
    if settle is not None and not (annealing and unbracketed(model) is None):
        raise InputError("settle are sweeps before chains return for a bracket of log Z: ask for annealing of such")
    if settle is not None and settle < 0:
        raise InputError(f"settle must not be negative, not {settle}")
    if gap_steps is not None and not gap:
        raise InputError("gap_steps are steps of the inference gap: ask for the gap too, or leave them out")


def _perplexity(run: Run, rows: Rows, scores: Scores | None) -> Estimate | None:
    """Of text whose rows have a likelihood."""
    text = run.schema.text
    if text is None or scores is None or isinstance(run.parts["model"], SplitsColumns):
        return None
    counts = token_counts(np.asarray(rows.raw), run.spec.marks)
    return perplexity(scores, counts, "a word" if text.tokens == "words" else "a character")


def _of_told(found: Evaluation, run: Run, rows: Rows, first: Any, key: Any, settings: Mapping[str, int]) -> Evaluation:
    """What there is to say of a model of some columns given others; `first` are the rows to be annealed, if any."""
    model = run.parts["model"]
    notes = [f"no two-sample figure: {run.model} tells {model.told_words} and draws no whole rows"]
    found = found._replace(accuracy=told_accuracy(model, run.measure, rows.raw, key))
    if first is not None and isinstance(model, ConditionsOnColumns):
        found = found._replace(annealed=annealed_told(model, run.measure, first, key, **settings))
    if first is not None and not isinstance(model, ConditionsOnColumns):
        notes.append("no annealing: the likelihood of what is told is a sum that is written out")
    if found.log_likelihood is None and first is None:
        notes.append("no likelihood: each row has a log Z of its own, too long a sum; --ais anneals the first rows")
    return found._replace(notes=tuple(notes))


def _unnormalised(run: Run) -> bool:
    return isinstance(run.parts["model"], HasPotential | HasPotentialBound | ConditionsOnClass)


def _normalisers(
    run: Run, rows: Rows, seed: int, slowly: dict[str, Any], ends: Bracketed | None
) -> tuple[Estimate | None, tuple[Estimate, ...] | None]:
    """log Z, or that of each class: as the run has it, or anew where somebody said how; exact, or as bracketed."""
    model = run.parts["model"]
    if ends is not None:
        if isinstance(model, ConditionsOnClass):
            return None, run.class_log_z if sums_out(model.given(jax.numpy.asarray(0))) else ends.used
        known = log_normaliser(model) if sums_out(model) else run.result.log_normaliser
        return known if known is not None and known.kind == "exact" else ends.used[0], None
    if not slowly or not _unnormalised(run):
        return run.log_z, run.class_log_z
    if isinstance(model, ConditionsOnClass):
        return None, class_normalisers(model, seed=seed, **slowly)
    start = None if sums_out(model) else states_of(model, run.measure, rows, seed)
    return log_normaliser(model, seed=seed, start=start, **slowly), None


def _notes(found: Evaluation, run: Run, *, codes: bool, annealing: bool) -> tuple[str, ...]:
    """What could not be said of a model with latent variables, and why."""
    notes = []
    if codes and found.bounds is None:
        notes.append(
            "no bounds: the inference model gives draws without densities"
            if "inference" in run.parts
            else f"no bounds: {run.learner} fits no inference model"
        )
    if codes and found.collapse is None:
        notes.append("no report on collapse: there is no inference model, or only one row")
    if annealing and found.annealed is None:
        notes.append(f"no annealing: {unsuited(run.parts['model'])}")
    return tuple(notes)


def rows_of(run: Run, data: Any) -> Rows:
    """The rows that a person meant: the run's own test rows where nothing was said."""
    if isinstance(data, Rows):
        return data
    if isinstance(data, Dataset):
        return data.test
    if data is not None:
        return run.read(data)
    recipe = run.config.data.recipe
    if recipe is None:
        raise InputError("this run's data came from memory: say which rows to evaluate it on")
    again = load_again(recipe, run.schema, run.config.data.fingerprint, run.config.data.name)
    return again.test if len(again.test) else again.valid
