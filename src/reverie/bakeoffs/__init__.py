"""Many pairs on one data set, ranked."""

from reverie.bakeoffs.contest import Bakeoff, Entry, Stage, bakeoff
from reverie.bakeoffs.roster import ROSTER, Entrant

__all__ = ["ROSTER", "Bakeoff", "Entrant", "Entry", "Stage", "bakeoff"]
