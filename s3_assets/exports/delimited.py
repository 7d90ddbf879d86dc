"""Files of delimited text: spelled by Polars' own writer, all that it leaves open is refused."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from s3_assets.errors import RowsRefusedError, SchemaMismatchError
from s3_assets.exports import gzip_members, spelling
from s3_assets.exports.pieces import Pieces
from s3_assets.tables import text_spelling

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.exports.formats import CsvFormat

_REMEDY = "Cast the column or drop it, or choose format: jsonl, parquet or avro."
_BYTES_REMEDY = "Set binary to base64 or hex, drop the column, or choose format: parquet or avro."
_LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}
_TIMESTAMP = "%Y-%m-%dT%H:%M:%S%.f"
_SCIENTIFIC = {"shortest": None, "plain": False, "scientific": True}


class DelimitedPieces(Pieces):
    """Delimited text of rows with these columns."""

    def __init__(self, format_: CsvFormat, columns: pl.Schema) -> None:
        self._format = format_
        self._columns = columns
        self._mark = "".encode(format_.charset)
        self._refuse()

    def head(self) -> bytes:
        """Return the byte order mark and the header."""
        mark = b"\xef\xbb\xbf" if self._format.byte_order_mark else self._mark
        names = (
            self._encoded(self._csv(self._columns.to_frame(), header=True)) if self._format.header else b""
        )
        return self._packed(mark + names) if mark + names else b""

    def piece(self, rows: pl.DataFrame) -> bytes:
        """Return the rows, one to a line unless a text has line breaks."""
        import polars as pl

        text_spelling.refuse_years(rows)
        self._refuse_blank_lines(rows)
        texts = rows.select(
            self._text(pl.col(name), dtype, name).alias(name) for name, dtype in rows.schema.items()
        )
        if self._format.quote_style == "never":
            self._refuse_unquoted(texts)
        return self._packed(self._encoded(self._csv(texts)))

    def empty(self) -> bytes:
        """Return a file of nothing."""
        return self._packed(b"")

    def _text(self, column: pl.Expr, dtype: pl.DataType, name: str) -> pl.Expr:
        import polars as pl

        true, false = self._format.booleans
        if dtype == pl.Boolean and (true, false) != ("true", "false"):
            return pl.when(column).then(pl.lit(true)).when(~column).then(pl.lit(false))
        local = isinstance(dtype, pl.Datetime) and dtype.time_zone is None
        if local and spelling.layout_of(dtype, self._format, name) is None:
            return column  # spelled by the writer, which is quicker
        return spelling.text(column, dtype, self._format, name)

    def _csv(self, texts: pl.DataFrame, *, header: bool = False) -> bytes:
        format_ = self._format
        out = io.BytesIO()
        texts.write_csv(
            out,
            include_header=header,
            separator=format_.delimiter,
            line_terminator=_LINE_ENDS[format_.line_end],
            quote_char=format_.quote,
            # Of these styles, one leaves a text alone that looks like a null.
            quote_style=format_.quote_style or ("non_numeric" if format_.null_value else "necessary"),
            null_value=format_.null_value,
            datetime_format=_TIMESTAMP,
            float_precision=format_.float_precision,
            float_scientific=_SCIENTIFIC[format_.float_notation],
            decimal_comma=format_.decimal_comma,
        )
        return out.getvalue()

    def _encoded(self, text: bytes) -> bytes:
        if self._format.charset == "utf-8":
            return text
        try:
            return text.decode().encode(self._format.charset)[len(self._mark) :]
        except UnicodeEncodeError as error:
            raise RowsRefusedError(
                f"the rows have the character {error.object[error.start]!r}, which the charset "
                f"{self._format.charset} lacks",
                remedy="Export in utf-8, or replace such characters; nothing was written.",
            ) from None

    def _packed(self, text: bytes) -> bytes:
        if self._format.compression == "none":
            return text
        return gzip_members.pack(text, self._format.compression_level)

    def _refuse(self) -> None:
        import polars as pl

        for column, dtype in self._columns.items():
            if isinstance(dtype, pl.Binary):
                if self._format.binary == "refuse":
                    raise SchemaMismatchError(
                        f"column '{column}' is {dtype}, which has no spelling in text", remedy=_BYTES_REMEDY
                    )
            elif dtype.is_nested() or isinstance(dtype, pl.Object):
                raise SchemaMismatchError(
                    f"column '{column}' is {dtype}, which has no spelling in delimited text", remedy=_REMEDY
                )
        spelling.refuse_formats(self._format, self._columns)

    def _refuse_blank_lines(self, rows: pl.DataFrame) -> None:
        if self._format.null_value or self._format.quote_style == "always" or rows.width != 1:
            return
        if rows.to_series().null_count():
            raise RowsRefusedError(
                f"column '{rows.columns[0]}' has nulls and is the only one: their rows would be blank lines, "
                "which no reader takes for rows",
                remedy="Set null_value to a text such as NULL, or add a column; nothing was written.",
            )

    def _refuse_unquoted(self, texts: pl.DataFrame) -> None:
        import polars as pl

        marks = re.escape(f"{self._format.delimiter}{self._format.quote}")
        for column in texts.select(pl.col(pl.String, pl.Categorical, pl.Enum)):
            wrong = column.cast(pl.String).str.contains(f"[{marks}\r\n]").fill_null(value=False)
            if wrong.any():
                raise RowsRefusedError(
                    f"column '{column.name}' has {int(wrong.sum()):,} texts with a delimiter, a quote or a "
                    "line break, and quote_style is never",
                    remedy="Leave quote_style out, or choose another delimiter; nothing was written.",
                )
