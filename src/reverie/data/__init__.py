"""Data: from any source to rows that a model can see, and back.

`load` reads a source, infers or checks its `Schema`, splits it, and chooses a `Measure`; the `Dataset` that
it gives holds all of that. `read_rows` reads new rows under a known schema.
"""

from reverie.data.batches import Batches
from reverie.data.choice import to_model_rows
from reverie.data.composed import Composed
from reverie.data.densities import Dequantise, Logit, Standardise
from reverie.data.load import load, load_again, read_rows
from reverie.data.measure import Measure
from reverie.data.measure_config import measure_from_config
from reverie.data.per_leaf import PerLeaf
from reverie.data.rows import Dataset, Rows
from reverie.data.schema import Column, Label, Schema, Text, read_schema
from reverie.data.spec import Batch, Leaf, Spec
from reverie.data.views import Binarise, BinariseDynamic, Identity, Levels, OneHot

__all__ = [
    "Batch",
    "Batches",
    "Binarise",
    "BinariseDynamic",
    "Composed",
    "Levels",
    "Column",
    "Dataset",
    "Dequantise",
    "Identity",
    "Label",
    "Leaf",
    "Logit",
    "Measure",
    "OneHot",
    "PerLeaf",
    "Rows",
    "Schema",
    "Spec",
    "Standardise",
    "Text",
    "load",
    "load_again",
    "measure_from_config",
    "read_rows",
    "read_schema",
    "to_model_rows",
]
