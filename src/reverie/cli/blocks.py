"""Small grey pictures in a terminal: two pixels, one above the other, a character."""

from typing import Any

import numpy as np
from rich.color import Color
from rich.style import Style
from rich.text import Text

MOST_LINES = 40


def drawn(raw: Any, image: tuple[int, int, int], width: int) -> Text:
    """As many pictures as fit the width and some forty lines, side by side, with a note on those left out."""
    height, wide, _ = image
    levels = np.asarray(raw, float).reshape(-1, height, wide)
    levels = np.clip((levels - min(levels.min(), 0.0)) / (max(levels.max(), 0.0) - min(levels.min(), 0.0) or 1.0), 0, 1)
    if height % 2:
        levels = np.pad(levels, ((0, 0), (0, 1), (0, 0)))
    across = max(1, (width + 1) // (wide + 1))
    down = max(1, MOST_LINES // (levels.shape[1] // 2 + 1))
    text = Text()
    for first in range(0, min(len(levels), across * down), across):
        row = levels[first : first + across]
        for line in range(0, levels.shape[1], 2):
            for place, picture in enumerate(row):
                text.append(" " if place else "")
                for above, below in zip(picture[line], picture[line + 1], strict=True):
                    text.append("▀", Style(color=_grey(above), bgcolor=_grey(below)))
            text.append("\n")
        text.append("\n")
    left = len(levels) - across * down
    if left > 0:
        text.append(f"and {left} more; --out FILE.png draws them all\n")
    return text


def _grey(level: float) -> Color:
    value = round(255 * float(level))
    return Color.from_rgb(value, value, value)
