"""The report of a bake-off: one page with the ranking and pictures."""

from pathlib import Path
from typing import Any

from reverie.data import Dataset


def write_bakeoff_report(result: Any, runs: list[Any], dataset: Dataset, page: Path) -> None:
    """Write the page, and pictures beside it."""
