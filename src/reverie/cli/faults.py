"""What went wrong, as one line and an exit code."""

import os
import sys
import traceback
from typing import NamedTuple

from cyclopts import CycloptsError
from cyclopts.exceptions import UnusedCliTokensError

from reverie.errors import InputError

FAULT, INPUT, INTERRUPTED = 1, 2, 130


class Fault(NamedTuple):
    """An exit code, and the line that explains it; no line where nothing needs to be said."""

    code: int
    line: str | None


def debugging() -> bool:
    """Whether `REVERIE_DEBUG=1` asks for tracebacks and warnings."""
    return os.environ.get("REVERIE_DEBUG", "") not in ("", "0")


def misread(error: CycloptsError) -> Fault:
    """Words that the command line does not know."""
    if isinstance(error, UnusedCliTokensError):
        said = f"there is no place for {', '.join(map(repr, error.unused_tokens or ()))}."
    else:
        said = str(error)
        said = said[:1].lower() + said[1:]
        said += "" if said.endswith((".", "?")) else "."
    chain = " ".join(["reverie", *(error.command_chain or ())])
    return Fault(INPUT, f"{said} See: {chain} --help")


def fault_of(error: BaseException) -> Fault:
    """What a person is told about an error: what they gave, what the machine lacks, or a fault of Reverie."""
    match error:
        case SystemExit(code=int() | None as code):
            return Fault(code or 0, None)
        case KeyboardInterrupt():
            return Fault(INTERRUPTED, "interrupted")
        case BrokenPipeError():
            _leave_the_pipe()
            return Fault(0, None)
        case InputError():
            return Fault(INPUT, str(error))
        case MemoryError():
            return Fault(INPUT, f"there is not enough memory for this: {error or 'ask for less'}")
        case UnicodeError():
            return Fault(INPUT, f"there is text here that is not UTF-8: {error}")
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return Fault(INPUT, f"{place}{error.strerror or error}")
    if _diverged(error):
        return Fault(INPUT, str(error))
    if "RESOURCE_EXHAUSTED" in str(error):
        return Fault(INPUT, "the device has not enough memory for this: ask for a smaller model or batch")
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Fault(FAULT, f"this is a fault of Reverie's, please report it ({said}); REVERIE_DEBUG=1 shows where it is")


def tell(fault: Fault, error: BaseException) -> int:
    """Print the line, and the traceback where it was asked for."""
    if debugging():
        traceback.print_exception(error)
    if fault.line is not None:
        line = " ".join(fault.line.split())
        print(f"reverie: {line}".encode("utf-8", "backslashreplace").decode(), file=sys.stderr)
    return fault.code


def _diverged(error: BaseException) -> bool:
    """Whether a run stopped at numbers that are not finite; the loop is imported if it was."""
    loop = sys.modules.get("reverie.loop")
    return loop is not None and isinstance(error, loop.NonFiniteError)


def _leave_the_pipe() -> None:
    """Whoever read our output has gone: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
