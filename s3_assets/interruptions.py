"""Signals that wait: what must not be cut in two is done before Ctrl-C ends the run."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred() -> Iterator[None]:
    """Have SIGINT and SIGTERM wait until the body has ended, if the program does something about them.

    For a few requests that belong together: one that opens an upload and the note of it, or a commit and what
    it announces. A second signal does not wait. Outside of the main thread, where no signal arrives, nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = {number: handler for number, handler in before.items() if callable(handler)}

    def wait(number: int, frame: FrameType | None) -> None:
        waiting.append((number, frame))
        if len(waiting) > 1:
            handled[signal.Signals(number)](number, frame)

    for number in handled:
        signal.signal(number, wait)
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)
        if len(waiting) == 1:
            came, frame = waiting[0]
            handled[signal.Signals(came)](came, frame)
