"""One run of a media set: a listing and a ledger in, rows and a new ledger out, in one commit for each batch.

The objects are listed once. Each batch compares that listing with the ledger of the pinned target, looks at
what is new or changed, copies it, and commits rows and ledger together: what a crash leaves undone is found
by the next run's comparison, and a copy that was made already by the mark that it carries.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3_assets.errors import SourceRewrittenError
from s3_assets.incremental.commit import StreamRead
from s3_assets.incremental.cursor import Cursors
from s3_assets.incremental.outcome import Outcome
from s3_assets.media import inventory
from s3_assets.media.differences import Differences, compare, ledger_of, marked
from s3_assets.media.inventory import KEY, Status
from s3_assets.media.many import look_at_many
from s3_assets.media.outcome import Counts, MediaOutcome
from s3_assets.media.writing import Changes, commit
from s3_assets.objects import empty_listing
from s3_assets.tables.positions import FilesPosition
from s3_assets.tables.table import Plan, ReadMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import polars as pl

    from s3_assets.incremental.cursor import Cursor
    from s3_assets.media.copies import Copying
    from s3_assets.media.many import Many
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
        listed = media.source.list_objects()
        self._objects, self._bytes = listed.height, int(listed["size"].sum())
        self._listed = marked(listed, media.copies.mark if media.copies is not None else "")
        self._aborted = media.copies.abort_left(media.source) if media.copies is not None else 0
        self._known: _Known | None = None
        self._counts, self._remarks = Counts(), tuple[str, ...]()
        self.more = True

    def once(self, writer: Writer | None) -> Outcome:
        """Do one batch on the state that the writer has pinned."""
        media, self._counts, self._remarks = self._media, Counts(), ()
        cursors = Cursors(media.target.files_connection, media.target.location, media.stream)
        known = self._open(cursors, writer)
        found = compare(self._listed, known.ledger)
        self.more = False
        if found.nothing:
            return Outcome(self._plan(0, 0), None, known.cursor, known.cursor)
        self._refuse(found)
        batch = found.to_look_at.head(media.batch)
        copying = self._begin_copying(batch, known)
        many = look_at_many(media, batch, copying, self._progress)
        # What has vanished is not listed any more.
        self._listed = self._listed.join(many.vanished, on=KEY, how="anti", maintain_order="left")
        gone = self._gone(found, many)
        copies_deleted = 0
        if copying is not None:
            copies_deleted = copying.delete_of_gone(gone)
        after, anew = _after(known.ledger, batch, found, many)
        position = FilesPosition(after if anew else after[known.ledger.height :])
        size = int(batch["size"].sum())
        committed = commit(
            media.target,
            writer,
            Changes(
                many.rows,
                gone,
                self._moment,
                removes=media.on_deleted == "remove",
                copies_deleted=media.copies is not None and media.copies.on_deleted == "delete",
            ),
            StreamRead(cursors, known.cursor, position, batch.height, size, anew=anew),
            notes=self._notes,
            progress=None,
        )
        until = committed.written.cursors[media.stream]
        self._known, self._look_again = _Known(until, after), False
        self.more = batch.height < found.to_look_at.height
        self._counts = replace(
            many.counts + _counts(found, batch, committed.rows, gone), copies_deleted=copies_deleted
        )
        self._remarks = tuple(_remarks(many, gone))
        return Outcome(
            self._plan(batch.height, size), committed.written, known.cursor, until, notes=self._remarks
        )

    def told(self, outcome: Outcome) -> MediaOutcome:
        """Return what the newest batch did, `outcome` being what `once` returned."""
        return MediaOutcome(self._objects, self._bytes, self._counts, outcome)

    def _open(self, cursors: Cursors, writer: Writer | None) -> _Known:
        """Return what is known: by the pinned target's cursor, else by the inventory's own rows."""
        import polars as pl

        if writer is None:
            return _Known(None, empty_listing())
        inventory.refuse_another_table(self._media.target, writer)
        number = writer.committed(cursors.stream)
        if self._known is not None and self._known.cursor is not None and self._known.cursor.number == number:
            return self._known
        cursor = cursors.load(number) if number is not None else None
        if cursor is None or not isinstance(cursor.position, FilesPosition):
            inventory.refuse_others(self._media.target, writer, cursors.stream)
            # A cursor that was set back: the rows tell which objects were there, and all are looked at again.
            return _Known(cursor, inventory.ledger(self._media.target, writer))
        ledger = cursor.position.files
        if self._look_again:
            ledger = ledger.with_columns(pl.lit("").alias("etag"))
        return _Known(cursor, ledger)

    def _begin_copying(self, batch: pl.DataFrame, known: _Known) -> Copying | None:
        copies = self._media.copies
        return copies.begin(self._media.source, batch, known.ledger.height) if copies is not None else None

    def _refuse(self, found: Differences) -> None:
        """Raise `SourceRewrittenError` for more objects that are gone than may be."""
        media, count = self._media, found.gone.height
        if count and (
            media.on_deleted == "fail" or (media.max_deleted is not None and count > media.max_deleted)
        ):
            allowed = (
                "none may be (on_deleted: fail)"
                if media.on_deleted == "fail"
                else (f"{media.max_deleted:,} may be at once (max_deleted)")
            )
            raise SourceRewrittenError(
                f"{count:,} {'object is' if count == 1 else 'objects are'} gone and {allowed}; the first is "
                f"{found.gone['key'].sort()[0]}",
                remedy="Look whether the path is right and the objects were meant to go; then allow it for "
                "a run.",
                table=media.target.name,
                connection=media.source.connection.name,
                location=media.source.location.url,
            )

    def _gone(self, found: Differences, many: Many) -> pl.DataFrame:
        """Return the keys of objects that are gone, and what became of each."""
        import polars as pl

        takes = self._media.source.takes
        became = [Status.DELETED if takes(key) else Status.LEFT_OUT for key in found.gone[KEY]]
        listed = pl.DataFrame(
            {KEY: found.gone[KEY], "became": list(map(str, became))},
            schema={KEY: pl.String, "became": pl.String},
        )
        vanished = many.vanished.join(found.changed, on=KEY, how="semi")
        return pl.concat([listed, vanished.with_columns(became=pl.lit(str(Status.DELETED)))])

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


def _after(
    ledger: pl.DataFrame, batch: pl.DataFrame, found: Differences, many: Many
) -> tuple[pl.DataFrame, bool]:
    """Return the ledger behind a batch, and whether it is another one or the old one with more files."""
    import polars as pl

    looked = ledger_of(batch.join(many.vanished, on=KEY, how="anti"))
    anew = not found.gone.is_empty() or not found.changed.is_empty()
    if anew:
        out = pl.concat([found.gone.select(KEY), batch.select(KEY)])
        ledger = ledger.join(out, on=KEY, how="anti", maintain_order="left")
    return pl.concat([ledger, looked]), anew


def _counts(found: Differences, batch: pl.DataFrame, rows: pl.DataFrame, gone: pl.DataFrame) -> Counts:
    new = batch.join(found.new, on=KEY, how="semi")
    fresh = rows.join(new, on=KEY, how="semi").height
    present = rows.filter(rows["status"] == Status.PRESENT).height
    became = gone["became"]
    return Counts(
        new=fresh,
        changed=present - fresh,
        deleted=int((became == Status.DELETED).sum()),
        left_out=int((became == Status.LEFT_OUT).sum()),
    )


def _remarks(many: Many, gone: pl.DataFrame) -> Iterator[str]:
    counts = many.counts
    if counts.vanished:
        yield f"{_objects(counts.vanished)} vanished during the run; the first is {many.vanished_first}"
    if counts.archived:
        unread = "archived, so that headers were not read and nothing was copied"
        yield f"{_objects(counts.archived)} found {unread}; the first is {many.archived_first}"
    left_out = gone.filter(gone["became"] == Status.LEFT_OUT)
    if not left_out.is_empty():
        taken = "no longer taken by the media set's settings"
        yield f"{_objects(left_out.height)} of the inventory {taken}; the first is {left_out[KEY][0]}"


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count:,} objects"
