"""Text as rows of tokens: windows of fixed length, or lines that end with a mark and are padded."""

from collections import Counter
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from reverie.data.found import Found
from reverie.data.rows import Rows
from reverie.data.schema import END, PADDING, Schema, Text
from reverie.errors import InputError

UNKNOWN = "<unk>"
"""What stands for the words beyond a vocabulary."""


class Reading(NamedTuple):
    """How text becomes rows.

    Attributes:
        length: tokens of a row; of a line, its end mark included.
        tokens: `characters` or `words`.
        lines: whether each line is a row of its own.
        vocabulary: keep so many different tokens, the most frequent; `None` keeps all.
    """

    length: int = 32
    tokens: str = "characters"
    lines: bool = False
    vocabulary: int | None = None


def infer_text(texts: tuple[str, ...], reading: Reading) -> Schema:
    """The schema of text: its alphabet, and how it is cut."""
    if reading.length < 1 + reading.lines:
        raise InputError(f"the length of a row of text is {reading.length}: it must be at least {1 + reading.lines}")
    if reading.tokens not in ("characters", "words"):
        raise InputError(f"tokens may be 'characters' or 'words', not {reading.tokens!r}")
    if reading.vocabulary is not None and reading.vocabulary < 2:
        raise InputError(f"the vocabulary is {reading.vocabulary}: it must have at least 2 tokens")
    seen: Counter[str] = Counter()
    rows = long = 0
    for text in texts:
        for line in text.splitlines() if reading.lines else [text]:
            tokens = tokens_of(line, reading.tokens)
            seen.update(tokens)
            rows += bool(tokens)
            long += len(tokens) >= reading.length
    mark = next((mark for mark in (END, PADDING) if reading.lines and mark in seen), None)
    if mark is not None:
        raise InputError(f"the text has {mark!r} among its words, which is kept for the ends of lines: replace it")
    if len(seen) < 2:
        raise InputError("the text has fewer than two different tokens: there is nothing to learn")
    kept, unknown = set(seen), None
    if reading.vocabulary is not None and len(seen) > reading.vocabulary:
        unknown = UNKNOWN
        others = [token for token, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0])) if token != UNKNOWN]
        kept = {UNKNOWN, *others[: reading.vocabulary - 1]}
    alphabet = tuple(sorted(kept)) + ((END, PADDING) if reading.lines else ())
    kind = cast(Literal["characters", "words"], reading.tokens)
    made = Text(alphabet, reading.length, kind, lines=reading.lines, unknown=unknown)
    if not (reading.lines and long):
        return Schema(text=made, named=False)
    why = f"{long:,} of {rows:,} lines have more than {reading.length - 1} {reading.tokens} and are left out"
    return Schema(text=made, named=False, warnings=(why,))


def tokens_of(text: str, tokens: str) -> list[str]:
    """The tokens of a text or a line."""
    return list(text) if tokens == "characters" else text.split()


def encode_text(found: Found, text: Text) -> tuple[Rows, tuple[int, ...] | None]:
    """The rows of a text, and how many each part has where the source has parts of its own."""
    if found.texts is None:
        raise InputError(f"{found.name} is not text, and the schema describes text")
    code = {token: i for i, token in enumerate(text.alphabet)}
    cut = _lines if text.lines else _windows
    blocks = [cut(words, text, code, found.name) for words in found.texts]
    raw = np.concatenate(blocks)
    if not len(raw):
        least = "no line of at most" if text.lines else "is shorter than one window of"
        raise InputError(f"{found.name} {'has ' if text.lines else ''}{least} {text.length} {text.tokens}")
    rows = Rows(raw, None, None, np.arange(len(raw), dtype=np.int64))
    return rows, tuple(map(len, blocks)) if len(blocks) > 1 else None


def _codes(tokens: list[str], text: Text, code: dict[str, int], name: str) -> list[int]:
    if text.unknown is not None:
        other = code[text.unknown]
        return [code.get(token, other) for token in tokens]
    try:
        return [code[token] for token in tokens]
    except KeyError as error:
        raise InputError(f"{name} has {error.args[0]!r}, which is not in the alphabet") from error


def _windows(words: str, text: Text, code: dict[str, int], name: str) -> NDArray[Any]:
    """Consecutive windows that do not overlap; what is left at the end of a text is left out."""
    codes = np.array(_codes(tokens_of(words, text.tokens), text, code, name), np.int32)
    count = len(codes) // text.length
    return codes[: count * text.length].reshape(count, text.length)


def _lines(words: str, text: Text, code: dict[str, int], name: str) -> NDArray[Any]:
    """One row a line: its tokens, the end mark, padding. Empty lines, and lines too long, are left out."""
    rows = []
    for line in words.splitlines():
        tokens = tokens_of(line, text.tokens)
        if END in tokens or PADDING in tokens:
            raise InputError(f"{name} has {END!r} or {PADDING!r} among its words, which are kept for the ends of lines")
        if 0 < len(tokens) < text.length:
            codes = [*_codes(tokens, text, code, name), code[END]]
            rows.append(codes + [code[PADDING]] * (text.length - len(codes)))
    return np.array(rows, np.int32).reshape(-1, text.length)
