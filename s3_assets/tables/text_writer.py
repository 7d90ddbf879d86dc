"""Files of delimited text, of JSON Lines and of JSON, written as the table's own settings read them."""

from __future__ import annotations

import io
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from s3_assets.errors import RowsRefusedError, SchemaMismatchError, UnsupportedError
from s3_assets.tables import text_spelling
from s3_assets.tables.encoding import Encoder, Encoding
from s3_assets.tables.leaves import leaves, within
from s3_assets.tables.text_packing import Packing
from s3_assets.tables.text_settings import DelimitedSettings, ObjectsSettings, TextSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

TextOf = TypeVar("TextOf", bound=TextSettings)

# What a number, a boolean or a time can begin with.
_STARTS = frozenset("+-.0123456789tfniNI")
_REMEDY = "Cast the column or drop it, or choose format: parquet."


@dataclass(frozen=True)
class _TextEncoding(Encoding, Generic[TextOf]):
    """What all text has in common."""

    settings: TextOf
    compression: str
    suffix: str

    def encoder(self, columns: pl.Schema) -> Encoder:
        """Return what writes one file."""
        return _TextEncoder(self, columns)

    @abstractmethod
    def start(self, columns: pl.Schema) -> bytes:
        """Return the text before the first row."""

    @abstractmethod
    def text(self, rows: pl.DataFrame, *, first: bool) -> bytes:
        """Return the text of rows; `first` are those at a file's start."""

    def finish(self) -> bytes:
        """Return the text behind the last row."""
        return b""


class _TextEncoder(Encoder):
    """One file: what comes before the rows, the rows, what comes after them, all packed."""

    def __init__(self, encoding: _TextEncoding[TextOf], columns: pl.Schema) -> None:
        self._encoding = encoding
        self._packing = Packing(encoding.compression, encoding.settings.charset)
        self._start: bytes | None = encoding.start(columns)

    def encode(self, rows: pl.DataFrame) -> bytes:
        """Return the bytes of some more rows."""
        text_spelling.refuse_years(rows)
        start, self._start = self._start, None
        text = self._encoding.text(rows, first=start is not None)
        return self._packing.pack((start or b"") + text)

    def end(self) -> bytes:
        """Return the last bytes of the file."""
        return self._packing.pack(self._encoding.finish()) + self._packing.end()


@dataclass(frozen=True)
class DelimitedEncoding(_TextEncoding[DelimitedSettings]):
    """Delimited text in the table's dialect; `order` are the columns where files have no header."""

    order: tuple[str, ...] | None = None

    def refuse(self, columns: pl.Schema) -> None:
        """Raise `SchemaMismatchError` for bytes, and for values inside of values."""
        import polars as pl

        for column, dtype in columns.items():
            if dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object):
                raise SchemaMismatchError(
                    f"column '{column}' is {dtype}, which has no spelling in delimited text", remedy=_REMEDY
                )
        if not self.settings.null_values:
            raise SchemaMismatchError(
                "the table has no null_values, so that a null could not be told from an empty text",
                remedy="Declare null_values, such as ['']; an empty text then stands in quotes.",
            )

    def start(self, columns: pl.Schema) -> bytes:
        """Return the lines that are skipped, and the header."""
        lines = b"\n" * self.settings.skip_lines
        if self.order is not None:
            return lines
        escape = self.settings.escape
        names = [name.replace(escape, escape * 2) if escape else name for name in columns]
        head = type(columns)(zip(names, columns.values(), strict=True)).to_frame()
        return lines + self._csv(head, header=True)

    def text(self, rows: pl.DataFrame, *, first: bool) -> bytes:
        """Return the rows, one to a line unless a text has line breaks."""
        import polars as pl

        del first
        if self.order is not None:
            rows = rows.select(
                pl.col(name) if name in rows.columns else pl.lit(None).alias(name) for name in self.order
            )
        self._refuse_blank_lines(rows)
        formats = self.settings.formats
        texts = rows.select(
            text_spelling.as_text(pl.col(name), dtype, formats.get(name)).alias(name)
            for name, dtype in rows.schema.items()
        )
        text_spelling.refuse_lossy(rows, texts, formats)
        if self.settings.escape:
            doubled = self.settings.escape * 2
            texts = texts.with_columns(
                pl.col(pl.String).str.replace_all(self.settings.escape, doubled, literal=True)
            )
        return self._csv(texts)

    @property
    def _null(self) -> str:
        return "" if "" in self.settings.null_values else self.settings.null_values[0]

    def _csv(self, texts: pl.DataFrame, *, header: bool = False) -> bytes:
        out = io.BytesIO()
        # An empty text is always in quotes. Another that reads as null, or as a comment, is so by this style.
        plain = not any(self.settings.null_values) and not self.settings.comment
        texts.write_csv(
            out,
            include_header=header,
            separator=self.settings.delimiter,
            quote_char=self.settings.quote or '"',
            quote_style="necessary" if plain else "non_numeric",
            null_value=self._null,
        )
        return out.getvalue()

    def _refuse_blank_lines(self, rows: pl.DataFrame) -> None:
        if rows.width == 1 and not self._null and rows.to_series().null_count():
            raise RowsRefusedError(
                f"column '{rows.columns[0]}' has nulls and is the only one: their rows would be blank lines, "
                "which no reader takes for rows",
                remedy="Declare null_values such as ['NULL'], or add a column; nothing was written.",
            )


