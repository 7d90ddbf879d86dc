"""An export as a run finds it: whatever was committed before has been carried out, or is void."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.exports.carrying_out import carry_out
from s3_assets.exports.log import log_of, stamps_of
from s3_assets.incremental.cursor import Cursor, Cursors
from s3_assets.tables.numbered_log import Ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.exports.destination import Destination

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """What a run begins on, and what its commit must find unchanged."""

    destination: Destination
    number: int
    """The newest entry of the log; 0 before the first."""
    oldest_of_next: int
    stamps: Mapping[str, int]
    attempt: int | None
    """Of the newest entry."""
    previous: int | None
    """The newest entry that is not void."""
    surplus: tuple[str, ...]
    """Keys of what no longer counts of the log."""
    remarks: tuple[str, ...] = ()

    def cursors(self, stream: str) -> Cursors:
        """Return the cursors of a stream: they lie below the export's prefix, as those of a table do."""
        return Cursors(self.destination.connection, self.destination.location, stream)

    def cursor(self, stream: str) -> Cursor | None:
        """Return a stream's committed cursor; raises `CursorError` if its file is gone or damaged."""
        number = self.stamps.get(stream)
        return None if number is None else self.cursors(stream).load(number)


def open_state(destination: Destination) -> State:
    """Return the export's newest state: one listing, and one read if there was a commit.

    What a crashed run has committed and not carried out is carried out first.
    """
    head = log_of(destination).head()
    remarks: tuple[str, ...] = ()
    void = head.ending is Ending.VOID
    if head.entry is not None and not head.done:
        problem = carry_out(destination, head.number, head.entry).problem
        if problem is not None:
            void = True
            remarks = (f"what an earlier run committed could not be carried out, and is void: {problem}",)
            _log.warning("Export '%s': %s", destination.export, remarks[0])
    entry = head.entry
    return State(
        destination,
        head.number,
        head.oldest_of_next(),
        stamps_of(entry, void=void),
        entry.attempt if entry else None,
        (entry.previous if void else head.number) if entry else None,
        head.surplus,
        remarks,
    )


def look_at(destination: Destination) -> Mapping[str, int]:
    """Return the number of every stream's newest commit; nothing is changed."""
    head = log_of(destination).head()
    return stamps_of(head.entry, void=head.ending is Ending.VOID)
