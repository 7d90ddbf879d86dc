"""Files of an export that workers of an engine write: each its own, of the rows of one portion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from s3_assets.engines.engine import Job, Step
from s3_assets.exports.writing import write_files
from s3_assets.movement.lineage import origins
from s3_assets.uploads import PendingFile, Uploads

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.engines.engine import Share
    from s3_assets.exports.formats import ExportFormat
    from s3_assets.exports.key_template import KeyPattern
    from s3_assets.exports.split import Split
    from s3_assets.movement.filters import Filters
    from s3_assets.movement.load import Load
    from s3_assets.object_options import ObjectOptions
    from s3_assets.progress import Progress
    from s3_assets.uploads import Pending


@dataclass(frozen=True)
class Shaping(Step):
    """What an export does to each row on its way."""

    load: Load
    filters: Filters | None

    def __call__(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Filter the rows."""
        # A frame without columns is that of a source in which nothing was found.
        columns = frame.collect_schema()
        if not columns:
            return frame
        shaped = frame if self.filters is None else self.filters.apply(frame, self.load)
        self.load.origins.update(origins(columns, shaped.collect_schema(), self.filters))
        return shaped


class SentFile(NamedTuple):
    """A file whose bytes are all on the server, and that nobody sees."""

    number: int
    upload: Pending
    rows: int


@dataclass(frozen=True)
class FilesJob(Job["list[SentFile]"]):
    """Rows of a portion become files of a unit, whose numbers no other portion has."""

    connection: S3Connection
    pattern: KeyPattern
    options: ObjectOptions
    mark: str
    format: ExportFormat
    split: Split
    first: int
    """The number of the unit's first file; those of one portion are as far apart as there are portions."""

    def __call__(self, share: Share, frame: pl.LazyFrame, progress: Progress) -> list[SentFile]:
        """Write them; a portion without rows has no file."""
        uploads, files = Uploads(self.connection), list[PendingFile]()

        def numbered(index: int) -> int:
            return self.first + share.number + index * share.of

        def open_file(index: int) -> BinaryIO:
            if files:
                # It has all its bytes, and need not keep the last of them.
                files[-1].finish()
            file = uploads.open(self.pattern.key(numbered(index)), self.options, commit=self.mark)
            files.append(file)
            return cast("BinaryIO", file)

        try:
            written = write_files(frame, self.format, self.split, open_file, progress)
            if any(file.rows for file in written):
                sent = [file.finish() for file in files]
                return [
                    SentFile(numbered(file.number), upload, file.rows)
                    for file, upload in zip(written, sent, strict=True)
                ]
        except BaseException:
            _abort(files)
            raise
        _abort(files)
        return []


def _abort(files: list[PendingFile]) -> None:
    for file in files:
        file.abort()
