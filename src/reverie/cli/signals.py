"""Which signal ended a run: `fit` itself stops and saves, and the exit code says which signal it was."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def code_of(number: int | None) -> int:
    """The exit code of a command that a signal ended: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + (signal.SIGINT if number is None else number)


@contextmanager
def heard() -> Iterator[Callable[[], int | None]]:
    """Give a function that says which of SIGINT and SIGTERM came first, if one did.

    The interpreter writes each signal's number to a pipe, whatever handler is set meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def which() -> int | None:
        try:
            numbers = os.read(reading, 4096)
        except BlockingIOError:
            return None
        return next((number for number in numbers if number in (signal.SIGINT, signal.SIGTERM)), None)

    try:
        yield which
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