def delimited(
    settings: DelimitedSettings, compression: str, suffix: str, declared: Sequence[str] | None, table: str
) -> DelimitedEncoding:
    """Return how files are written in the dialect of the table.

    `declared` are the columns inside of its files, where they are declared. Raises `UnsupportedError` for a
    dialect in which not every text can be written.
    """
    found: str | None = None
    if settings.quote is None:
        found = "quote is null, and text could hold what separates fields and rows"
    elif settings.comment and {settings.comment[0]} & {
        *_STARTS,
        *(each[:1] for each in settings.null_values),
    }:
        found = f"comment is {settings.comment!r}, and rows can begin like that"
    elif not settings.header and declared is None:
        found = "header is false, and no columns are declared to say what the fields of a row are"
    if found is not None:
        raise UnsupportedError(
            f"files of this dialect cannot be written: {found}",
            remedy="Declare another dialect for the files that are written.",
            table=table,
        )
    order = None if settings.header else tuple(declared or ())
    return DelimitedEncoding(settings, compression, suffix, order)


@dataclass(frozen=True)
class ObjectsEncoding(_TextEncoding[ObjectsSettings]):
    """JSON objects, one to a line; `array`: with commas between them and in brackets, one array to a file."""

    array: bool = False

    def refuse(self, columns: pl.Schema) -> None:
        """Raise `SchemaMismatchError` for bytes, and for texts inside of values that are read as no more."""
        import polars as pl

        for column, dtype in columns.items():
            lost: tuple[type[pl.DataType], ...] = (pl.Binary, pl.Object)
            if dtype.is_nested():
                lost = (*lost, pl.Decimal, pl.Time, pl.Duration)
            wrong = next((each for each in within(dtype) if isinstance(each, lost)), None)
            if wrong is not None:
                where = "" if wrong is dtype else f", with {wrong} inside"
                raise SchemaMismatchError(
                    f"column '{column}' is {dtype}{where}, which has no spelling in JSON", remedy=_REMEDY
                )

    def start(self, columns: pl.Schema) -> bytes:
        """Return the bracket of an array."""
        del columns
        return b"[\n" if self.array else b""

    def text(self, rows: pl.DataFrame, *, first: bool) -> bytes:
        """Return the rows, one object to a line."""
        import polars as pl

        _refuse_not_finite(rows)
        formats = self.settings.formats
        texts = rows.select(
            text_spelling.as_json(pl.col(name), dtype, formats.get(name)).alias(name)
            for name, dtype in rows.schema.items()
        )
        text_spelling.refuse_lossy(rows, texts, formats)
        out = io.BytesIO()
        texts.write_ndjson(out)
        lines = out.getvalue()
        if not self.array:
            return lines
        # A line break inside of a text is spelled \n: the others are those between the rows.
        return (b"" if first else b",\n") + lines.rstrip(b"\n").replace(b"\n", b",\n")

    def finish(self) -> bytes:
        """Return the bracket of an array."""
        return b"\n]\n" if self.array else b""


def _refuse_not_finite(rows: pl.DataFrame) -> None:
    for column in rows:
        wrong = sum(
            int((~found.is_finite()).sum()) for found in leaves(column, lambda dtype: dtype.is_float())
        )
        if wrong:
            raise RowsRefusedError(
                f"column '{column.name}' has {wrong:,} numbers that are NaN or infinite, which JSON lacks "
                "(RFC 8259, section 6)",
                remedy="Make them null, or cast the column to String; nothing was written.",
            )
