"""Who keeps the cursors of a step's inputs: what the step writes, a table or an export, pinned as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from s3_assets.incremental.commit import open_writer
from s3_assets.incremental.cursor import Cursors
from s3_assets.incremental.cursor_edit import streams_at
from s3_assets.tables.table import Capability

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.connection.settings import S3Connection
    from s3_assets.exports.export import Export
    from s3_assets.location import Location
    from s3_assets.tables.settings import Partitions
    from s3_assets.tables.table import Table, Writer


@dataclass(frozen=True)
class CursorOwner:
    """What a step writes, as the owner of the cursors of what it reads."""

    kind: Literal["table", "export"]
    name: str
    partitions: Partitions | None
    committed: Callable[[str], int | None]
    """The number of a stream's last commit, in the pinned state."""
    anything: bool
    """Whether there is a state: something was written before."""
    connection: S3Connection
    place: Location
    """The folder beside which cursors lie."""
    writer: Writer | None = None
    """Of a table: the handle through which it is committed."""

    @classmethod
    def of_table(cls, table: Table[Any]) -> CursorOwner:
        """Open a table for one write; raises `UnsupportedError` if its commits carry no cursors."""
        table.require(Capability.TRANSACTIONS)
        writer = open_writer(table)
        return cls(
            "table",
            table.name,
            table.settings.partitions,
            _nothing if writer is None else writer.committed,
            writer is not None,
            table.files_connection,
            table.location,
            writer,
        )

    @classmethod
    def of_export(cls, export: Export, partitions: Partitions | None) -> CursorOwner:
        """Open an export; what a crashed run has left is carried out first."""
        from s3_assets.exports.state import open_state

        state = open_state(export.destination)
        return cls(
            "export",
            export.name,
            partitions,
            state.stamps.get,
            bool(state.number),
            export.connection,
            export.destination.location,
        )

    def cursors(self, stream: str) -> Cursors:
        """Return the cursors of a stream."""
        return Cursors(self.connection, self.place, stream)

    def streams(self) -> list[str]:
        """Return the ids of the streams that have left cursor files: one listing of folders."""
        return streams_at(self.connection, self.place)


def _nothing(stream: str) -> None:
    del stream
