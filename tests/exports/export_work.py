"""What the children of the zygote do: one run of one export. Imported once, run in many processes."""

from datetime import UTC, date, datetime
from typing import Any

from s3_assets.exports.export import Export, ExportMode, ExportOutcome
from s3_assets.exports.formats import ExportFormat, JsonLinesFormat, ParquetFormat
from s3_assets.exports.key_template import KeyTemplate
from s3_assets.exports.split import Split
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from s3_assets.tables.table import Table
from tests.incremental import work

NAME = "daily orders"
KEYS = {
    "partitions": "orders/day={partition_key}/part-{part}.{extension}",
    "full": "orders/part-{part}.{extension}",
    "incremental": "orders/part-{part}.{extension}",
}
MOMENT = datetime(2026, 11, 21, 16, tzinfo=UTC)
ROWS = 8


def format_of(name: str) -> ExportFormat:
    return ParquetFormat() if name == "parquet" else JsonLinesFormat(compression="gzip")


def source(endpoint: str, bucket: str, format_: str, retries: int = 3) -> Table[Any]:
    settings: Any = {"parquet": ParquetSettings, "delta": DeltaSettings}[format_]
    partitions = Partitions(column="day", start=date(2026, 1, 1))
    return open_table(
        "orders",
        settings(connection="s3", path=work.SOURCE, partitions=partitions),
        work.connection(endpoint, bucket, retries),
    )


def make(
    endpoint: str,
    bucket: str,
    prefix: str,
    mode: str,
    *,
    source_bucket: str | None = None,
    source_format: str = "parquet",
    format_: str = "parquet",
    name: str = NAME,
    key: str | None = None,
    rows: int | None = ROWS,
    retries: int = 3,
    **options: Any,
) -> Export:
    return Export(
        name,
        work.connection(endpoint, bucket, retries),
        KeyTemplate.parse(key or KEYS[mode]),
        format_of(format_),
        ExportMode(mode),
        prefix,
        source=source(endpoint, source_bucket, source_format, retries) if source_bucket else None,
        split=Split(rows=rows),
        **{"success": True, **options},
    )


def export(
    endpoint: str, bucket: str, prefix: str, mode: str, day: str | None = None, **settings: Any
) -> dict[str, Any]:
    """Run an export; say what happened."""
    made = make(endpoint, bucket, prefix, mode, **settings)
    window = work.day_window(date.fromisoformat(day)) if day else None
    return describe(made.run(window=window, moment=MOMENT, run="a run"))


def describe(outcome: ExportOutcome) -> dict[str, Any]:
    return {
        "rows": outcome.rows,
        "files": len(outcome.files),
        "removed": outcome.removed_files,
        "nothing_new": outcome.nothing_new,
        "rounds": outcome.rounds,
    }
