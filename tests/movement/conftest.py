"""A shop: one import in a bucket of its own, and a foreign reader's view of its target."""

from io import BytesIO
from typing import Any

import deltalake
import polars as pl
import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.incremental.append import Outcome
from s3_assets.registry import Registry
from s3_assets.windows import Window
from tests.support.extent import EVERYTHING

FORMATS = ("delta", "iceberg", "parquet")
SOME = FORMATS if EVERYTHING else FORMATS[:1]
SOURCE, TARGET = "landing/orders", "lake/orders"


class Shop:
    """Files are put there with boto3; targets are read by delta-rs, or by Polars alone."""

    def __init__(self, endpoint: str, bucket: str, client: Any) -> None:
        self.endpoint = endpoint
        self.bucket = bucket
        self.client = client

    def registry(
        self,
        import_: dict[str, Any] | None = None,
        *,
        target: dict[str, Any] | None = None,
        source: dict[str, Any] | None = None,
    ) -> Registry:
        """A registry with one import, of Parquet files into a table of any format."""
        settings = {"format": "delta", **(target or {})}
        place = {"warehouse_path" if settings["format"] == "iceberg" else "path": TARGET}
        return Registry.model_validate(
            {
                "connections": {
                    "s3": {
                        "url": f"s3://{self.bucket}/",
                        "endpoint": self.endpoint,
                        "region": "us-east-1",
                        "auth": {
                            "type": "access_key",
                            "access_key_id": "test",
                            "secret_access_key": "not-for-your-eyes",
                        },
                    }
                },
                "tables": {
                    SOURCE: {"connection": "s3", "format": "parquet", "path": SOURCE, **(source or {})},
                    TARGET: {"connection": "s3", **place, **settings},
                },
                "imports": {"orders": {"source": SOURCE, "target": TARGET, **(import_ or {})}},
            }
        )

    def land(self, name: str, rows: pl.DataFrame | dict[str, Any]) -> None:
        """Put a Parquet file below the source."""
        body = BytesIO()
        pl.DataFrame(rows).write_parquet(body)
        self.client.put_object(Bucket=self.bucket, Key=f"{SOURCE}/{name}.parquet", Body=body.getvalue())

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=f"{SOURCE}/{name}.parquet")

    def keys(self, prefix: str = TARGET) -> list[str]:
        listing = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}/")
        return [item["Key"] for item in listing.get("Contents", ())]

    def data_files(self) -> list[str]:
        """The keys of the target's Parquet files; no reader looks into folders that begin with _."""
        return [key for key in self.keys() if key.endswith(".parquet") and "/_" not in key]

    def rows(self, format_: str = "delta") -> pl.DataFrame:
        """The target as a foreign reader sees it."""
        url = f"s3://{self.bucket}/{TARGET}"
        if format_ == "delta":
            return pl.DataFrame(deltalake.DeltaTable(url, storage_options=self.options).to_pyarrow_table())
        if format_ == "parquet":
            files = [f"s3://{self.bucket}/{key}" for key in self.data_files()]
            return pl.scan_parquet(files, hive_partitioning=True, storage_options=self.options).collect()
        newest = max(
            (key for key in self.keys() if key.endswith(".metadata.json")),
            key=lambda key: int(key.rpartition("/v")[2].partition(".")[0]),
        )
        properties = {
            "s3.endpoint": self.endpoint,
            "s3.access-key-id": "test",
            "s3.secret-access-key": "test",
            "s3.region": "us-east-1",
        }
        return pl.scan_iceberg(f"s3://{self.bucket}/{newest}", storage_options=properties).collect()

    def notes(self, registry: Registry) -> dict[str, str]:
        """The notes of the target's newest commit."""
        return dict(registry.table(TARGET).history(1)[0].notes)

    @property
    def options(self) -> dict[str, str]:
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        }


def run(registry: Registry, window: Window | None = None, **notes: str) -> Outcome:
    return registry.import_("orders").run(window=window, notes=notes)


@pytest.fixture
def shop(s3_server: EmbeddedServer, bucket: str, s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> Shop:
    # Else Polars warns that it plans scans of Iceberg with PyIceberg.
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")
    return Shop(s3_server.endpoint_url, bucket, s3_client)
