"""Rows behind noise of a known kind: the posterior p(x | seen) ∝ p(x) p(seen | x), by chains that begin anywhere.

    p(seen | x) = N(seen; x, σ² I)                                  of reals
    p(seen | x) = Π_i (1 − r) or r / (levels − 1)                   of bits and categories, seen as they were or not

The first adds −|x − seen|²/2σ² to the potential, the second log((1 − r)(levels − 1)/r) for each value left as it was.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie import noise as bulk
from reverie.data import Identity, Rows, Standardise
from reverie.errors import InputError
from reverie.evaluation import to_raw
from reverie.evaluation.walks import Known
from reverie.runs import Run
from reverie.tasks.conditional import conditional
from reverie.tasks.imputation import CHAINS, Filled, How, in_model, lacking, levels_of, likeliest, one_block


def denoise(
    run: Run,
    data: Any,
    *,
    noise: float | None = None,
    flips: float | None = None,
    how: How = "mean",
    moves: int = 200,
    seed: int = 0,
) -> Filled:
    """Take noise off rows by the run's model.

    Args:
        run: an opened run.
        data: `Rows`, or anything that `load` reads with the run's columns.
        noise: σ, the standard deviation of Gaussian noise on continuous columns, in the units of the data.
        flips: r, the probability that a bit or a category was replaced by another value.
        how: `mean`, the posterior's mean (of bits and categories the likeliest value), which errs least on average; or
            `draw`, a draw of it, which looks like data.
        moves: of each chain.
        seed: of the chains.
    """
    if (noise is None) == (flips is None):
        raise InputError(
            "say how large the noise is: either noise (--noise, of continuous columns) or flips (--flips, of others)"
        )
    if how not in ("draw", "mean"):
        raise InputError(f"how must be draw or mean, not {how!r}")
    rows = data if isinstance(data, Rows) else run.read(data, missing="mask")
    if rows.mask is not None:
        raise InputError("there are missing values in these rows: fill them in first, by impute")
    one_block(run, rows)
    key = bulk.make_key(seed, run.config.prng)
    x = in_model(run, rows.raw, key)
    if np.issubdtype(x.dtype, np.floating):
        if noise is None:
            raise InputError("continuous columns have Gaussian noise on them: say noise, and not flips")
        known = Known(x, np.zeros(x.shape, bool), None, _precision(run, noise, x.shape))
    else:
        if flips is None:
            raise InputError("bits and categories have values replaced: say flips, and not noise")
        known = Known(x, np.zeros(x.shape, bool), _pull(run, flips, x))
    found = conditional(run.parts["model"], key, known, chains=CHAINS, moves=moves, levels=levels_of(run))
    cleaned = likeliest(found.mean, x) if how == "mean" else found.ends[:, 0]
    return Filled(to_raw(run.measure, cleaned), np.ones(x.shape, bool), found)


def _precision(run: Run, noise: float, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """1/σ² in the model's units."""
    if not 0.0 < noise < math.inf:
        raise InputError(f"the noise is a standard deviation and must be positive and finite, not {noise}")
    measure = run.measure
    if not isinstance(measure, Identity | Standardise):
        raise InputError(
            "noise is told of columns that the model sees as they are or standardised, and it sees these otherwise: "
            f"fit it with --measure standardise ({measure.reference})"
        )
    scale = np.array(measure.std) if isinstance(measure, Standardise) else np.ones(shape[1])
    return np.broadcast_to(np.square(scale / noise).astype(np.float32), shape)


def _pull(run: Run, flips: float, x: NDArray[Any]) -> NDArray[np.float32]:
    """The log-odds of values left as they were."""
    if x.dtype == np.bool_:
        bit = _log_odds(flips, 2)
        return np.where(x, bit, -bit).astype(np.float32)
    leaf = run.spec.leaves["categorical"]
    odds = np.array([_log_odds(flips, count) for count in leaf.counts])
    never = lacking(run, len(x))
    assert never is not None, "there are categories"
    return (never + (x[..., None] == np.arange(leaf.levels)) * odds[:, None]).astype(np.float32)


def _log_odds(flips: float, levels: int) -> float:
    if not 0.0 < flips < 1.0:
        raise InputError(f"flips is a probability above 0 and below 1, not {flips}")
    return math.log((1.0 - flips) * max(levels - 1, 1) / flips)
