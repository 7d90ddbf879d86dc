"""Progress of long work: rows, bytes, files and rate, to whoever wants to show it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000.0


@dataclass
class Progress:
    """A running count; `show` is called with one line at most every `interval` seconds.

    `look` is given the frames of rows that are written, from any thread, before their bytes are.
    """

    task: str
    show: Callable[[str], None] | None = None
    interval: float = 5.0
    rows: int = 0
    bytes: int = 0
    files: int = 0
    look: Callable[[Any], None] | None = None
    _started: float = field(default_factory=time.monotonic)
    _shown: float = field(default_factory=time.monotonic)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def advance(self, *, rows: int = 0, bytes_: int = 0, files: int = 0) -> None:
        """Count more, and show the line if it is time; safe to call from any thread."""
        with self._lock:
            self.rows += rows
            self.bytes += bytes_
            self.files += files
            now = time.monotonic()
            if self.show is None or now - self._shown < self.interval:
                return
            self._shown = now
            line = self.line()
        self.show(line)

    def line(self) -> str:
        """One line: task, rows, files, bytes, rows per second."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        parts = [count(self.rows, "row")]
        if self.files:
            parts.append(count(self.files, "file"))
        if self.bytes:
            parts.append(readable_bytes(self.bytes))
        return f"{self.task}: {', '.join(parts)} in {seconds:.0f} s ({self.rows / seconds:,.0f} rows/s)"


@contextmanager
def pulse(line: Callable[[], str], show: Callable[[str], None], every: float) -> Iterator[None]:
    """Show a line each `every` seconds of the block: also while nothing passes that could be counted."""
    ended = Event()

    def beat() -> None:
        while not ended.wait(every):
            show(line())

    thread = Thread(target=beat, name="s3-assets-pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def count(number: int, noun: str) -> str:
    """Write a number of things for people."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def readable_bytes(count: int) -> str:
    """Write a number of bytes for people, in powers of 1000."""
    value = float(count)
    for unit in _UNITS:
        if value < _STEP or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _STEP
    return f"{count} B"
