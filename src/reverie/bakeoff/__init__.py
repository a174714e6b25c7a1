"""Many pairs on one data set, ranked."""

from reverie.bakeoff.bakeoff import Bakeoff, Entry, Stage, bakeoff
from reverie.bakeoff.roster import ROSTER, Entrant

__all__ = ["ROSTER", "Bakeoff", "Entrant", "Entry", "Stage", "bakeoff"]
