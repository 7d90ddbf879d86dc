"""Whom an object concerns: told by its key, for each format."""

import pytest

from s3_assets.notifications.addressees import Addressee, Addressees
from s3_assets.notifications.events import ObjectEvent
from s3_assets.registry import Registry

REGISTRY = Registry.model_validate(
    {
        "connections": {
            "lake": {"url": "s3://lake/base/", "catalog": {"type": "sql", "uri": "sqlite:////c.db"}},
            "loose": {"url": "s3://loose/", "match_subfolder_exactly": False},
        },
        "tables": {
            "orders": {"connection": "lake", "format": "delta", "path": "orders"},
            "raw": {"connection": "lake", "format": "parquet", "path": "raw"},
            "deep": {"connection": "lake", "format": "csv", "path": "raw/deep"},
            "ice": {"connection": "lake", "format": "iceberg", "table": "db.ice"},
            "files": {"connection": "loose", "format": "jsonl", "path": "files"},
            "scans": {"connection": "lake", "format": "delta", "path": "inventory"},
        },
        "media": {"pictures": {"connection": "lake", "path": "raw/deep/pictures", "target": "scans"}},
    }
)
WAREHOUSE = Registry.model_validate(
    {
        "connections": {"lake": {"url": "s3://lake/base/"}},
        "tables": {"ice": {"connection": "lake", "format": "iceberg", "warehouse_path": "ice"}},
    }
)


def told(registry: Registry, key: str, bucket: str = "lake") -> tuple[set[str], bool]:
    tables = [name for name in registry.tables if name != "scans"]
    found, ours = Addressees(registry, tables, list(registry.media)).of(ObjectEvent(bucket, key, ""))
    return {each.name for each in found}, ours


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("base/orders/_delta_log/00000000000000000007.json", {"orders"}),
        # A part is there before the commit that makes it count.
        ("base/orders/date=2026-01-05/part-0.parquet", set()),
        ("base/orders/_delta_log/00000000000000000010.checkpoint.parquet", set()),
        ("base/orders/_s3_assets/stream/1.json", set()),
        ("base/raw/date=2026-01-05/a.parquet", {"raw"}),
        ("base/raw/_date=2026-01-05/a.parquet", {"raw"}),
        ("base/raw/_s3_assets/stream/1.json", {"raw"}),
        ("base/raw/_temporary/a.parquet", set()),
        ("base/raw/.a.parquet.crc", set()),
        # Tables that are only read may lie inside each other.
        ("base/raw/deep/a.csv", {"raw", "deep"}),
        ("base/raw/deep/pictures/a.png", {"raw", "deep", "pictures"}),
    ],
)
def test_below_the_folder_of_a_table(key: str, names: set[str]) -> None:
    assert told(REGISTRY, key) == (names, True)


@pytest.mark.parametrize(
    ("key", "bucket"),
    [
        ("base/raw_old/a.parquet", "lake"),
        ("base/ra", "lake"),
        ("raw/a.parquet", "lake"),
        ("base/raw/a.parquet", "other"),
        ("base/db/ice/metadata/1.metadata.json", "lake"),
    ],
)
def test_of_nobody(key: str, bucket: str) -> None:
    assert told(REGISTRY, key, bucket) == (set(), False)


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("base/ice/metadata/v3.metadata.json", {"ice"}),
        ("base/ice/metadata/00003-ab.gz.metadata.json", {"ice"}),
        ("base/ice/metadata/version-hint.text", {"ice"}),
        ("base/ice/metadata/snap-1.avro", set()),
        ("base/ice/data/a.parquet", set()),
    ],
)
def test_iceberg_without_a_catalog(key: str, names: set[str]) -> None:
    assert told(WAREHOUSE, key) == (names, True)


def test_a_table_of_a_catalog_is_told_of_by_nobody() -> None:
    """Its commit is the catalog's: the metadata file is there before."""
    assert Addressees(REGISTRY, ["ice", "raw"], []).untold == ("ice",)


def test_names_that_only_begin_alike_where_the_connection_says_so() -> None:
    assert told(REGISTRY, "files_of_may/a.jsonl", "loose") == ({"files"}, True)
    assert told(REGISTRY, "files/a.jsonl", "loose") == ({"files"}, True)
    assert told(REGISTRY, "files.jsonl", "loose") == ({"files"}, True)
    assert told(REGISTRY, "file/a.jsonl", "loose") == (set(), False)


def test_a_whole_bucket_is_a_folder_too() -> None:
    registry = Registry.model_validate(
        {
            "connections": {"lake": {"url": "s3://lake/"}},
            "tables": {"all": {"connection": "lake", "format": "csv", "path": ""}},
        }
    )

    found, _ = Addressees(registry, ["all"], []).of(ObjectEvent("lake", "a.csv", ""))

    assert found == {Addressee("tables", "all")}
