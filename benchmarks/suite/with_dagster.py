"""Other packages for Dagster in the suite's jobs: an asset that returns a frame, and their IO managers.

In an environment of their own, which knows nothing of s3-assets. Each asset returns Polars' lazy scan of the
source; what becomes of it is the IO manager's. Definitions are made before the time begins.
"""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

BUCKET = "benchmark"
REGION = "us-east-1"
_ASSETS: list[Any] = []
_RESOURCES: dict[str, Any] = {}


def _options(place: Mapping[str, str]) -> dict[str, str]:
    return {
        "aws_endpoint_url": place["endpoint"],
        "aws_access_key_id": place["key_id"],
        "aws_secret_access_key": place["secret"],
        "aws_region": REGION,
        "aws_allow_http": "true",
    }


def _asset(place: Mapping[str, str], kind: str, source: str, manager: Any, **told: Any) -> None:  # noqa: ANN401
    url, options = f"s3://{BUCKET}/{source}", _options(place)

    @dg.asset(name="rows", **told)
    def rows() -> pl.LazyFrame:
        if kind == "parquet":
            return pl.scan_parquet(f"{url}**/*.parquet", storage_options=options)
        return pl.scan_ndjson(f"{url}*.{kind}", storage_options=options)

    _ASSETS.append(rows)
    _RESOURCES["io_manager"] = manager


def _materialize() -> None:
    if not dg.materialize(_ASSETS, resources=_RESOURCES).success:
        raise RuntimeError


def prepare_deltalake(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    del into
    from dagster_deltalake import S3Config
    from dagster_deltalake.config import ClientConfig
    from dagster_deltalake_polars import DeltaLakePolarsIOManager

    manager = DeltaLakePolarsIOManager(
        root_uri=f"s3://{BUCKET}",
        schema=target.rstrip("/"),
        mode="append",
        storage_options=S3Config(
            access_key_id=place["key_id"],
            secret_access_key=place["secret"],
            region=REGION,
            endpoint=place["endpoint"],
        ),
        client_options=ClientConfig(allow_http=True),
        writer_properties={"compression": "ZSTD"},
    )
    _asset(place, kind, source, manager)


def deltalake(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """dagster-deltalake-polars: the frame is collected, then written by delta-rs."""
    del place, kind, source, into, target
    _materialize()


def _polars_told(place: Mapping[str, str], target: str) -> dict[str, Any]:
    # s3fs and delta-rs are given the same options, and neither takes the other's: only variables reach both.
    os.environ.update({name.upper(): value for name, value in _options(place).items()})
    return {"base_dir": f"s3://{BUCKET}/{target.rstrip('/')}"}


def prepare_polars_delta(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    del into
    from dagster_polars import PolarsDeltaIOManager

    manager = PolarsDeltaIOManager(**_polars_told(place, target), mode="append")
    _asset(place, kind, source, manager, metadata={"streaming": True})


def polars_delta(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """dagster-polars: the frame is collected by the streaming engine, then written by delta-rs."""
    del place, kind, source, into, target
    _materialize()


def prepare_polars_parquet(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    from dagster_polars import PolarsParquetIOManager

    _asset(place, kind, source, PolarsParquetIOManager(**_polars_told(place, target)))


def polars_parquet(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    """dagster-polars: Polars' own sink."""
    del place, kind, source, target
    _materialize()


def prepare_iceberg(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    del into
    from dagster_iceberg.config import IcebergCatalogConfig
    from dagster_iceberg.io_manager.polars import PolarsIcebergIOManager
    from pyiceberg.catalog import load_catalog

    properties = {
        "type": "sql",
        "uri": f"sqlite:///{place['catalog']}",
        "warehouse": f"s3://{BUCKET}/{target.rstrip('/')}",
        "s3.endpoint": place["endpoint"],
        "s3.access-key-id": place["key_id"],
        "s3.secret-access-key": place["secret"],
        "s3.region": REGION,
        "s3.request-timeout": "120",
    }
    # It creates no namespace.
    load_catalog("default", **properties).create_namespace_if_not_exists("benchmark")
    manager = PolarsIcebergIOManager(
        name="default",
        config=IcebergCatalogConfig(properties=properties),
        namespace="benchmark",
    )
    told = {"write.parquet.compression-codec": "zstd", "write.parquet.compression-level": "1"}
    _asset(place, kind, source, manager, metadata={"write_mode": "append", "table_properties": told})


def iceberg(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    """dagster-iceberg: the frame is collected, then written by PyIceberg."""
    del place, kind, source, into, target
    _materialize()
