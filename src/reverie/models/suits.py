"""The sentence that says why a model cannot take such data."""

from reverie.data.spec import Spec

_MENDS = {
    "categorical": "columns of categories, such as text or a table's; try measure='none'",
    "binary": "binary columns; try measure='binarise' or 'one-hot'",
    "continuous": "continuous columns; try measure='dequantise' or 'standardise'",
}


def only(kind: str, spec: Spec, model: str) -> str | None:
    """`None` when all columns are of that kind."""
    if spec.kind == kind:
        return None
    return f"{model} takes {kind} columns and these are {spec.kind}: it needs {_MENDS[kind]}"


def grid_of(spec: Spec, model: str) -> str | None:
    """`None` when the rows are pictures of one channel."""
    if spec.image is None:
        return f"{model} on a grid takes pictures and these {spec.kind} rows are none: choose graph='full'"
    if spec.image[2:] not in ((), (1,)):
        return f"{model} on a grid takes {spec.kind} pictures of one channel, not {spec.image[2]}: choose graph='full'"
    return None
