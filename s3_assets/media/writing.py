"""What a batch changes in the inventory, and the one commit that carries it together with the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.incremental.commit import commit_frame
from s3_assets.media import inventory
from s3_assets.media.inventory import KEY
from s3_assets.tables.table import Merge, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import polars as pl

    from s3_assets.incremental.commit import StreamRead, Written
    from s3_assets.tables.table import Table, Writer


@dataclass(frozen=True)
class Changes:
    """Objects that were looked at, and keys of objects that are gone, with the status that they take."""

    looked: pl.DataFrame
    gone: pl.DataFrame
    """Columns key and became."""
    moment: datetime
    removes: bool
    """Whether rows of objects that are gone are taken out, instead of being kept with their status."""
    copies_deleted: bool

    @property
    def keys(self) -> pl.DataFrame:
        """The keys of both."""
        import polars as pl

        return pl.concat([self.looked.select(KEY), self.gone.select(KEY)])

    def rows(self, old: pl.DataFrame) -> pl.DataFrame:
        """Return the rows that come in, `old` being those of these keys that are there."""
        import polars as pl

        present = inventory.present_rows(self.looked, old, self.moment)
        if self.removes:
            return present
        gone = inventory.gone_rows(old, self.gone, self.moment, copies_deleted=self.copies_deleted)
        return pl.concat([present, gone])

    def taken_out(self, old: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """Return those of the inventory's keys whose old rows go."""
        import polars as pl

        removed = self.gone.select(KEY) if self.removes else self.gone.select(KEY).clear()
        going = pl.concat([rows.select(KEY), removed])
        return going.join(old.select(KEY), on=KEY, how="semi")


@dataclass(frozen=True)
class Committed:
    """What a commit did, and the rows that it brought in."""

    written: Written
    rows: pl.DataFrame


def commit(
    target: Table[Any],
    writer: Writer | None,
    changes: Changes,
    read: StreamRead,
    *,
    notes: Mapping[str, str],
) -> Committed:
    """Write the rows by key, and commit them with the ledger.

    A target that is not written by key gets all rows anew, as a stream, if rows that it has are to change.
    """
    import polars as pl

    old = _held(target, writer, changes.keys)
    rows = changes.rows(old)
    out = changes.taken_out(old, rows)
    frame, mode, merge = rows.lazy(), WriteMode.APPEND, None
    if writer is not None and not out.is_empty():
        if writer.merges is not None:
            mode, merge = WriteMode.MERGE, Merge(out)
        else:
            kept = inventory.current(target, writer).join(out.lazy(), on=KEY, how="anti")
            frame, mode = pl.concat([kept, frame]), WriteMode.REPLACE
    written = commit_frame(target, writer, frame, mode, streams=[read], merge=merge, notes=notes)
    return Committed(written, rows)


def _held(target: Table[Any], writer: Writer | None, keys: pl.DataFrame) -> pl.DataFrame:
    """Return the inventory's rows of these keys; files that cannot have one are not read."""
    import polars as pl

    if writer is None:
        return pl.DataFrame(schema=inventory.columns())
    if writer.merges is not None:
        keys = writer.held(keys).select(KEY)
    return inventory.rows_of(target, writer, keys)
