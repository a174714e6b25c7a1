"""What every picture shares: colours, type, and a canvas laid out in pixels from its top left corner."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

INK, QUIET, RULE, PAPER = "#1f2933", "#5f6b7a", "#d5dbe3", "#ffffff"
DATA, MODEL, ACCENT = "#8793a3", "#0072b2", "#d55e00"
WHEEL = (MODEL, "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Okabe and Ito's colours, which the colour-blind can tell apart."""

SHARP = 2
"""Device pixels to a pixel of the layout, so that type is crisp on any screen."""
_PER_INCH = 96

_STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8.0,
    "text.color": INK,
    "text.parse_math": False,  # a column may be called $x_1$
    "axes.edgecolor": RULE,
    "axes.facecolor": PAPER,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 6.0,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.facecolor": PAPER,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "xtick.color": RULE,
    "xtick.labelcolor": QUIET,
    "xtick.labelsize": 7.0,
    "ytick.color": RULE,
    "ytick.labelcolor": QUIET,
    "ytick.labelsize": 7.0,
}


@contextmanager
def styled() -> Iterator[None]:
    """This room's look, whatever the user has set, who gets their own settings back."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


class Canvas:
    """A figure of `width` × `height` layout pixels; places count from the top left corner, downwards."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / _PER_INCH, height / _PER_INCH), dpi=_PER_INCH * SHARP)
        FigureCanvasAgg(self.figure)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes whose frame fills a box."""
        bottom = self.height - y - height
        box = (x / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def plate(self) -> Axes:
        """Bare axes over the whole canvas, in layout pixels: for many small things, which axes each would slow down."""
        axes = self.axes(0, 0, self.width, self.height)
        axes.set_axis_off()
        axes.set_xlim(0, self.width)
        axes.set_ylim(self.height, 0)
        return axes

    def text(self, x: float, y: float, words: str, **look: Any) -> None:
        """Words with their top left corner at a place, unless `ha` and `va` say otherwise."""
        look = {"ha": "left", "va": "top"} | look
        self.figure.text(x / self.width, 1 - y / self.height, words, **look)

    def phrase(self, x: float, y: float, words: str, **look: Any) -> float:
        """Words on a line whose middle is at `y`; where they end."""
        put = self.figure.text(x / self.width, 1 - y / self.height, words, **({"va": "center"} | look))
        return float(put.get_window_extent().x1 / SHARP)

    def pixels(self, x: float, y: float, colours: NDArray[Any]) -> None:
        """An array [height, width, 3] in device pixels, put down unchanged."""
        left, top = round(x * SHARP), round(y * SHARP)
        self.figure.figimage(colours, xo=left, yo=self.height * SHARP - top - colours.shape[0], origin="upper")

    def png(self) -> bytes:
        """The picture's file."""
        stream = io.BytesIO()
        with warnings.catch_warnings():
            # names and texts may use signs that the font lacks: they become boxes, which needs no warning
            warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
            self.figure.savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()


def legend(canvas: Canvas, x: float, y: float, entries: tuple[tuple[str, str], ...]) -> None:
    """Coloured squares and their words in a row that begins at a place."""
    for colour, words in entries:
        canvas.text(x, y, "■", color=colour, fontsize=9, va="center")
        x = canvas.phrase(x + 15, y, words, color=QUIET) + 24


def shortened(words: str, most: int) -> str:
    """At most so many letters, on one line, with … where some were left out."""
    words = " ".join(words.split())
    return words if len(words) <= most else words[: max(1, most - 1)] + "…"


def finite(values: Any) -> NDArray[np.float64]:
    """The finite ones, as one flat array."""
    flat = np.asarray(values, np.float64).reshape(-1)
    return flat[np.isfinite(flat)]
