"""`metrics.jsonl`: one JSON object a line, appended as the run goes."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reverie.runs.files import write_whole


def clean(value: Any) -> Any:
    """Numbers that JSON does not know become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean(one) for one in value]
    return value


def append(path: Path, line: dict[str, Any]) -> None:
    """Add a line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(clean(line), allow_nan=False) + "\n")


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole; the last may have been cut by a crash."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(found, dict) and isinstance(found.get("step"), int):
            yield found


def rewind(path: Path, step: int) -> None:
    """Forget what was written after a step: the run goes on from there and will write it again."""
    kept = [line for line in read(path) if line["step"] <= step]
    write_whole(path, "".join(json.dumps(line, allow_nan=False) + "\n" for line in kept))
