"""How long a run may take: steps, epochs or wall-clock time."""

import math
import re
from typing import NamedTuple

from reverie.errors import InputError

DEFAULT_STEPS = 5000
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


class Budget(NamedTuple):
    """The end of a run: a step, or a number of seconds, or whichever comes first."""

    steps: int | None
    seconds: float | None


def seconds_of(text: str | float) -> float:
    """`90`, `90s`, `2m`, `1h30m` as seconds."""
    if isinstance(text, str):
        word = text.strip().lower()
        pieces = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?", word)
        if not word or pieces is None:
            raise InputError(f"the budget {text!r} is not a time: write 90s, 2m or 1h30m")
        value = sum(float(n) * unit for n, unit in zip(pieces.groups(), _UNITS.values(), strict=True) if n)
    else:
        value = float(text)
    if not 0 < value < math.inf:
        raise InputError(f"the budget must be a positive time, not {text!r}")
    return value


def budget_of(steps: int | None, epochs: float | None, time: str | float | None, per_epoch: int) -> Budget:
    """The budget that a person asked for; `DEFAULT_STEPS` when they did not."""
    if steps is not None and epochs is not None:
        raise InputError("give steps or epochs, not both")
    if steps is not None and steps < 1:
        raise InputError(f"steps must be at least 1, not {steps}")
    if epochs is not None:
        if not 0 < epochs < math.inf:
            raise InputError(f"epochs must be positive, not {epochs}")
        steps = max(1, round(epochs * per_epoch))
    if steps is not None and steps >= 2**31:
        raise InputError(f"{steps} steps are more than a run can count (2^31 − 1)")
    seconds = None if time is None else seconds_of(time)
    return Budget(DEFAULT_STEPS if steps is None and seconds is None else steps, seconds)
