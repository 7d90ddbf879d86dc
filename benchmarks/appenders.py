"""Who appends what is new in a Delta table to another one: s3-assets, and the script by hand.

The script remembers its version in a local folder, behind its commit, and doubles the rows after a crash in
between. Both write ZSTD level 1.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.ground import BUCKET, Ground

LIBRARIES = ("deltalake", "obstore", "polars", "pyarrow")
_OF_THE_FEED = ("_change_type", "_commit_version", "_commit_timestamp")


def ours(place: Mapping[str, str], source: str, target: str, state: str) -> None:
    """Append what is new, with the cursor in the same commit."""
    del state
    from s3_assets.incremental.append import append_new
    from s3_assets.tables.open import open_table
    from s3_assets.tables.settings import DeltaSettings

    connection = Ground(**place).connection
    append_new(
        open_table("target", DeltaSettings(connection="s3", path=target), connection),
        "target/source",
        open_table("source", DeltaSettings(connection="s3", path=source), connection),
    )


def by_hand(place: Mapping[str, str], source: str, target: str, state: str) -> None:
    """`load_cdf` from the version behind the last one, `write_deltalake`, and the version into a file."""
    import pyarrow as pa
    from deltalake import DeltaTable, WriterProperties, write_deltalake

    options, kept = Ground(**place).options, Path(state) / "version.json"
    first = json.loads(kept.read_text())["version"] + 1 if kept.exists() else 0
    table = DeltaTable(f"s3://{BUCKET}/{source}", storage_options=options)
    if first > table.version():
        return
    feed = pa.RecordBatchReader.from_stream(
        table.load_cdf(starting_version=first, predicate="_change_type = 'insert'")
    )
    columns = [name for name in feed.schema.names if name not in _OF_THE_FEED]
    schema = pa.schema([feed.schema.field(name) for name in columns])
    write_deltalake(
        f"s3://{BUCKET}/{target}",
        pa.RecordBatchReader.from_batches(schema, (batch.select(columns) for batch in feed)),
        mode="append",
        storage_options=options,
        writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
    )
    kept.write_text(json.dumps({"version": table.version()}))
