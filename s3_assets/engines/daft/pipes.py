"""Batches on their way from the thread that reads a portion to Daft, a few at a time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Lock
from typing import TYPE_CHECKING

from s3_assets.engines.engine import Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.engines.engine import Share
    from s3_assets.progress import Progress

_WAITING = 2
_LOOK_SECONDS = 0.5


class AbandonedError(Exception):
    """Nobody takes the batches any more."""


class Pipe:
    """Some batches that wait; who puts one more is held up until there is room."""

    def __init__(self) -> None:
        self._queue: Queue[pl.DataFrame] = Queue(_WAITING)
        self._ended = Event()
        self._abandoned = Event()

    def put(self, batch: pl.DataFrame) -> None:
        """Hand a batch on; raises `AbandonedError` if nobody takes it."""
        while not self._abandoned.is_set():
            try:
                return self._queue.put(batch, timeout=_LOOK_SECONDS)
            except Full:
                continue
        raise AbandonedError

    def take(self) -> pl.DataFrame | None:
        """Return the next batch, as soon as there is one; None behind the last."""
        while True:
            ended = self._ended.is_set()
            try:
                return self._queue.get(timeout=0 if ended else _LOOK_SECONDS)
            except Empty:
                if ended:
                    return None

    def end(self) -> None:
        """Say that there are no more."""
        self._ended.set()

    def abandon(self) -> None:
        """Say that no more are taken."""
        self._abandoned.set()


_open: dict[str, Pipe] = {}
_lock = Lock()


@contextmanager
def opened(name: str) -> Iterator[Pipe]:
    """Open a pipe under a name of its own in this process."""
    pipe = Pipe()
    with _lock:
        _open[name] = pipe
    try:
        yield pipe
    finally:
        pipe.abandon()
        with _lock:
            del _open[name]


@dataclass(frozen=True)
class Pour(Job[None]):
    """The rows of a portion go through the pipe of its number, in this process."""

    pipes: str
    """How the names of the pipes begin."""

    def __call__(self, share: Share, frame: pl.LazyFrame, progress: Progress) -> None:
        """Pour them."""
        del progress
        pipe = _open[pipe_name(self.pipes, share.number)]
        for batch in frame.collect_batches(maintain_order=False):
            pipe.put(batch)


def pipe_name(pipes: str, number: int) -> str:
    """Return the name of one pipe of many."""
    return f"{pipes}/{number}"
