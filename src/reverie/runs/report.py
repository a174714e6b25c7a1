"""The report of a run: pictures and one page that needs no network."""

from reverie.data import Dataset
from reverie.runs.run import Run


def write_report(run: Run, dataset: Dataset) -> None:
    """Write samples.png, curves.png and report.html into the run folder."""
