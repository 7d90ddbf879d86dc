"""A text table: its settings from the beginnings of its files, and the columns that these give."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.explore.findings import NAMELESS, Finding
from s3_assets.explore.format_settings import settings_of
from s3_assets.explore.samples import Sample
from s3_assets.explore.texts import guess_text
from s3_assets.explore.types import type_name
from s3_assets.tables import text_values
from s3_assets.tables.open import open_table
from s3_assets.tables.text import TextTable
from s3_assets.tables.text_charset import utf8_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.findings import TextGuess
    from s3_assets.explore.samples import Head


class TextTableGuess(NamedTuple):
    """The settings other than the defaults (format among them), the files' columns, and the evidence."""

    settings: dict[str, Any]
    columns: pl.Schema
    findings: list[Finding]


def guess_text_table(connection: S3Connection, heads: Sequence[Head]) -> TextTableGuess:
    """Return how files that begin like this are read; nothing is asked of the network."""
    samples = [Sample.of(head) for head in heads]
    told = guess_text(samples)
    settings = settings_of(told.format)(connection=connection.name, path="", **told.settings)
    table = open_table(NAMELESS, settings, connection)
    if not isinstance(table, TextTable):
        raise TypeError(f"{told.format} is no format of text")
    inferred = _inferred(table, samples)
    columns = type(inferred)({**inferred, **told.types})
    found = dict(told.settings)
    if columns != inferred:
        found["columns"] = {name: type_name(dtype) for name, dtype in columns.items()}
        told.findings.append(_hidden(told, inferred))
    return TextTableGuess({"format": told.format, **found}, columns, told.findings)


def _hidden(told: TextGuess, inferred: pl.Schema) -> Finding:
    names = [name for name, dtype in told.types.items() if inferred.get(name) != dtype]
    return Finding("columns", f"declared, because nulls in quotes hide the types of {', '.join(names)}")


def _inferred(table: TextTable[Any], samples: Sequence[Sample]) -> pl.Schema:
    """Return the columns as the table itself infers them."""
    charset = table.settings.charset
    return text_values.join(
        {
            each.place: table.sample(utf8_chunks(io.BytesIO(each.data), charset, len(each.data) + 1))
            for each in samples
        }
    )
