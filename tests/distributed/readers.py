"""The rows of targets as delta-rs and PyIceberg alone read them, and not we."""

import polars as pl
from deltalake import DeltaTable
from pyiceberg.table import StaticTable

from tests.distributed.ground import Ground


def read_delta(ground: Ground, name: str) -> pl.DataFrame:
    table = DeltaTable(f"s3://{ground.bucket}/{name}", storage_options=ground.options)
    return pl.concat(pl.DataFrame(batch) for batch in table.scan())


def read_iceberg(ground: Ground, name: str) -> pl.DataFrame:
    """Read the newest metadata of a table that is in no catalog."""
    keys = [key for key in ground.keys(f"{name}/metadata/") if key.endswith(".metadata.json")]
    newest = max(keys, key=lambda key: int(key.removeprefix("v").partition(".")[0]))
    properties = {
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        "s3.endpoint": ground.endpoint,
        "s3.access-key-id": "test",
        "s3.secret-access-key": "test",
        "s3.region": "us-east-1",
    }
    where = f"s3://{ground.bucket}/{name}/metadata/{newest}"
    found = pl.DataFrame(StaticTable.from_metadata(where, properties).scan().to_arrow())
    return found.with_columns(pl.col(pl.Datetime).dt.convert_time_zone("UTC"))
