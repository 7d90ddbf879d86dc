"""What a materialisation tells, each value compared with one that was computed another way."""

from datetime import date
from typing import Any

from tests.dagster_floor.conftest import Lake


def objects(lake: Lake, prefix: str) -> dict[str, int]:
    """Size of each Parquet object below a prefix, as the server lists them."""
    listing = lake.client.list_objects_v2(Bucket=lake.bucket, Prefix=f"base/{prefix}/")
    return {
        each["Key"]: each["Size"]
        for each in listing.get("Contents", ())
        if each["Key"].endswith(".parquet") and "/_" not in each["Key"].removeprefix(f"base/{prefix}")
    }


def schema(found: dict[str, Any]) -> dict[str, str]:
    return {column.name: column.type for column in found["dagster/column_schema"].columns}


def test_an_append(lake: Lake) -> None:
    sources = objects(lake, "landing/orders")
    found = lake.metadata(lake.run("lake/orders"), "lake/orders")

    table = lake.delta("lake/orders")
    files = objects(lake, "lake/orders")
    assert found["dagster/uri"].rstrip("/") == lake.url("lake/orders")
    assert found["dagster/row_count"] == lake.rows("lake/orders").height == 300
    assert found["s3_assets/version"] == str(table.version())
    assert found["s3_assets/files"] == len(table.file_uris()) == 3
    assert found["dagster/size_bytes"] == sum(files.values())
    assert found["s3_assets/size"] == f"{sum(files.values()) / 1000:.1f} kB"
    assert found["s3_assets/rows_written"] == 300
    assert found["s3_assets/bytes_written"] == sum(files.values())
    assert found["s3_assets/read_files"] == len(sources)
    assert found["s3_assets/read_bytes"] == sum(sources.values())
    assert schema(found) == {"id": "int64", "amount": "float64", "date": "date"}
    assert "| date=2026-01-02 | 100 |" in found["s3_assets/partitions"]
    assert "s3_assets/cursor_from" not in found
    assert found["s3_assets/cursor_to"] == {"files": len(sources)}


def test_an_append_of_what_is_late(lake: Lake) -> None:
    lake.run("lake/orders")
    before = objects(lake, "lake/orders")
    key = lake.land("2026-01-02", "late", 10, 9000)
    found = lake.metadata(lake.run("lake/orders"), "lake/orders")

    after = objects(lake, "lake/orders")
    assert found["dagster/row_count"] == 310
    assert found["s3_assets/rows_written"] == 10
    assert found["s3_assets/files_written"] == len(after) - len(before) == 1
    assert found["s3_assets/bytes_written"] == sum(after.values()) - sum(before.values())
    assert found["s3_assets/read_files"] == 1
    assert found["s3_assets/read_bytes"] == objects(lake, "landing/orders")[key]
    assert found["s3_assets/cursor_from"] == {"files": 3}
    assert found["s3_assets/cursor_to"] == {"files": 4}


def test_a_cursor_in_versions(lake: Lake) -> None:
    lake.pay(["2026-01-01"])
    lake.run("lake/payments")
    lake.pay(["2026-01-02"])
    found = lake.metadata(lake.run("lake/payments"), "lake/payments")

    identity = str(lake.delta("landing/payments").metadata().id)
    assert found["s3_assets/cursor_from"] == {"version": 0, "table_id": identity}
    assert found["s3_assets/cursor_to"] == {
        "version": lake.delta("landing/payments").version(),
        "table_id": identity,
    }


def test_rows_of_each_partition(lake: Lake) -> None:
    lake.land("2026-01-03", "more", 11, 7000)
    span = ("2026-01-01", "2026-01-04")
    result = lake.run("lake/orders_by_day", span=span)

    found = lake.materializations(result, "lake/orders_by_day")
    counted = dict(lake.rows("lake/orders_by_day").group_by("date").len().iter_rows())
    assert {day: each["dagster/partition_row_count"] for day, each in found.items()} == {
        day: counted.get(date.fromisoformat(str(day)), 0) for day in found
    }
    assert found["2026-01-04"]["dagster/partition_row_count"] == 0


def test_what_a_user_asset_tells(lake: Lake) -> None:
    lake.run("lake/orders")
    (input_bytes,) = (size for key, size in objects(lake, "lake/orders").items() if "date=2026-01-02" in key)
    found = lake.metadata(lake.run("marts/totals", partition="2026-01-02"), "marts/totals")

    assert found["dagster/partition_row_count"] == 1
    assert found["dagster/row_count"] == 1
    assert found["dagster/uri"].rstrip("/") == lake.url("marts/totals")
    assert found["s3_assets/version"] == str(lake.delta("marts/totals").version())
    assert found["dagster/size_bytes"] == sum(objects(lake, "marts/totals").values())
    assert found["s3_assets/read_files"] == 1
    assert found["s3_assets/read_bytes"] == input_bytes
    assert list(schema(found)) == ["date", "orders", "amount"]


def test_what_is_known_without_looking(lake: Lake) -> None:
    specs = {"/".join(spec.key.path): spec for spec in lake.definitions.resolve_all_asset_specs()}

    assert specs["landing/orders"].metadata["s3_assets/format"] == "parquet"
    assert specs["lake/orders"].metadata["s3_assets/mode"] == "append"
    assert specs["marts/totals"].metadata["dagster/uri"] == f"{lake.url('marts/totals')}/"
    assert specs["marts/totals"].kinds == {"s3", "deltalake"}
