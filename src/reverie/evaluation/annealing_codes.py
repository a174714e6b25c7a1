"""The log-likelihood of a model with latent variables by annealing its codes from the prior to the posterior.

For a row x, chains go through the densities p_β(h) ∝ p(h) p(x | h)^β from β_0 = 0 to β_T = 1 (Neal 2001; Wu, Burda,
Salakhutdinov & Grosse 2017, *On the quantitative analysis of decoder-based generative models*, §3):

    h_0 ~ p(h),   log w = Σ_k (β_k − β_{k−1}) log p(x | h_{k−1}),   h_k ~ moves from h_{k−1} that leave p_{β_k} as it is

and E w = p(x), so that the log of the mean of w over chains is a lower bound in expectation that no inference model
makes looser. `reverie.evaluation.paths` has the path and `reverie.evaluation.moves` the moves.

On rows that the model itself drew, with the h they were drawn from, chains can also come back from that h, an exact
draw of the posterior, and E 1/w = 1/p(x): an upper bound in expectation. The two are a bracket of the truth (Grosse,
Ghahramani & Adams 2015, *Sandwiching the marginal likelihood using bidirectional Monte Carlo*, §3).

Where the codes are bits and categories and few, their sum is written out, and nothing of this is needed.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasFiniteCodes, HasJointSample, HasLogJoint
from reverie.data import Measure
from reverie.errors import InputError
from reverie.estimate import Estimate, failed, mean_of
from reverie.evaluation.chunks import count_rows, fingerprints, in_chunks, seen
from reverie.evaluation.moves import KINDS
from reverie.evaluation.paths import PILOTS, drawn_both_ways, rows_forward, schedule
from reverie.evaluation.weights import log_mean_weight
from reverie.evaluation.widths import joint_width, joint_width_of

SLOWER = 4
"""How many times the temperatures that were asked for are tried after a failure."""
LOWEST_RATE, HIGHEST_RATE = 0.3, 0.99
DOUBTFUL, TOO_LOOSE = 0.1, 0.5
"""Nats by which the weights' spread says that the bound may be loose: then it warns, then it fails."""
FEW_CODES = 2**12
LISTED = 2**9
"""Codes that are summed at once."""
NUMBERS, ROWS = 2**19, 64


class Annealed(NamedTuple):
    """What annealing found, row by row.

    Attributes:
        values: log p(x), in nats, in raw space.
        slack: nats that the value may lie below the truth on average, as the spread of the weights says.
        ess: the effective number of chains.
        acceptance: the mean acceptance of Hamiltonian moves and of flips, [rows, 2]; 1 where there are none.
        exact: whether it is a sum over all codes.
    """

    values: np.ndarray
    slack: np.ndarray
    ess: np.ndarray
    acceptance: np.ndarray
    exact: bool = False


class Bracket(NamedTuple):
    """Bounds on log p(x) of rows that the model drew, in nats a row, in the model's space.

    Attributes:
        lower: from the prior.
        upper: from the h that the rows were drawn with.
        gap: upper − lower: how far the lower bound can be from the truth.
    """

    lower: Estimate
    upper: Estimate
    gap: Estimate

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {name: found.to_dict() for name, found in self._asdict().items()}


def unsuited(model: Any) -> str | None:
    """Why a model's codes cannot be annealed, in words; `None` where they can."""
    if not isinstance(model, HasLogJoint):
        return f"{type(model).__name__} has no joint density of rows and codes"
    if isinstance(model, HasFiniteCodes) and model.code_count <= FEW_CODES:
        return None
    if not isinstance(model, HasJointSample):
        return f"{type(model).__name__} gives no draws of its codes to begin from"
    strange = [latent.kind for latent in model.latents if latent.kind not in KINDS]
    return f"nothing here moves {strange[0]}" if strange else None


@eqx.filter_jit
def _sums(model: Any, measure: Measure, key: Key[Array, ""], codes: PyTree, rows: PyTree) -> tuple[Array, Array]:
    """The log of the sum over some codes of the joint density, and the measure's correction."""

    def one(words: Array, raw: PyTree) -> tuple[Array, Array]:
        x, correction, _ = seen(measure, key, words, raw)
        return jax.nn.logsumexp(jax.vmap(lambda h: model.log_joint(x, h))(codes)), correction

    return jax.vmap(one)(*rows)


