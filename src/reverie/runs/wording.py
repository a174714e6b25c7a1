"""Estimates, and how runs end, in the words of somebody who meets them for the first time."""

import datetime
from collections.abc import Iterable

from reverie.estimate import Estimate
from reverie.runs.page import Content, Html, badge, joined, number, paragraph, tag, value_and_error, warning

KINDS = {
    "exact": "It is exact: the model's own likelihood, computed without approximation. The ± is only how much it would "
    "vary if other rows had been held out.",
    "lower bound": "It is a lower bound: the model is at least this good on average, and may be better. A bound that "
    "loses against another number may belong to the better model.",
    "upper bound": "It is an upper bound: the true figure is this or lower.",
    "optimistic": "It is optimistic: it errs towards too good on average, because the model's normaliser is itself "
    "estimated. The truth is likely to be somewhat worse.",
    "pessimistic": "It is pessimistic: it errs towards too bad on average. The truth is likely to be somewhat better.",
    "approximate": "It is approximate: a lower bound of what rows get less a normaliser that is itself too small on "
    "average. The truth may lie on either side.",
    "unbiased": "It is unbiased: right on average, with the ± as the size of its error.",
    "consistent": "It is consistent: right in the limit of many steps, with the ± as the size of its error. Which way "
    "it errs before that is unknown.",
    "learned": "It rests on the log normaliser that the learner found along with the model, whose error is not known "
    "and which the ± leaves out.",
    "failed": "The estimate failed its own checks and there is no number to give.",
}

MONTHS = "January February March April May June July August September October November December"

NATS = (
    "It is the mean over the rows of log p(row), in nats, in the units of the data: higher is better, and a difference "
    "of one nat a row means that rows are e ≈ 2.7 times as likely."
)
BITS = (
    "Bits per dimension say the same of pictures: the bits a pixel that an ideal code made from the model needs; lower "
    "is better."
)
OTHER_SIDE = "A lower bound on the likelihood is an upper bound on the bits."


def headline(
    estimate: Estimate | None, bits: Estimate | None, rows: str, beside: Iterable[tuple[str, Content]]
) -> Html:
    """The figure that a page is about, large, with its kind and what that means, and small facts beside it."""
    listed = tag("dl", *(item for name, value in beside for item in (tag("dt", name), tag("dd", value))))
    return tag("div", tag("div", *_figure(estimate, bits, rows)), listed, cls="headline parted")


def _figure(estimate: Estimate | None, bits: Estimate | None, rows: str) -> list[Html]:
    label = paragraph(f"log-likelihood of {rows or 'held-out rows'}", cls="label")
    if estimate is None:
        why = "This pair gives draws, but no likelihood that can be computed." if rows else "No rows were held out."
        advice = " Judge it by its samples, and by the two-sample figures of "
        return [
            label,
            paragraph("none", cls="value"),
            paragraph(why, advice, tag("code", "reverie evaluate"), "."),
        ]
    if estimate.failed:
        return [label, paragraph(value_and_error(estimate), cls="value"), paragraph(KINDS["failed"])]
    unit = tag("span", " nats a row", cls="unit")
    more = [] if bits is None else [paragraph(f"{BITS}{' ' + OTHER_SIDE if bits.kind == 'upper bound' else ''}")]
    return [
        label,
        paragraph(value_and_error(estimate), unit, badge(estimate), cls="value"),
        paragraph(KINDS[estimate.kind], f" {NATS}"),
        *more,
    ]


def warnings_of(estimate: Estimate | None) -> Html:
    """What an estimate warns of, where it cannot be missed."""
    if estimate is None or not (estimate.warnings or estimate.failed):
        return Html("")
    lead = "The estimate failed. " if estimate.failed else "Read this first. "
    said = estimate.warnings or ("No reason was given.",)
    if len(said) == 1:
        return warning(paragraph(tag("strong", lead), said[0]))
    return warning(paragraph(tag("strong", lead)), tag("ul", *(tag("li", one) for one in said)))


def ending(status: str, why: str, step: int, best_step: int, seconds: float) -> Html:
    """How a run ended, in a sentence or two; a failure as a warning."""
    time = f"{step:,} steps and {seconds_of(seconds)} of training"
    kept = (
        f" The parameters are those of step {best_step:,}, the best on the validation rows."
        if best_step != step
        else " The parameters are those of the last step."
    )
    if status == "finished":
        return paragraph(f"It ended after {time}: {why}.{kept}")
    lead = "The run was interrupted. " if status == "interrupted" else "The run failed. "
    because = "" if why == status else f": {why}"
    return warning(paragraph(tag("strong", lead), f"It stood at {time}{because}.{kept}"))


def when(created: str) -> str:
    """`2025-11-21T02:55:59+00:00` as `21 November 2025, 02:55 UTC`; anything else as it is."""
    try:
        moment = datetime.datetime.fromisoformat(created).astimezone(datetime.UTC)
    except ValueError:
        return created
    return f"{moment.day} {MONTHS.split()[moment.month - 1]} {moment:%Y, %H:%M} UTC"


def seconds_of(seconds: float) -> str:
    """`12.3 s`, `4 min 5 s`, `1 h 30 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def in_a_table(estimate: Estimate) -> Html:
    """An estimate in a table: value, error and kind."""
    if estimate.failed:
        return joined([value_and_error(estimate), f": {'; '.join(estimate.warnings)}"])
    ess = "" if estimate.ess is None else f", effective sample size {number(estimate.ess, 1)}"
    over = f" over {estimate.n:,} rows" if estimate.n > 1 else ""
    return joined([value_and_error(estimate), f" {estimate.unit} ", badge(estimate), f"{over}{ess}"])
