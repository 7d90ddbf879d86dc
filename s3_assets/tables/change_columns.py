"""The columns that tell of a changed row what became of it, in which version of its table, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

CHANGE_TYPE = "_change_type"
"""`insert`, `delete`, `update_preimage` or `update_postimage` (Delta Protocol, "Change Data Files")."""
COMMIT_VERSION = "_commit_version"
COMMIT_TIMESTAMP = "_commit_timestamp"
"""In UTC, without a zone, in milliseconds."""


def change_schema(schema: pl.Schema) -> pl.Schema:
    """Return the columns of changes: the table's, and these behind them."""
    import polars as pl

    told = {CHANGE_TYPE: pl.String(), COMMIT_VERSION: pl.Int64(), COMMIT_TIMESTAMP: pl.Datetime("ms")}
    return pl.Schema({**schema, **told})
