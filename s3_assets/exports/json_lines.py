"""Files with one JSON object to a line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from s3_assets.errors import RowsRefusedError, SchemaMismatchError
from s3_assets.exports import gzip_members, spelling
from s3_assets.exports.pieces import Pieces
from s3_assets.tables import text_spelling
from s3_assets.tables.leaves import leaves, within

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.exports.formats import JsonLinesFormat

_REMEDY = "Cast the column or drop it, or choose format: parquet."
_BYTES_REMEDY = "Set binary to base64 or hex, drop the column, or choose format: parquet or avro."


class JsonLinesPieces(Pieces):
    """JSON objects of rows with these columns."""

    def __init__(self, format_: JsonLinesFormat, columns: pl.Schema) -> None:
        self._format = format_
        self._columns = columns
        self._refuse()

    def head(self) -> bytes:
        """Return nothing: each line says all of itself."""
        return b""

    def piece(self, rows: pl.DataFrame) -> bytes:
        """Return the rows, one object to a line."""
        import polars as pl

        text_spelling.refuse_years(rows)
        if self._format.not_finite == "refuse":
            _refuse_not_finite(rows)
        texts = rows.select(
            spelling.nested(pl.col(name), dtype, self._format, name).alias(name)
            for name, dtype in rows.schema.items()
        )
        out = io.BytesIO()
        texts.write_ndjson(out)
        return self._packed(out.getvalue())

    def empty(self) -> bytes:
        """Return a file of nothing."""
        return self._packed(b"")

    def _packed(self, text: bytes) -> bytes:
        if self._format.compression == "none":
            return text
        return gzip_members.pack(text, self._format.compression_level)

    def _refuse(self) -> None:
        import polars as pl

        lost: tuple[type[pl.DataType], ...] = (pl.Object, pl.Map)
        if self._format.binary == "refuse":
            lost = (*lost, pl.Binary)
        for column, dtype in self._columns.items():
            wrong = next((each for each in within(dtype) if isinstance(each, lost)), None)
            if wrong is not None:
                where = "" if wrong is dtype else f", with {wrong} inside"
                raise SchemaMismatchError(
                    f"column '{column}' is {dtype}{where}, which has no spelling in JSON",
                    remedy=_BYTES_REMEDY if isinstance(wrong, pl.Binary) else _REMEDY,
                )
        spelling.refuse_formats(self._format, self._columns)


def _refuse_not_finite(rows: pl.DataFrame) -> None:
    for column in rows:
        wrong = sum(
            int((~found.is_finite()).sum()) for found in leaves(column, lambda dtype: dtype.is_float())
        )
        if wrong:
            raise RowsRefusedError(
                f"column '{column.name}' has {wrong:,} numbers that are NaN or infinite, which JSON lacks "
                "(RFC 8259, section 6)",
                remedy="Set not_finite to null, or cast the column to String; nothing was written.",
            )
