"""What Dagster is told of tables, imports, exports and media sets, and of their runs."""

from s3_assets.metadata.columns import column_schema
from s3_assets.metadata.keys import OURS
from s3_assets.metadata.runs import (
    notes_metadata,
    outcome_metadata,
    partition_rows,
    read_metadata,
    written_metadata,
)
from s3_assets.metadata.tables import state_metadata, table_kinds, table_metadata

__all__ = [
    "OURS",
    "column_schema",
    "notes_metadata",
    "outcome_metadata",
    "partition_rows",
    "read_metadata",
    "state_metadata",
    "table_kinds",
    "table_metadata",
    "written_metadata",
]
