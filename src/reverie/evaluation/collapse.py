"""Does the code say anything of its row? The report on posterior collapse.

A latent variable is *active* where the posterior's mean moves with the row: Var_x E_q[h_i] > 0.01 of what the prior's
variance is, the variance over rows being freed of the noise of the mean (Burda, Grosse & Salakhutdinov 2016, §5.1, for
a prior of variance one). Bits and categories are read as 0 and 1, and their variances added over levels.

All figures degrade with what the inference model can do: from draws alone come the active variables and the distance of
the codes from the prior's; from draws with densities the divergence; from a density of any h the mutual information.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import (
    HasBitLogits,
    HasJointSample,
    HasLogJoint,
    HasPosterior,
    Latent,
    Proposes,
    Reparameterised,
    posterior_of,
)
from reverie.data import Measure
from reverie.directions.divergence import closed_form
from reverie.errors import InputError
from reverie.estimate import Estimate, mean_of
from reverie.evaluation.aggregate import Aggregate, aggregate
from reverie.evaluation.chunks import count_rows, fingerprints, in_chunks
from reverie.evaluation.codes import (
    DRAWS,
    bit_divergences,
    bit_logits,
    codes_of_rows,
    densities,
    log_priors,
    numbers_of,
    prior_codes,
    worth_of_codes,
)
from reverie.evaluation.shares import Share, shares_of
from reverie.evaluation.two_sample import discrepancy
from reverie.parts import Parts

ROWS = 64
"""Rows in a chunk."""
ACTIVE = 0.01
SILENT = 0.1
"""Nats: a divergence below this is none, and so is what a code is worth."""
FEW = 0.2
"""A share of active variables below which a posterior has collapsed in part."""
FAR = 0.5
"""The share of the divergence that may go into the distance of the aggregate posterior from the prior."""
LEAST = 1.0
"""Nats below which that distance is no matter."""
CODES = 2000
"""Codes of rows, about, for whose densities under all rows there is time."""
LEAST_CODES = 1000
"""Codes of the prior that its variance is taken from, at least."""
AGAINST = (
    "a divergence that comes in slowly (`--learner elbo` with `--learner.warmup`), in cycles (`--learner.cycles`), or "
    "that is not pushed below some nats (`--learner.free-bits`)",
    "several steps of the inference model for each of the model, until the mutual information stops rising "
    "(`--learner lagging`)",
    "a posterior that cannot come closer to the prior than δ nats (`--inference minimum-rate`)",
    "a weaker decoder: one that cannot fit the data without the code, such as one with fewer or narrower layers; of "
    "text, one that is not shown all words in training (`--model.word-dropout`)",
)
TOWARDS = (
    "a prior that is learned (`--model vae-learned-prior`, or `--learner vampprior`)",
    "a larger weight of the divergence (`--learner elbo` with `--learner.beta`)",
    "a learner that matches all codes to the prior (`--learner infovae`, `--learner aae`)",
)


class Collapse(NamedTuple):
    """What the codes say of their rows.

    Attributes:
        state: `healthy`, `collapsed in part`, `collapsed` or `off the prior`.
        alarm: what is wrong, in words; empty where nothing is.
        advice: what to try.
        active: how many latent variables are active.
        size: how many there are.
        activity: the variance of each over the rows, as a share of the prior's.
        divergence: E_x KL[q(h | x) ‖ p(h)], in nats a row.
        blocks: what each block of latent variables has in it, and each variable where they are independent in prior
            and posterior; `None` where blocks cannot be parted.
        worth: nats by which a row's own code says more of it to the model than another row's does.
        information: I_q(x; h), from below.
        information_above: the same, from above.
        aggregate: KL[q(h) ‖ p(h)], from above.
        mmd2: the squared maximum mean discrepancy between the codes of the rows and codes of the prior.
        notes: what could not be said, and why.
    """

    state: str
    alarm: str
    advice: tuple[str, ...]
    active: int
    size: int
    activity: tuple[float, ...]
    divergence: Estimate | None
    blocks: tuple[Share, ...] | None
    worth: Estimate
    information: Estimate | None
    information_above: Estimate | None
    aggregate: Estimate | None
    mmd2: Estimate | None
    notes: tuple[str, ...]

    @property
    def divergences(self) -> tuple[float, ...] | None:
        """The divergence of each latent variable, in the order of the blocks; `None` unless all can be told apart."""
        found = [] if self.blocks is None else [block.each for block in self.blocks]
        return tuple(one for each in found for one in each or ()) if found and None not in found else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""

        def plain(value: Any) -> Any:
            if isinstance(value, Estimate | Share):
                return value.to_dict()
            return [plain(one) for one in value] if isinstance(value, tuple) else value

        said = {name: plain(value) for name, value in self._asdict().items()}
        return said | {"divergences": plain(self.divergences)}


def collapse(
    parts: Parts, measure: Measure, raw: PyTree, key: Key[Array, ""], *, most: int = 500, seed: int = 0
) -> Collapse | None:
    """The report on a model with latent variables and an inference model; `None` for other parts.

    Args:
        parts: the filled parts.
        measure: how a raw row becomes the model's.
        raw: the rows.
        key: of the codes.
        most: rows that are used, the first ones; the densities of all their codes under all of them are computed.
        seed: of the permutations behind the discrepancy's error.
    """
    model, posterior = parts["model"], posterior_of(parts) if "inference" in parts else None
    if not (isinstance(model, HasLogJoint) and isinstance(posterior, Proposes | Reparameterised)):
        return None
    raw = jax.tree.map(lambda leaf: np.asarray(leaf)[:most], raw)
    if not jax.tree.leaves(raw) or count_rows(raw) < 2:
        raise InputError("a report on collapse needs at least two rows")
    rows = (fingerprints(raw), raw)
    one = measure.to_model(key, jax.tree.map(lambda leaf: leaf[0], raw))
    closed = closed_form(parts, jax.tree.map(lambda leaf: leaf[None], one))
    kept = max(1, min(DRAWS, CODES // count_rows(raw)))
    mean, spread, divergence, h, terms = in_chunks(
        lambda piece: codes_of_rows(parts, measure, key, piece, kept=kept, closed=closed), rows, ROWS
    )
    places = np.arange(max(len(mean), LEAST_CODES), dtype=np.int32)
    drawn = isinstance(model, HasJointSample)
    prior = in_chunks(lambda piece: prior_codes(model, key, piece), places, ROWS) if drawn else None
    activity = _activity(mean, spread, model.latents, prior)
    turned = jax.tree.map(lambda leaf: np.roll(leaf, 1, axis=0), h)
    worth = in_chunks(lambda piece: worth_of_codes(parts, measure, key, piece), (rows, h, turned), ROWS)
    worth_of = mean_of(np.asarray(worth, np.float64), "unbiased")
    exact = isinstance(posterior, HasPosterior)
    found = None
    if exact:
        log_q = np.asarray(in_chunks(lambda piece: densities(parts, measure, key, h, piece), rows, ROWS), np.float64)
        log_prior = log_priors(model, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), h))
        found = aggregate(np.moveaxis(log_q, 0, 2), np.asarray(log_prior, np.float64).reshape(-1, kept))
    rate, kind = None, "unbiased" if exact else "upper bound"
    if isinstance(posterior, Proposes):
        rate = mean_of(np.asarray(divergence, np.float64).mean(axis=1), kind)
    blocks = shares_of(model.latents, _closed_bits(parts, measure, key, rows) or terms, kind)
    mmd2 = None if prior is None else discrepancy(_first(h, model.latents), prior[: len(mean)], seed)
    state, alarm, advice = verdict(activity, rate, worth_of, found)
    return Collapse(
        state,
        alarm,
        advice,
        int((activity > ACTIVE).sum()),
        activity.size,
        tuple(activity.tolist()),
        rate,
        blocks,
        worth_of,
        None if found is None else found.below,
        None if found is None else found.above,
        None if found is None else found.divergence,
        mmd2,
        _notes(found, rate, blocks, len(mean)),
    )


def _first(h: PyTree, latents: tuple[Latent, ...]) -> np.ndarray:
    """One code of each row, as numbers."""
    return np.asarray(jax.vmap(lambda one: numbers_of(one, latents))(jax.tree.map(lambda leaf: leaf[:, 0], h)))


def _activity(
    mean: np.ndarray, spread: np.ndarray, latents: tuple[Latent, ...], prior: np.ndarray | None
) -> np.ndarray:
    """The variance over rows of the posterior's mean of each variable; of reals as a share of the prior's variance."""
    # The variance of a mean of so many draws is a share of theirs, whatever the row: it is no activity.
    variance = np.maximum(mean.astype(np.float64).var(axis=0, ddof=1) - spread.mean(axis=0) / DRAWS, 0.0)
    found, start = [], 0
    for latent in latents:
        width = latent.size * (latent.levels if latent.kind == "categories" else 1)
        piece = variance[start : start + width]
        if latent.kind == "reals" and prior is not None:
            piece = piece / np.maximum(prior[:, start : start + width].astype(np.float64).var(axis=0), 1e-12)
        found.append(piece.reshape(latent.size, -1).sum(axis=1))
        start += width
    return np.concatenate(found)


def _closed_bits(parts: Parts, measure: Measure, key: Key[Array, ""], rows: PyTree) -> tuple[np.ndarray, ...]:
    """The divergence of each bit of each row by its formula; nothing where prior and posterior have none."""
    logits = bit_logits(parts["model"]) if isinstance(posterior_of(parts), HasBitLogits) else None
    if logits is None:
        return ()
    at = jnp.asarray(logits, jnp.float32)
    return (in_chunks(lambda piece: bit_divergences(parts, measure, key, at, piece), rows, ROWS),)


def verdict(
    activity: np.ndarray, rate: Estimate | None, worth: Estimate, found: Aggregate | None
) -> tuple[str, str, tuple[str, ...]]:
    """The state, what is wrong, and what to try."""
    size, active = activity.size, int((activity > ACTIVE).sum())
    of = f"{active} of {size} latent variables {'is' if active == 1 else 'are'} active"
    nats = "" if rate is None or rate.failed else f", and the divergence from the prior is {rate.value:.2f} nats a row"
    silent = rate is not None and not rate.failed and rate.value < SILENT
    if active == 0 or silent:
        return "collapsed", f"The posterior has collapsed: {of}{nats}. The model does not use its code.", AGAINST
    if not worth.failed and worth.value < SILENT:
        said = (
            f"The model does not use its code: a row's own code is worth {worth.value:.2f} nats more to it than "
            f"another row's, though {of}."
        )
        return "collapsed", said, AGAINST
    if active <= FEW * size and size > 1:
        said = f"The posterior has collapsed in part: {of}{nats}. The others say nothing of the row."
        return "collapsed in part", said, (*AGAINST, "fewer latent variables, if what is active is all that is needed")
    if found is not None and rate is not None and found.divergence.value > max(FAR * rate.value, LEAST):
        said = (
            f"The codes of the rows are not where the prior is: of {rate.value:.2f} nats of divergence at most "
            f"{found.divergence.value:.2f} are the distance of the aggregate posterior from the prior. Draws of the "
            "model come from codes that no row has."
        )
        return "off the prior", said, TOWARDS
    return "healthy", "", ()


def _notes(
    found: Aggregate | None, rate: Estimate | None, blocks: tuple[Share, ...] | None, rows: int
) -> tuple[str, ...]:
    notes = []
    if rate is None:
        notes.append("no divergence: the inference model gives draws without a density")
    if found is None:
        notes.append(
            "no mutual information: it asks for q(h | x) of any h, and the inference model has no such density"
        )
    elif not found.below.failed and found.below.value > np.log(rows) - 1.0:
        notes.append(f"{rows} rows can show a mutual information of at most log {rows} = {np.log(rows):.2f} nats")
    if blocks is None:
        if rate is not None:
            notes.append("no divergence by block: the inference model gives one density for all of them together")
    elif any(one.each is None for one in blocks):
        of = "" if all(one.each is None for one in blocks) else " of some blocks"
        notes.append(f"no divergence by variable{of}: they are not independent in both prior and posterior")
    return tuple(notes)
