"""Files of Avro, whose blocks are made side by side.

A block needs of its file no more than the codec and the mark at its end: the blocks of several writers become
those of one file by getting that file's mark.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from s3_assets.exports.pieces import Pieces
from s3_assets.tables import avro_stored
from s3_assets.tables.avro_header import Header, read_header
from s3_assets.tables.avro_types import read_type
from s3_assets.tables.avro_writer import AvroEncoding

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.exports.formats import AvroFormat

_MARK_BYTES = 16


class AvroPieces(Pieces):
    """Blocks of rows with these columns."""

    def __init__(self, format_: AvroFormat, columns: pl.Schema) -> None:
        import polars as pl

        self._columns = columns
        self._encoding = AvroEncoding(format_.codec, f".{format_.extension}")
        self._encoding.refuse(columns)
        names = avro_stored.spelled(columns)
        stored = [avro_stored.stored(dtype) for dtype in columns.values()]
        schema = avro_stored.json_schema(pl.Schema(zip(names, stored, strict=True)))
        schema["name"] = format_.record
        if format_.namespace is not None:
            schema["namespace"] = format_.namespace
        self._mark = os.urandom(_MARK_BYTES)
        header = Header(
            read_type(schema), format_.codec, self._mark, length=0, told=avro_stored.to_message(columns)
        )
        self._head = header.spelled(schema)

    def head(self) -> bytes:
        """Return the header."""
        return self._head

    def piece(self, rows: pl.DataFrame) -> bytes:
        """Return the rows' blocks."""
        encoder = self._encoding.encoder(self._columns)
        made = encoder.encode(rows) + encoder.end()
        header = read_header(io.BytesIO(made))
        # Sixteen bytes that were drawn for this piece alone: nothing else in it is like them.
        return made[header.length :].replace(header.sync, self._mark)
