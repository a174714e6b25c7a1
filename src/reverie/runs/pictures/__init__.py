"""Pictures as PNG bytes, from plain arrays and numbers. The only room that imports matplotlib, and never its pyplot."""

from reverie.runs.pictures.chains import draw_chains
from reverie.runs.pictures.codes import draw_codes
from reverie.runs.pictures.curves import draw_curves
from reverie.runs.pictures.gallery import draw_gallery
from reverie.runs.pictures.gradients import draw_gradients
from reverie.runs.pictures.ranking import Place, draw_ranking
from reverie.runs.pictures.samples import Density, draw_samples, frame_of, grid_of, tile
from reverie.runs.pictures.series import LIKELIHOODS
from reverie.runs.pictures.views import bits_of, lines_of, view_of

__all__ = [
    "LIKELIHOODS",
    "Density",
    "Place",
    "bits_of",
    "draw_chains",
    "draw_codes",
    "draw_curves",
    "draw_gallery",
    "draw_gradients",
    "draw_ranking",
    "draw_samples",
    "frame_of",
    "grid_of",
    "lines_of",
    "tile",
    "view_of",
]