def _summed(model: Any, measure: Measure, raw: PyTree, key: Key[Array, ""]) -> np.ndarray:
    every = jax.tree.map(np.asarray, model.codes())
    count = len(jax.tree.leaves(every)[0])

    pieces_of_codes = [
        jax.tree.map(lambda leaf, start=start: leaf[start : start + LISTED], every) for start in range(0, count, LISTED)
    ]

    def chunk(rows: PyTree) -> np.ndarray:
        pieces = [_sums(model, measure, key, codes, rows) for codes in pieces_of_codes]
        sums = np.stack([np.asarray(one[0], np.float64) for one in pieces])
        return np.logaddexp.reduce(sums) + np.asarray(pieces[0][1], np.float64)

    return np.asarray(in_chunks(chunk, (fingerprints(raw), raw), ROWS))


def slack_of(log_w: np.ndarray) -> np.ndarray:
    """Nats that the log of the mean over the last axis lies below the log of the expectation, on average.

    For n log-normal weights with log-variance s²: (exp s² − 1) / 2n where that is small, and never more than s² / 2.
    """
    variance = log_w.var(axis=-1, ddof=1)
    with np.errstate(over="ignore"):
        return np.minimum(variance / 2.0, np.expm1(variance) / (2.0 * log_w.shape[-1]))


def annealed_rows(
    model: Any,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    *,
    chains: int = 16,
    temperatures: int = 1000,
    leaps: int = 5,
) -> Annealed | None:
    """log p(x) of each raw row, once; `None` for a model whose codes cannot be annealed."""
    _check(chains, temperatures, leaps)
    raw = jax.tree.map(np.asarray, raw)
    if not jax.tree.leaves(raw) or not count_rows(raw):
        raise InputError("there are no rows to evaluate")
    if unsuited(model) is not None:
        return None
    if isinstance(model, HasFiniteCodes) and model.code_count <= FEW_CODES:
        values = _summed(model, measure, raw, key)
        nothing = np.zeros(len(values))
        return Annealed(values, nothing, nothing, np.ones((len(values), 2)), exact=True)
    betas = jnp.asarray(schedule(temperatures))

    def chunk(rows: PyTree) -> tuple[np.ndarray, ...]:
        log_w, rates, correction = (
            np.asarray(one, np.float64) for one in rows_forward(model, measure, key, betas, chains, leaps, rows)
        )
        value, ess = log_mean_weight(log_w)
        return value + correction, slack_of(log_w), ess, rates

    size = _size(chains, joint_width(model, measure, raw))
    return Annealed(*in_chunks(chunk, (fingerprints(raw), raw), size))


def _check(chains: int, temperatures: int, leaps: int) -> None:
    if chains < 2 or temperatures < 1 or leaps < 1:
        raise InputError(
            f"annealing needs at least 2 chains, 1 temperature and 1 leapfrog step, not {chains}, {temperatures} "
            f"and {leaps}"
        )


def _size(chains: int, numbers: int) -> int:
    """Rows in a chunk, where the widest layer of a row and a code has so many numbers."""
    room = NUMBERS // ((chains + PILOTS) * max(numbers, 64))
    return 2 ** int(math.log2(min(max(room, 1), ROWS)))


def wrong_with(found: Annealed, latents: Any) -> str | None:
    """Why the rows' values must not be believed, in words; `None` where nothing speaks against them."""
    bad = int((~np.isfinite(found.values)).sum())
    if bad:
        return f"the annealed weights of {bad} of {found.values.size} rows are not finite"
    if any(latent.kind == "reals" for latent in latents):
        rate = float(found.acceptance[:, 0].mean())
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            return (
                f"Hamiltonian moves were accepted at a rate of {rate:.2f}, and {LOWEST_RATE} to {HIGHEST_RATE} is sound"
            )
    slack = float(found.slack.mean())
    if slack > TOO_LOOSE:
        return (
            f"the annealed weights collapsed: their spread says that the bound is {slack:.2f} nats too low "
            f"(ESS {found.ess.mean():.1f})"
        )
    return None


