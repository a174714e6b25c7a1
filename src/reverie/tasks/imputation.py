"""Missing values from what is known of a row: draws of p(missing | known), by clamped chains."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree
from numpy.typing import NDArray

from reverie import noise
from reverie.data import Binarise, BinariseDynamic, Rows
from reverie.errors import InputError
from reverie.evaluation import to_raw
from reverie.evaluation.chunks import fingerprints, in_chunks, seen
from reverie.evaluation.walks import Known
from reverie.runs import Run
from reverie.tasks.conditional import Completed, conditional, unsuited

How = Literal["draw", "mean"]
CHAINS = 8
"""Of each row."""
NEVER = -1e9
"""A pull on levels that a column lacks."""


class Filled(NamedTuple):
    """Rows in which nothing is missing.

    Attributes:
        raw: the rows in raw space; with several draws of each row, the first draws of all rows come first.
        open: True where a value was found by chains, [rows, columns].
        chains: what the chains came to.
    """

    raw: Any
    open: NDArray[np.bool_]
    chains: Completed

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for people."""
        return self.chains.warnings


def impute(
    run: Run,
    data: Any,
    *,
    given: Sequence[str] | None = None,
    mask: Any = None,
    how: How = "draw",
    draws: int = 1,
    moves: int = 200,
    seed: int = 0,
) -> Filled:
    """Fill in what is missing in rows, given what is there.

    Chains leave p(missing | known) of the run's model invariant: the model's own sweeps with the known columns held,
    Hamiltonian moves of other reals, Metropolis proposals for other bits and categories. What is filled in is where
    they end, or their mean: of bits and categories the likeliest value by itself.

    Args:
        run: an opened run.
        data: `Rows`, or anything that `load` reads with the run's columns; what is missing is empty or `nan`.
        given: the names of columns that are known; all others are filled in, whatever the rows hold there.
        mask: True where a value is known, [rows, columns].
        how: `draw` for draws, `mean` for the mean of many.
        draws: how many of each row, at most as many as there are chains (8).
        moves: of each chain.
        seed: of the chains.
    """
    if how not in ("draw", "mean"):
        raise InputError(f"how must be draw or mean, not {how!r}")
    if not 1 <= draws <= CHAINS or (how == "mean" and draws != 1):
        raise InputError(f"draws must be at least 1 and at most {CHAINS}, and 1 of a mean, not {draws}")
    rows = data if isinstance(data, Rows) else run.read(data, missing="mask")
    raw = one_block(run, rows)
    there = _known(run, rows, given, mask)
    if there.all():
        raise InputError("there is nothing to fill in: no value is missing; say which columns are given")
    key = noise.make_key(seed, run.config.prng)
    x = in_model(run, rows.raw, key)
    held = np.asarray(run.measure.mask_to_model(jnp.asarray(there)))
    known = Known(x, held, lacking(run, len(x)))
    found = conditional(run.parts["model"], key, known, chains=CHAINS, moves=moves, levels=levels_of(run))
    if how == "mean":
        filled = to_raw(run.measure, np.where(held, x, likeliest(found.mean, x)))
        return Filled(_kept(run, filled, raw, there), ~there, found)
    each = [_kept(run, to_raw(run.measure, found.ends[:, draw]), raw, there) for draw in range(draws)]
    return Filled(np.concatenate(each), ~there, found)


def one_block(run: Run, rows: Rows) -> NDArray[Any]:
    """The raw rows as one array; refused where the model or its rows are not of the kind that chains move."""
    why = unsuited(run.parts["model"])
    if why is not None:
        raise InputError(f"{run.model} {why}")
    if isinstance(rows.raw, dict) or not len(rows):
        raise InputError("there are no rows" if not len(rows) else "these rows are of several kinds of columns")
    return np.asarray(rows.raw)


def _known(run: Run, rows: Rows, given: Sequence[str] | None, mask: Any) -> NDArray[np.bool_]:
    shape = np.asarray(rows.raw).shape
    there = np.ones(shape, bool) if rows.mask is None else np.asarray(rows.mask).copy()
    if mask is not None:
        asked = np.asarray(mask, bool).reshape(len(there), -1) if np.size(mask) == there.size else None
        if asked is None:
            raise InputError(f"the mask has the shape {np.shape(mask)}, and the rows {shape}")
        there &= asked
    if given is not None:
        if run.schema.image is not None or run.schema.text is not None:
            raise InputError("columns of pictures and texts have no names: leave given out, and values empty or nan")
        # Constant columns are in the schema and not among the rows' values.
        names = [run.schema.columns[place].name for places in run.schema.groups.values() for place in places]
        unknown = next((name for name in given if name not in names), None)
        if unknown is not None or not given:
            raise InputError(f"{unknown!r} is no column of this run: its columns are {', '.join(map(repr, names[:8]))}")
        there &= np.isin(names, list(given))
    return there


def in_model(run: Run, raw: PyTree, key: Key[Array, ""]) -> NDArray[Any]:
    """The rows as the model sees them."""
    words = fingerprints(raw)
    see = jax.jit(jax.vmap(lambda words, raw: seen(run.measure, key, words, raw)[0]))
    found: NDArray[Any] = in_chunks(lambda piece: see(*piece), (words, raw), 256)
    return found


def levels_of(run: Run) -> int:
    """The largest number of levels of the categories that the model sees."""
    leaf = run.spec.leaves.get("categorical")
    return 0 if leaf is None else leaf.levels


def lacking(run: Run, rows: int) -> NDArray[np.float32] | None:
    """A pull, the same for all rows, that keeps categories from levels that their column lacks."""
    leaf = run.spec.leaves.get("categorical")
    if leaf is None:
        return None
    pull = np.where(np.arange(leaf.levels) < np.array(leaf.counts)[:, None], 0.0, NEVER).astype(np.float32)
    return np.broadcast_to(pull, (rows, *pull.shape))


def likeliest(mean: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Means of reals; of bits and categories the value that is likelier than any other."""
    if x.dtype == np.bool_:
        return mean > 0.5
    return mean.argmax(axis=-1).astype(x.dtype) if np.issubdtype(x.dtype, np.integer) else mean


def _kept(run: Run, filled: NDArray[Any], raw: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[Any]:
    """With the known values as they came; but for pixels that the model sees as bits, which stay bits together."""
    if isinstance(run.measure, Binarise | BinariseDynamic):
        return filled
    return np.where(there, raw, filled).astype(filled.dtype)
