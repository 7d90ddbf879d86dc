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


def listen() -> None:
    """Have the first signal raise `Interruption`, and one that comes much later end the process at once.

    A signal that is ignored stays so: the program was started in the background, or by `nohup`.
    """
    _came.clear()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt_or_end)


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
    try:
        yield
    finally:
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


def _interrupt_or_end(number: int, frame: FrameType | None) -> None:
    if _came and time.monotonic() - _came[0][1] > _SECONDS_OF_ONE:
        os._exit(exits.signalled(number))
    _interrupt(number, frame)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    _came.append((number, time.monotonic()))
    if len(_came) > 1:
        return
    if _readers:
        last = threading.Timer(_SECONDS_TO_LEAVE, _leave, (number,))
        last.daemon = True
        last.start()
    raise Interruption(number)


def _leave(number: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{_SHOW_CURSOR}\r")
    sys.stderr.write("interrupted\n")
    sys.stderr.flush()
    os._exit(exits.signalled(number))
