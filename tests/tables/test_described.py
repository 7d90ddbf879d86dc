"""What tables say of their columns, as the formats' own libraries wrote it."""

from io import BytesIO
from typing import Any

import fastavro
import polars as pl

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.registry import Registry
from s3_assets.tables.described import ColumnNote
from s3_assets.tables.table import Table


def table(server: EmbeddedServer, bucket: str, settings: dict[str, Any]) -> Table[Any]:
    auth = {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"}
    connection: dict[str, Any] = {
        "url": f"s3://{bucket}/",
        "endpoint": server.endpoint_url,
        "region": "us-east-1",
        "auth": auth,
    }
    tables = {"told": {"connection": "lake", **settings}}
    registry = Registry.model_validate({"connections": {"lake": connection}, "tables": tables})
    return registry.table("told")


def test_iceberg(s3_server: EmbeddedServer, bucket: str) -> None:
    told: Any = table(
        s3_server,
        bucket,
        {
            "format": "iceberg",
            "warehouse_path": "told",
            "partition_by": ["region", "day(at)", "bucket(4, id)"],
        },
    )
    told.create(pl.Schema({"id": pl.Int64(), "region": pl.String(), "at": pl.Datetime("us", "UTC")}))
    with told.open().update_schema() as update:
        update.update_column("id", doc="Number of the order")

    found = told.described()
    assert list(found.columns) == ["id", "region", "at"]
    assert found.notes == {
        "id": ColumnNote("Number of the order", demands=("partition column, by bucket[4]",)),
        "region": ColumnNote(demands=("partition column",)),
        "at": ColumnNote(demands=("partition column, by day",)),
    }


def test_avro_files_that_disagree(s3_server: EmbeddedServer, bucket: str, s3_client: Any) -> None:
    """The newest file's words; null where one file may have none, or lacks the column."""
    id_ = {"name": "id", "type": "long"}
    files = {
        "a": [{**id_, "doc": "Old words"}, {"name": "note", "type": "string", "doc": "As written"}],
        "b": [{**id_, "doc": "Number"}, {"name": "total", "type": ["null", "double"]}],
    }
    for name, fields in files.items():
        schema = fastavro.parse_schema({"type": "record", "name": "order", "fields": fields})
        body = BytesIO()
        fastavro.writer(body, schema, [{"id": 1, "note": "x", "total": None}])
        s3_client.put_object(Bucket=bucket, Key=f"told/day=2026-01-01/{name}.avro", Body=body.getvalue())
    found = table(s3_server, bucket, {"format": "avro", "path": "told"}).described()

    assert found.notes == {
        "id": ColumnNote("Number", nullable=False),
        "note": ColumnNote("As written"),
        "total": ColumnNote(),
        "day": ColumnNote(demands=("partition column",)),
    }
    assert set(found.columns) == {*found.notes}
