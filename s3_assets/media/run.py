"""One run of a media set: a listing and a ledger in, rows and a new ledger out, in one commit for each batch.

The target is pinned first, and the objects are listed then: a listing is never older than the ledger with
which it is compared, whoever else runs. Each batch compares the two, looks at what is new or changed, copies
it, and commits rows and ledger together: what a crash leaves undone is found by the next run, and a copy that
was made already by the mark that it carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.errors import SourceRewrittenError
from s3_assets.incremental.commit import StreamRead
from s3_assets.incremental.cursor import Cursors
from s3_assets.incremental.outcome import Outcome
from s3_assets.media import inventory
from s3_assets.media.batch import Batch
from s3_assets.media.differences import compare, marked
from s3_assets.media.inventory import KEY
from s3_assets.media.many import look_at_many
from s3_assets.media.outcome import Counts, MediaOutcome
from s3_assets.media.writing import Changes, commit
from s3_assets.metrics import phase
from s3_assets.object_listings import empty_listing
from s3_assets.tables.positions import FilesPosition
from s3_assets.tables.table import Plan, ReadMode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import polars as pl

    from s3_assets.incremental.cursor import Cursor
    from s3_assets.media.differences import Differences
    from s3_assets.media.media_set import MediaSet
    from s3_assets.progress import Progress
    from s3_assets.tables.table import Writer


@dataclass(frozen=True)
class _Known:
    """What the stream's newest commit knows: its cursor, and the whole ledger."""

    cursor: Cursor | None
    ledger: pl.DataFrame


class Run:
    """One run: what was listed, and what the newest of its batches did."""

    def __init__(
        self,
        media: MediaSet,
        moment: datetime,
        notes: Mapping[str, str],
        progress: Progress | None,
        *,
        look_again: bool,
    ) -> None:
        self._media = media
        self._moment = moment
        self._notes = notes
        self._progress = progress
        self._look_again = look_again
        self._listed = marked(media.source.nothing())
        self._objects = self._bytes = 0
        self._known: _Known | None = None
        self._counts = Counts()
        self.more = True

    def once(self, writer: Writer | None) -> Outcome:
        """Do one batch on the state that the writer has pinned."""
        media = self._media
        cursors = Cursors(media.target.files_connection, media.target.location, media.stream)
        known = self._open(cursors, writer)
        found = compare(self._listed, known.ledger)
        self._counts, self.more = Counts(), False
        if found.nothing:
            return Outcome(self._plan(0, 0), None, known.cursor, known.cursor)
        self._refuse(found)
        batch, copies_deleted = self._batch(found, known)
        after, anew = batch.ledger(known.ledger)
        position = FilesPosition(after if anew else after[known.ledger.height :])
        committed = commit(
            media.target,
            writer,
            Changes(
                batch.many.rows,
                batch.gone,
                self._moment,
                removes=media.on_deleted == "remove",
                copies_deleted=media.copies is not None and media.copies.on_deleted == "delete",
            ),
            StreamRead(cursors, known.cursor, position, batch.taken.height, batch.size, anew=anew),
            notes=self._notes,
        )
        until = committed.written.cursors[media.stream]
        self._known, self._look_again = _Known(until, after), False
        self.more = batch.taken.height < found.to_look_at.height
        self._counts = batch.counts(committed.rows, copies_deleted)
        plan = self._plan(batch.taken.height, batch.size)
        return Outcome(plan, committed.written, known.cursor, until, notes=tuple(batch.remarks()))

    def told(self, outcome: Outcome) -> MediaOutcome:
        """Return what the newest batch did, `outcome` being what `once` returned."""
        return MediaOutcome(self._objects, self._bytes, self._counts, outcome)

    def _open(self, cursors: Cursors, writer: Writer | None) -> _Known:
        """List the objects, and return what is known: by the target's cursor, else by the inventory's rows.

        Behind a batch of this run, and nothing else, neither has changed.
        """
        number = writer.committed(cursors.stream) if writer is not None else None
        own = self._known.cursor if self._known is not None else None
        if self._known is not None and own is not None and own.number == number:
            return self._known
        self._list()
        if writer is None:
            return _Known(None, empty_listing())
        return self._from(cursors.load(number) if number is not None else None, cursors.stream, writer)

    def _from(self, cursor: Cursor | None, stream: str, writer: Writer) -> _Known:
        import polars as pl

        target = self._media.target
        inventory.refuse_another_table(target, writer)
        if cursor is None or not isinstance(cursor.position, FilesPosition):
            inventory.refuse_others(target, writer, stream)
            # A cursor that was set back: the rows tell what was there, and all of it is looked at again.
            return _Known(cursor, inventory.ledger(target, writer))
        ledger = cursor.position.files
        return _Known(cursor, ledger.with_columns(pl.lit("").alias("etag")) if self._look_again else ledger)

    @phase("list")
    def _list(self) -> None:
        media = self._media
        if media.copies is not None:
            media.copies.abort_left(media.source)
        listed = media.source.list_objects()
        self._objects, self._bytes = listed.height, int(listed["size"].sum())
        self._listed = marked(listed, media.copies.mark if media.copies is not None else "")

    def _batch(self, found: Differences, known: _Known) -> tuple[Batch, int]:
        """Look at as many objects as one commit takes, and bring their copies in line.

        Also returns how many copies of objects that are gone were deleted.
        """
        media = self._media
        taken, copying = found.to_look_at.head(media.batch), None
        if media.copies is not None:
            copying = media.copies.begin(media.source, taken, known.ledger.height)
        many = look_at_many(media, taken, copying, self._progress)
        # What has vanished is not listed any more.
        self._listed = self._listed.join(many.vanished, on=KEY, how="anti", maintain_order="left")
        batch = Batch.of(found, taken, many, media.source.takes)
        return batch, copying.delete_of_gone(batch.gone) if copying is not None else 0

    def _refuse(self, found: Differences) -> None:
        """Raise `SourceRewrittenError` for more objects that are gone than may be."""
        media, count = self._media, found.gone.height
        if media.on_deleted == "fail":
            most, setting = 0, "on_deleted: fail"
        elif media.max_deleted is not None:
            most, setting = media.max_deleted, f"max_deleted: {media.max_deleted}"
        else:
            return
        if count > most:
            raise SourceRewrittenError(
                f"{count:,} {'object is' if count == 1 else 'objects are'} gone, more than may be "
                f"({setting}); the first is {found.gone[KEY].sort()[0]}",
                remedy="Look whether the path is right and they were meant to go; then allow it for a run.",
                table=media.target.name,
                connection=media.source.connection.name,
                location=media.source.location.url,
            )

    def _plan(self, files: int, size: int) -> Plan:
        import polars as pl

        empty = FilesPosition(empty_listing())
        return Plan(
            pl.LazyFrame(),
            ReadMode.ADDED,
            empty,
            files,
            size,
            total_files=self._objects,
            total_bytes=self._bytes,
            empty=not files,
        )
