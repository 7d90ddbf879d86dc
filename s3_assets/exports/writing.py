"""The rows of a frame become files: in any format, in their order, one file after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.engines.watching import looked_at
from s3_assets.exports.files import Files, WrittenFile
from s3_assets.exports.formats import AvroFormat, CsvFormat, JsonLinesFormat, ParquetFormat
from s3_assets.exports.split import Split
from s3_assets.metrics import phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    import polars as pl

    from s3_assets.exports.formats import ExportFormat
    from s3_assets.exports.pieces import Pieces
    from s3_assets.progress import Progress

__all__ = ["Split", "WrittenFile", "check_columns", "write_files"]


@phase("write")
def write_files(
    frame: pl.LazyFrame,
    format_: ExportFormat,
    split: Split,
    open_file: Callable[[int], BinaryIO],
    progress: Progress | None = None,
) -> list[WrittenFile]:
    """Write the rows of a frame to files 0, 1, ..., and return what was written.

    Each file is opened when its first rows are there, and has all its bytes before the next is opened; none
    is closed. A frame without rows gives one file, with its columns as far as the format tells them. Memory
    does not grow with the rows. `progress` counts rows, bytes and files.

    Raises `SchemaMismatchError` for columns that the format cannot hold, before a file is opened;
    `RowsRefusedError` for such values; errors of the frame and of the files as they are.
    """
    columns = frame.collect_schema()
    files = Files(open_file, progress)
    frame = looked_at(frame, progress)
    if isinstance(format_, ParquetFormat):
        from s3_assets.exports import parquet_files

        check_columns(format_, columns)
        parquet_files.write_parquet(frame, format_, split, files)
    else:
        from s3_assets.exports.pieces import write_pieces

        write_pieces(frame, _pieces(format_, columns), split, files)
    return files.written


def check_columns(format_: ExportFormat, columns: pl.Schema) -> None:
    """Raise `SchemaMismatchError` for columns that the format cannot hold: by name, with a remedy."""
    if isinstance(format_, ParquetFormat):
        from s3_assets.exports import parquet_files

        parquet_files.refuse(columns)
    else:
        _pieces(format_, columns)


def _pieces(format_: CsvFormat | JsonLinesFormat | AvroFormat, columns: pl.Schema) -> Pieces:
    if isinstance(format_, CsvFormat):
        from s3_assets.exports.delimited import DelimitedPieces

        return DelimitedPieces(format_, columns)
    if isinstance(format_, JsonLinesFormat):
        from s3_assets.exports.json_lines import JsonLinesPieces

        return JsonLinesPieces(format_, columns)
    from s3_assets.exports.avro_files import AvroPieces

    return AvroPieces(format_, columns)
