"""Delimited text as strings, by a parser that keeps to the grammar; rows that do not are found one by one."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.tables.text_dialect import Dialect, Row
    from s3_assets.tables.text_rows import BadRow, Batch
    from s3_assets.tables.text_settings import DelimitedSettings

from s3_assets.tables.text_rows import Block


@dataclass(frozen=True)
class CarefulRows:
    """The rows of batches in one dialect."""

    dialect: Dialect
    settings: DelimitedSettings

    def split(
        self, batch: Batch, wanted: Sequence[str]
    ) -> tuple[pl.DataFrame, list[Row] | None, list[BadRow]]:
        """Return the wanted fields as strings; with rows that cannot be split, the good ones and the bad."""
        import pyarrow as pa

        try:
            return self._parse(self._without_comments(batch.text), batch.names, wanted), None, []
        except pa.ArrowInvalid:
            good, bad = self._sort(batch)
            if not bad:
                # The grammar and the parser disagree: no row may be lost over it.
                raise
        if not good:
            return strings_frame(wanted), good, bad
        text = b"\n".join(batch.text[row.start : row.end] for row in good)
        return self._parse(text, batch.names, wanted), good, bad

    def _sort(self, batch: Batch) -> tuple[list[Row], list[BadRow]]:
        good: list[Row] = []
        bad: list[BadRow] = []
        wanted = len(batch.names)
        for row in self.dialect.rows(Block(batch.text, 1)):
            try:
                batch.text[row.start : row.end].decode()
            except UnicodeDecodeError as error:
                found = f"bytes that are no {self.settings.charset} text"
                bad.append(batch.bad(row.start, row.end, row.start + error.start, found))
                continue
            fields = self.dialect.fields(batch.text, row)
            if len(fields) == wanted:
                good.append(row)
                continue
            at = fields[wanted].start if len(fields) > wanted else row.end
            bad.append(batch.bad(row.start, row.end, at, f"{len(fields)} fields instead of {wanted}"))
        return good, bad

    def _without_comments(self, text: bytes) -> bytes:
        comment = self.dialect.comment
        if not comment or comment not in text:
            return text
        return b"\n".join(text[row.start : row.end] for row in self.dialect.rows(Block(text, 1)))

    def _parse(self, text: bytes, names: Sequence[str], wanted: Sequence[str]) -> pl.DataFrame:
        import polars as pl
        import pyarrow as pa
        from pyarrow import csv

        if not text.strip(b"\r\n"):
            return strings_frame(wanted)
        settings = self.settings
        # A column is needed to count the rows.
        taken = list(wanted) or list(names[:1])
        # Arrow hands names on up to their first NUL: two could become one.
        places = {name: str(place) for place, name in enumerate(names)}
        table = csv.read_csv(
            io.BytesIO(text),
            read_options=csv.ReadOptions(
                column_names=list(places.values()), block_size=len(text) + 1, use_threads=False
            ),
            parse_options=csv.ParseOptions(
                delimiter=settings.delimiter,
                quote_char=settings.quote or False,
                double_quote=settings.quote is not None,
                escape_char=settings.escape or False,
                newlines_in_values=settings.quote is not None or settings.escape is not None,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys((places[name] for name in taken), pa.large_string()),
                include_columns=[places[name] for name in taken],
                null_values=list(settings.null_values),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        frame = pl.DataFrame(table)
        frame.columns = taken
        return frame if wanted else pl.DataFrame(height=frame.height)


def strings_frame(wanted: Sequence[str]) -> pl.DataFrame:
    """Return no rows of strings."""
    import polars as pl

    return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String()))