def judged(found: Annealed, model: Any, kind: str) -> Estimate:
    """The mean over the rows, or a failure; the standard error contains what the weights' spread says of the bias."""
    n = found.values.size
    wrong = wrong_with(found, model.latents)
    ess = None if found.exact else float(found.ess.mean())
    if wrong is not None:
        return failed(f"annealing failed: {wrong}", n=n, ess=ess)
    slack = float(found.slack.mean())
    loose = f"the bound may be {slack:.2f} nats too low: anneal more slowly (`--temperatures`)"
    said = (loose,) if slack > DOUBTFUL else ()
    mean = mean_of(found.values, kind, ess=ess, warnings=said)
    own = math.sqrt(max(0.0, 2.0 * slack)) if n == 1 else 0.0
    return mean._replace(se=math.hypot(mean.se, slack, own))


def annealed_likelihood(
    model: Any,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    *,
    chains: int = 16,
    temperatures: int = 1000,
    leaps: int = 5,
) -> tuple[Estimate, np.ndarray] | None:
    """The mean of log p(x) over raw rows, and the rows' values; `None` where the codes cannot be annealed.

    Exact where the codes are few, else a lower bound, or failed with the reason. After a failure it is tried once more,
    four times as slowly.

    Args:
        model: a filled model with `HasLogJoint` and `HasJointSample`, or few codes.
        measure: how a raw row becomes the model's.
        raw: the rows.
        key: of the chains and of the noise of a random measure.
        chains: for each row.
        temperatures: T, steps from the prior to the posterior.
        leaps: L, leapfrog steps of a Hamiltonian move.
    """

    def tried(level: int) -> tuple[Estimate, np.ndarray] | None:
        found = annealed_rows(model, measure, raw, key, chains=chains, temperatures=temperatures * level, leaps=leaps)
        if found is None:
            return None
        kind = "exact" if found.exact and not measure.bound else "lower bound"
        return judged(found, model, kind), found.values

    first = tried(1)
    return tried(SLOWER) if first is not None and first[0].failed else first


def bracket(
    model: Any, key: Key[Array, ""], *, rows: int = 100, chains: int = 16, temperatures: int = 1000, leaps: int = 5
) -> Bracket | None:
    """A lower and an upper bound on log p(x) of rows that the model draws; `None` where that cannot be done.

    Args:
        model: a filled model with `HasLogJoint` and `HasJointSample`.
        key: of the rows and the chains.
        rows: how many are drawn.
        chains: for each row, forward, and as many back.
        temperatures: steps from the prior to the posterior.
        leaps: leapfrog steps of a Hamiltonian move.
    """
    _check(chains, temperatures, leaps)
    if rows < 2:
        raise InputError(f"a bracket needs at least 2 rows, not {rows}")
    if unsuited(model) is not None or not isinstance(model, HasJointSample):
        return None
    betas = jnp.asarray(schedule(temperatures))
    shapes = jax.eval_shape(model.sample_joint, key)[0]
    size = _size(chains, joint_width_of(model, shapes))
    places = np.arange(rows, dtype=np.int32)
    log_w, rates, back = (
        np.asarray(one, np.float64)
        for one in in_chunks(lambda piece: drawn_both_ways(model, key, betas, chains, leaps, piece), places, size)
    )
    below, ess = log_mean_weight(log_w)
    above, ess_back = log_mean_weight(-back)
    # However loose, each is a bound in expectation, and the gap between them says how loose: no spread need refuse it.
    whole = np.zeros(rows)
    lower = judged(Annealed(below, whole, ess, rates), model, "lower bound")
    upper = judged(Annealed(-above, whole, ess_back, rates), model, "upper bound")
    broken = lower if lower.failed else upper
    if broken.failed:
        return Bracket(lower, upper, failed("; ".join(broken.warnings), n=rows))
    gap = mean_of(-above - below, "upper bound")
    wide = f"the bracket is {gap.value:.2f} nats wide: anneal more slowly (`--temperatures`)"
    said = (wide,) if gap.value > TOO_LOOSE else ()
    return Bracket(lower, upper, gap._replace(warnings=said))
