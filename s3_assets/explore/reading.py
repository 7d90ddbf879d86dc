"""The samples read back by the table that was guessed: its columns, and how many rows it can read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.tables import text_values
from s3_assets.tables.text_charset import utf8_chunks
from s3_assets.tables.text_rows import BLOCK, BadRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from s3_assets.explore.samples import Sample
    from s3_assets.tables.text import TextTable


class ReadBack(NamedTuple):
    """The rows of the samples that the table can read, and the first that it cannot."""

    rows: int
    bad: list[tuple[str, BadRow]]


def columns_of(table: TextTable[Any], samples: Sequence[Sample]) -> pl.Schema:
    """Return the columns as the table itself infers them."""
    return text_values.join({each.place: table.sample(_chunks(table, each)) for each in samples})


def read_back(
    table: TextTable[Any], schema: pl.Schema, samples: Sequence[Sample], ends: Mapping[str, int]
) -> ReadBack:
    """Read the samples; where one was cut, what follows line `ends` of its place does not count."""
    rows = 0
    bad: list[tuple[str, BadRow]] = []
    for each in samples:
        last = ends.get(each.place)
        for parse in table.parse(_chunks(table, each), schema, frozenset(schema), each.place):
            frame, broken = parse()
            rows += frame.height
            bad += [(each.place, row) for row in broken if last is None or row.line < last]
    return ReadBack(rows, bad)


def _chunks(table: TextTable[Any], sample: Sample) -> Iterator[bytes]:
    return utf8_chunks(io.BytesIO(sample.data), table.settings.charset, BLOCK)
