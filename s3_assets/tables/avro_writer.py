"""Avro files of any rows that Avro has types for, written block by block."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3_assets.errors import RowsRefusedError
from s3_assets.tables import avro_stored
from s3_assets.tables.avro_header import read_header
from s3_assets.tables.encoding import Encoder, Encoding
from s3_assets.tables.leaves import leaves

if TYPE_CHECKING:
    import polars as pl

_CODECS = {
    "zstandard": "Zstandard",
    "deflate": "Deflate",
    "snappy": "Snappy",
    "bzip2": "Bzip2",
    "xz": "Xz",
}
# In memory, before compression: a reader decodes blocks side by side, and holds those that it decodes.
_BLOCK = 256 * 1024


@dataclass(frozen=True)
class AvroEncoding(Encoding):
    """Avro files with one codec."""

    codec: str
    suffix: str

    def refuse(self, columns: pl.Schema) -> None:
        """Raise `SchemaMismatchError` for a column that Avro has no type for."""
        avro_stored.refuse(columns)

    def encoder(self, columns: pl.Schema) -> Encoder:
        """Return what writes one file."""
        return _AvroEncoder(columns, self.codec)


class _AvroEncoder(Encoder):
    """One file; its blocks are small enough that several are decoded at once."""

    def __init__(self, columns: pl.Schema, codec: str) -> None:
        import polars as pl
        import polars_avro

        names = avro_stored.spelled(columns)
        stored = [avro_stored.stored(dtype) for dtype in columns.values()]
        self._columns = columns
        self._stored = pl.Schema(zip(names, stored, strict=True))
        self._expressions = [
            avro_stored.convert(pl.col(column), dtype, as_stored).alias(name)
            for (column, dtype), (name, as_stored) in zip(columns.items(), self._stored.items(), strict=True)
        ]
        self._made = io.BytesIO()
        self._begun = False
        found = getattr(polars_avro.Codec, _CODECS[codec]) if codec in _CODECS else None
        self._writer = polars_avro.AvroWriter(self._made, schema=self._stored, codec=found)

    def encode(self, rows: pl.DataFrame) -> bytes:
        self._refuse_fine_times(rows)
        if rows.height:
            slices = max(1, round(rows.estimated_size() / _BLOCK))
            for block in rows.iter_slices(-(-rows.height // slices)):
                self._writer.write(block.select(self._expressions))
        return self._take()

    def end(self) -> bytes:
        self._writer.close()
        return self._take()

    def _take(self) -> bytes:
        made = self._made.getvalue()
        if not self._begun:
            made = self._with_our_header(made)
            if not made:
                return made
            self._begun = True
        self._made.seek(0)
        self._made.truncate()
        return made

    def _with_our_header(self, made: bytes) -> bytes:
        """Spell the header anew; nothing as long as the library's own buffer holds a part of it.

        The library gives several records one name, which other readers refuse. The same bytes are read by the
        schema that is put in its place.
        """
        try:
            header = read_header(io.BytesIO(made)) if made else None
        except EOFError:
            header = None
        if header is None:
            return b""
        ours = replace(header, told=avro_stored.to_message(self._columns))
        return ours.spelled(avro_stored.json_schema(self._stored)) + made[header.length :]

    @staticmethod
    def _refuse_fine_times(rows: pl.DataFrame) -> None:
        import polars as pl

        for column in rows:
            for times in leaves(column, lambda dtype: dtype == pl.Time):
                fine = times.filter(times.cast(pl.Int64) % 1_000 != 0)
                if len(fine):
                    raise RowsRefusedError(
                        f"column '{column.name}' has times with nanoseconds, such as {fine[0]}, and Avro has "
                        "microseconds",
                        remedy="Round them to microseconds; nothing was written.",
                    )
