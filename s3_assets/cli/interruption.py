"""Ctrl-C, SIGTERM and SIGHUP: a command is interrupted and clears up; a second signal ends it at once."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from s3_assets.cli import exits

# Whoever presses twice in a hurry does not mean to leave things behind.
_SECONDS_OF_ONE = 1.0
# Longer than anybody notices a terminal to be put right, shorter than a server that does not answer.
_SECONDS_TO_LEAVE = 1.0
# Enough to abort uploads and to delete what was begun; what is left then, the next run clears up.
_SECONDS_TO_CLEAR_UP = 10.0
_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOW_CURSOR = "\x1b[?25h"


class Interruption(KeyboardInterrupt):
    """A signal that ends the command."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = exits.signalled(number)


_came: list[tuple[int, float]] = []
"""Which signals came, and when."""
_readers: list[str] = []
"""The command that is running, if it only reads."""
_patients: list[float] = []
"""Since when somebody clears up for as long as it takes."""


def listen() -> None:
    """Have the first signal raise `Interruption`, those that follow it nothing.

    A signal that is ignored stays so: the program was started in the background, or by `nohup`.
    """
    _came.clear()
    for number in _NUMBERS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def watch() -> None:
    """Have the process end soon after a signal, and at once after one that comes much later.

    An engine waits for its server outside of Python, as long as the connection's time limits let it: no
    handler is called meanwhile. So a thread is told by the interpreter itself, and ends the process if the
    command does not: what it leaves is what a crash leaves.
    """
    reading_end, writing_end = os.pipe()
    os.set_blocking(writing_end, False)
    signal.set_wakeup_fd(writing_end, warn_on_full_buffer=False)
    threading.Thread(target=_attend, args=(reading_end,), name="s3-assets-signals", daemon=True).start()


@contextmanager
def patient() -> Iterator[None]:
    """Let the body, which has other processes to end, clear up after one signal, however many follow.

    Signals reach it even if a shell had them ignored, as those do that start programs in the background:
    the processes that it starts would inherit that, and could not be stopped.
    """
    _came.clear()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, _interrupt)
    _patients.append(time.monotonic())
    try:
        yield
    finally:
        _patients.pop()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def reading(command: str) -> Iterator[None]:
    """Let a signal end the body soon, whatever its threads still wait for: it leaves nothing behind."""
    _readers.append(command)
    try:
        yield
    finally:
        _readers.remove(command)


def forget() -> None:
    """Begin a command: signals that ended another one of this process say nothing of it."""
    _came.clear()


def interruption_code() -> int | None:
    """Return the exit code of the signal that has come: what fails afterwards, failed because of it."""
    return exits.signalled(_came[0][0]) if _came else None


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the exit code that tells of the signal."""
    return error.exit_code if isinstance(error, Interruption) else exits.INTERRUPTED


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    _came.append((number, time.monotonic()))
    if len(_came) > 1:
        return
    raise Interruption(number)


def _attend(told: int) -> None:
    """Take note of each signal, as the interpreter writes it: a byte with its number."""
    first: float | None = None
    while came := os.read(told, 1):
        number = came[0]
        if number not in _NUMBERS or _patients:
            continue
        if first is None:
            first = time.monotonic()
            seconds = _SECONDS_TO_LEAVE if _readers else _SECONDS_TO_CLEAR_UP
            last = threading.Timer(seconds, _leave, (number,))
            last.daemon = True
            last.start()
        elif time.monotonic() - first > _SECONDS_OF_ONE:
            _leave(number)


def _leave(number: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{_SHOW_CURSOR}\r")
    sys.stderr.write("interrupted\n")
    sys.stderr.flush()
    os._exit(exits.signalled(number))
