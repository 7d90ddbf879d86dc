"""One attempt at a unit: written down, uploaded, committed by one entry of the log, carried out."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from s3_assets.connection.diagnosis import diagnosed_rows
from s3_assets.errors import S3AssetsError, SettingError
from s3_assets.exports.carrying_out import carry_out
from s3_assets.exports.committing import Committing
from s3_assets.exports.distributed import FilesJob
from s3_assets.exports.intents import Intent, Intents
from s3_assets.exports.log import Entry, NewFile
from s3_assets.exports.manifest import Manifest, complete_manifest
from s3_assets.exports.manifest_text import manifest_of
from s3_assets.exports.units import ExportMode
from s3_assets.exports.writing import write_files
from s3_assets.incremental.cursor import NumberTakenError
from s3_assets.incremental.numbers import next_number
from s3_assets.incremental.publishing import StreamMovedError
from s3_assets.incremental.run_notes import ReadNote, write_reads
from s3_assets.interruptions import deferred
from s3_assets.metrics import phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    import polars as pl

    from s3_assets.engines.engine import Engine, Rows
    from s3_assets.exports.export import Export
    from s3_assets.exports.keys import UnitKeys
    from s3_assets.exports.state import State
    from s3_assets.exports.units import Unit
    from s3_assets.exports.work import Request, Work
    from s3_assets.incremental.cursor import Cursor
    from s3_assets.uploads import Pending, PendingFile

_log = logging.getLogger(__name__)
_DRAWS = 5


@dataclass
class Attempt:
    """One attempt on one state: used once."""

    export: Export
    request: Request
    state: State
    work: Work
    unit: Unit
    keys: UnitKeys
    before: Sequence[Manifest]
    """The manifests that its own takes the place of."""
    number: int = 0
    cursors: dict[str, Cursor] = field(default_factory=dict)
    _files: list[PendingFile] = field(default_factory=list)
    _sent: list[Pending] = field(default_factory=list)
    _elsewhere: bool = False
    """Whether workers may have uploads of which they have not told."""
    _first: int = 0

    def run(self) -> tuple[Entry, Manifest]:
        """Write, commit, carry out.

        Raises `StreamMovedError` if another run has committed in this lane since, and `KeyTakenError` if
        somebody else has one of the keys; then nothing is left of the attempt.
        """
        committing = Committing(self.export, self.state, self.unit, self.before, self.work.streams)
        self.keys, self._first = self.keys.settled()
        try:
            self._begin()
            new = self._write()
            self.keys.refuse_taken(file.upload.key for file in new[1:])
            # A commit whose files nobody sees yet is not left to the next run because of a Ctrl-C.
            with deferred():
                return self._publish(committing, new)
        except BaseException as error:
            # Of a commit that may stand the uploads are no longer ours.
            if not committing.sent:
                self._abandon()
                if isinstance(error, Exception) and not isinstance(error, StreamMovedError):
                    committing.refuse_overtaken(error)
            raise

    @phase("commit")
    def _publish(self, committing: Committing, new: Sequence[NewFile]) -> tuple[Entry, Manifest]:
        stamps = dict.fromkeys(self.cursors, self.number)
        number, entry = committing.commit(self._entry(new), stamps)
        carried = carry_out(self.export.destination, number, entry, fresh=True)
        if carried.problem is not None:
            raise carried.problem
        self._clear_up()
        # Others were faster, and may be at work on the unit's next manifest by now.
        return entry, carried.manifest or Manifest.read(
            entry.manifest, complete_manifest(entry.told, {}, number)
        )

    def _begin(self) -> None:
        """Draw a number above all that the state knows; write what has to precede the uploads."""
        known = [*self.state.stamps.values(), *([self.state.attempt] if self.state.attempt else [])]
        for _ in range(_DRAWS):
            self.number = next_number(max(known, default=None))
            known.append(self.number)
            if not Intents(self.export.destination).begin(self._intent):
                continue
            try:
                self.cursors = {
                    read.cursors.stream: read.cursors.save(
                        self.number, read.until, read.since, anew=read.anew
                    )
                    for read in self.work.streams
                }
            except NumberTakenError:
                Intents(self.export.destination).end([self._intent.mark])
                continue
            return
        raise NumberTakenError

    @property
    def _intent(self) -> Intent:
        return Intent(
            self.number, self.unit.lane, self.state.number, self.keys.pattern.texts, self.request.run
        )

    def _write(self) -> list[NewFile]:
        """Write the rows into files that nobody sees."""
        if not self.work.frame.collect_schema():
            # Nothing was found, not even a column.
            return []
        rows = self.work.rows
        if rows is not None and rows.engine is not None and rows.cut is not None:
            return self._by_workers(rows, rows.engine)
        return self._here(self.work.frame)

    def _by_workers(self, rows: Rows, engine: Engine) -> list[NewFile]:
        export = self.export
        if export.split.one_file or not self.keys.pattern.open:
            raise SettingError(
                f"each worker of {engine.name} writes files of its own, and a unit is to be one file",
                remedy="Give the export a split, and a key with {part}; or leave the engine out.",
                table=export.name,
            )
        # Until all of them have told of their uploads: if one fails, the next run finds those of the others.
        self._elsewhere = True
        ran = engine.run(
            rows,
            FilesJob(
                export.connection,
                self.keys.pattern,
                export.file_options,
                export.destination.mark(self.unit.name, self.number),
                export.format,
                export.split,
                self._first,
            ),
            self.request.progress,
        )
        self._elsewhere = False
        sent = sorted((file for files in ran.results for file in files), key=lambda file: file.number)
        self._sent = [file.upload for file in sent]
        if not sent:
            return self._here(self.work.frame.limit(0))
        return [NewFile(file.upload, file.rows, file.upload.key in self.keys.own) for file in sent]

    def _here(self, frame: pl.LazyFrame) -> list[NewFile]:
        export = self.export
        open_file = cast("Callable[[int], BinaryIO]", self._open)
        # Who writes are ours, with errors of their own: what is left are those of reading.
        read = (export.source or export).connection
        with diagnosed_rows(read, export.source.location.url if export.source else read.url):
            written = write_files(frame, export.format, export.split, open_file, self.request.progress)
        if export.empty == "none" and not any(file.rows for file in written):
            for file in self._files:
                file.abort()
            return []
        uploads = [file.finish() for file in self._files]
        return [
            NewFile(upload, file.rows, upload.key in self.keys.own)
            for file, upload in zip(sorted(written, key=lambda each: each.number), uploads, strict=True)
        ]

    def _open(self, number: int) -> PendingFile:
        if self._files:
            # It has all its bytes, and need not keep the last of them.
            self._files[-1].finish()
        key = self.keys.key(self._first + number)
        mark = self.export.destination.mark(self.unit.name, self.number)
        with deferred():
            file = self.export.destination.uploads.open(key, self.export.file_options, commit=mark)
            self._files.append(file)
        return file

    def _entry(self, new: Sequence[NewFile]) -> Entry:
        export = self.export
        keys = {file.upload.key for file in new}
        return Entry(
            str(export.mode),
            self.number,
            self.state.oldest_of_next,
            self.unit.lane,
            self.unit.name,
            self.keys.pattern.texts,
            tuple(new),
            tuple(sorted(self.keys.own - keys)),
            self.unit.manifest,
            self._told(new),
            tuple(each.key for each in self.before),
            self._flags,
            self._success,
            export.options.canned_acl,
            {},
            {},
            self.state.previous,
            {**write_reads(map(ReadNote.of_read, self.work.streams)), **self.request.notes},
        )

    def _told(self, new: Sequence[NewFile]) -> dict[str, Any]:
        """Return what the manifest says, but for what is known when its files are there."""
        previous = self.before[-1].number if self.before else None
        if self.export.mode is ExportMode.INCREMENTAL:
            previous = None if self.work.anew else self.state.previous
        return manifest_of(
            self.export,
            self.request,
            self.work,
            unit=self.unit.name,
            attempt=self.number,
            previous=previous,
            cursors=self.cursors,
            new=new,
            success=self._success,
        )

    @property
    def _flags(self) -> tuple[str, ...]:
        """Return the keys of what says that files are complete beside which others are about to appear."""
        if self._first and self._success:
            return (self._success,)
        return tuple(each.success for each in self.before if each.success)

    @property
    def _success(self) -> str | None:
        return f"{self.keys.folder}_SUCCESS" if self.export.success else None

    def _abandon(self) -> None:
        """Abort the uploads; the intent stays for the next run if one of them could not be."""
        try:
            for file in self._files:
                file.abort()
            for sent in self._sent:
                self.export.destination.uploads.abort(sent.key, sent.upload_id)
            if not self._elsewhere:
                Intents(self.export.destination).end([self._intent.mark])
        except S3AssetsError as error:
            _log.warning(
                "Unfinished uploads of the export '%s' are left to its next run: %s", self.export.name, error
            )

    def _clear_up(self) -> None:
        """Take away what no longer counts of the log and of the cursors; the commit stands in any case."""
        try:
            self.export.destination.objects.delete(self.state.surplus)
            for read in self.work.streams:
                read.cursors.discard(read.cursors.survey(self.cursors[read.cursors.stream]))
        except S3AssetsError as error:
            _log.warning(
                "Leftovers of the export '%s' stay until its next success: %s", self.export.name, error
            )
