"""What a fitted model is good for: filling in what is missing, taking noise off, telling classes and outliers.

Everything here takes a run, asks its model what it can do, and gives rows in the units of the data.
"""

from reverie.tasks.conditional import Completed, conditional
from reverie.tasks.denoising import denoise
from reverie.tasks.imputation import Filled, impute
from reverie.tasks.outliers import Separation, roc_area, separation
from reverie.tasks.telling import Classified, classify

__all__ = [
    "Classified",
    "Completed",
    "Filled",
    "Separation",
    "classify",
    "conditional",
    "denoise",
    "impute",
    "roc_area",
    "separation",
]
