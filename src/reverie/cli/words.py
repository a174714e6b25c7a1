"""Numbers and times as people write them."""

from collections.abc import Iterable


def count(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def counted(number: int, what: str) -> str:
    """`1 row`, `12 rows`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """`0.3 s`, `12 s`, `1 m 05 s`, `2 h 03 m`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def figure(number: float) -> str:
    """Four digits, with a true minus."""
    return f"{number:.4g}".replace("-", "−")


def listed(names: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *front, end = names
    return f"{', '.join(front)} {last} {end}" if front else end
