"""The commit of an attempt: its entry in the log, behind others' that touch nothing it rests on."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from s3_assets.errors import (
    CommitConflictError,
    RequestTimeoutError,
    S3AssetsError,
    ServerFailureError,
    ThrottledError,
    UnreachableError,
)
from s3_assets.exports.log import log_of
from s3_assets.exports.manifest import read_manifest
from s3_assets.exports.state import open_state
from s3_assets.exports.units import ExportMode
from s3_assets.incremental.publishing import StreamMovedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_assets.exports.export import Export
    from s3_assets.exports.log import Entry
    from s3_assets.exports.manifest import Manifest
    from s3_assets.exports.state import State
    from s3_assets.exports.units import Unit
    from s3_assets.incremental.publishing import StreamRead

_TRIES = 100
# Tries that nobody answered, each with the transport's own behind it: a server that swallows commits is left.
_UNANSWERED = 5
_LONGEST_WAIT = 2.0
# Answers after which the commit may have happened all the same.
_UNCERTAIN = (CommitConflictError, ThrottledError, RequestTimeoutError, UnreachableError, ServerFailureError)


@dataclass
class Committing:
    """What an attempt rests on: the state that it began on, its unit's manifests, its streams' cursors."""

    export: Export
    state: State
    unit: Unit
    before: Sequence[Manifest]
    streams: Sequence[StreamRead]
    sent: bool = field(default=False, init=False)
    """Whether a commit was sent that stands, or whose end is not known."""

    def commit(self, entry: Entry, stamps: Mapping[str, int]) -> tuple[int, Entry]:
        """Put the entry, completed by what the log's newest one says; return its number, and it.

        Raises `StreamMovedError` if another run has committed in this lane since.
        """
        log, state = log_of(self.export.destination), self.state
        unanswered = 0
        for tries in range(1, _TRIES + 1):
            number = state.number + 1
            entry = replace(
                entry,
                oldest=state.oldest_of_next,
                stamps={**state.stamps, **stamps},
                before=dict(state.stamps),
                previous=state.previous,
            )
            try:
                self.sent = True
                log.commit(number, entry)
            except _UNCERTAIN as error:
                there = log.entry(number)
                if there is not None and there.attempt == entry.attempt:
                    return number, entry
                settled = there is not None or isinstance(error, CommitConflictError)
                self.sent = not settled
                unanswered += not settled
                if tries == _TRIES or unanswered == _UNANSWERED:
                    raise
                # Whoever was faster has a moment to carry its entry out.
                time.sleep(random.uniform(0, min(_LONGEST_WAIT, 0.05 * 2**tries)))  # noqa: S311 - jitter, not a secret
                if settled:
                    state = open_state(self.export.destination)
                    self._require_current(state)
            else:
                return number, entry
        raise AssertionError  # the last try returns or raises

    def refuse_overtaken(self, error: Exception) -> None:
        """Raise `StreamMovedError` if the error may come of a faster run, which aborts others' uploads."""
        try:
            self._require_current(open_state(self.export.destination))
        except StreamMovedError as overtaken:
            raise overtaken from error
        except S3AssetsError:
            # The server's answers tell nothing more; what was wrong first is.
            return

    def _require_current(self, state: State) -> None:
        """Raise `StreamMovedError` if another run has committed in this lane since, or one of the streams."""
        if state.number == self.state.number:
            return
        require_unmoved(self.export, state, self.streams)
        if self.export.mode is not ExportMode.PARTITIONS:
            raise _moved(self.export, "another run has committed this export")
        # Others' entries are carried out before one is added: the manifest tells of every commit of the unit.
        there = read_manifest(self.export.destination, self.unit.manifest)
        now = [there.number] if there is not None else []
        if now != [each.number for each in self.before]:
            raise _moved(self.export, f"another run has exported the partition '{self.unit.name}'")


def require_unmoved(export: Export, state: State, streams: Sequence[StreamRead]) -> None:
    """Raise `StreamMovedError` if a stream's cursor is no longer the one that was read."""
    for read in streams:
        expected = read.since.number if read.since else None
        if state.stamps.get(read.cursors.stream) != expected:
            raise _moved(export, f"another run has committed the stream '{read.cursors.stream}'")


def _moved(export: Export, found: str) -> StreamMovedError:
    return StreamMovedError(
        found, remedy="Run it again.", table=export.name, connection=export.connection.name
    )
