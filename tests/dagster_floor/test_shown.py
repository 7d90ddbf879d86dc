"""What Dagster's event log and definitions have for people: columns, lineage, readers, and at what cost."""

from pathlib import Path
from typing import Any

import dagster as dg
import deltalake
import polars as pl
import pyarrow as pa
import pytest
from deltalake.schema import PrimitiveType

from s3_assets.registry import Registry
from s3_assets.registry.loading import parse_registry
from tests.dagster_floor import pipeline
from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.support.markdown import cells
from tests.support.proxy import RequestProxy

NASTY = "a|b\\|c `d` *e* <img src=x onerror=alert(1)> [f](javascript:g) &amp; _h_ i_j"


def events(lake: Lake, name: str) -> list[dict[str, Any]]:
    """Metadata of all materialisations that the event log has of an asset, newest first."""
    records = lake.instance.fetch_materializations(key(name), limit=20).records
    return [
        {name: value.value for name, value in record.asset_materialization.metadata.items()}
        for record in records
        if record.asset_materialization
    ]


def declare(lake: Lake, **sections: Any) -> None:
    """Change sections of the lake's registry."""
    settings = lake.registry.model_dump(mode="python", exclude_unset=True)
    lake.use(Registry.model_validate({**settings, **sections}), pipeline.ASSETS)


def columns(schema: dg.TableSchema) -> dict[str, tuple[str, str | None, bool, list[str]]]:
    return {
        each.name: (each.type, each.description, each.constraints.nullable, list(each.constraints.other))
        for each in schema.columns
    }


def test_a_table_that_tells_its_columns(lake: Lake) -> None:
    """Delta's comments, not null, folders and checks; the registry's word goes first."""
    fields = [
        deltalake.Field("id", PrimitiveType("long"), nullable=False, metadata={"comment": "Number"}),
        deltalake.Field("total", PrimitiveType("double"), metadata={"comment": "With tax"}),
        deltalake.Field("day", PrimitiveType("date")),
    ]
    table = deltalake.DeltaTable.create(
        lake.url("landing/told"),
        schema=deltalake.Schema(fields),
        partition_by=["day"],
        storage_options=lake.storage_options,
    )
    table.alter.add_constraint({"positive": "total > 0"})
    lake.extend({"landing/told": {"column_descriptions": {"total": "In euros", "day": "Of the order"}}})
    lake.run("landing/told")

    (record,) = lake.instance.fetch_observations(key("landing/told"), limit=2).records
    assert record.asset_observation is not None
    found = record.asset_observation.metadata
    schema: Any = found["dagster/column_schema"].value
    assert columns(schema) == {
        "id": ("int64", "Number", False, []),
        "total": ("float64", "In euros", True, []),
        "day": ("date", "Of the order", True, ["partition column"]),
    }
    assert schema.constraints.other == ["total > 0"]
    assert found["s3_assets/columns"] == found["dagster/column_schema"]


def test_columns_before_any_run(lake: Lake) -> None:
    types = {"id": "int64", "amount": "decimal[10, 2]", "date": "date"}
    tables = lake.registry.model_dump(mode="python", exclude_unset=True)["tables"]
    tables["landing/orders"] |= {"columns": types, "column_descriptions": {"amount": "In euros"}}
    declare(lake, tables=tables)
    specs = {"/".join(spec.key.path): spec for spec in lake.definitions.resolve_all_asset_specs()}

    assert columns(specs["landing/orders"].metadata["dagster/column_schema"]) == {
        "id": ("int64", None, True, []),
        "amount": ("decimal[10, 2]", "In euros", True, []),
        "date": ("date", None, True, ["partition column"]),
    }
    assert "dagster/column_schema" not in specs["landing/payments"].metadata
    assert specs["lake/orders"].metadata["dagster/table_name"] == "lake/orders"


def test_an_import_tells_where_columns_come_from_and_what_it_wrote(lake: Lake) -> None:
    filters = {"rename": {"amount": "total"}, "digest": {"id": {"into": "code"}}, "add_time": "loaded_at"}
    imports = {"orders": {"source": "landing/orders", "target": "lake/orders", "filters": filters}}
    declare(lake, imports=imports, preview={"rows": 3, "exclude": ["id"]})
    lake.run("lake/orders")
    first, again = lake.rows("lake/orders"), lake.run("lake/orders")

    newest, oldest = events(lake, "lake/orders")
    source = key("landing/orders")
    assert oldest["dagster/column_lineage"] == dg.TableColumnLineage(
        {
            "id": [dg.TableColumnDep(source, "id")],
            "total": [dg.TableColumnDep(source, "amount")],
            "date": [dg.TableColumnDep(source, "date")],
            "code": [dg.TableColumnDep(source, "id")],
            "loaded_at": [],
        }
    )
    told = {row[0]: row[1:] for row in cells(oldest["s3_assets/columns_from"])}
    assert told["code"] == ["id", "sha256 digest"]
    assert told["loaded_at"] == ["", "load time"]
    titles, *rows = cells(oldest["s3_assets/preview"])
    # Neither the excluded column, nor what it has become.
    assert titles == ["total", "date", "loaded_at"]
    written = set(first.select(pl.col("total", "date").cast(pl.String)).iter_rows())
    assert len(rows) == 3
    assert {tuple(row[:2]) for row in rows} <= written
    # Pages show the newest event alone: one of a run that found nothing tells what still holds.
    kept = ("dagster/column_schema", "dagster/column_lineage", "s3_assets/columns_from", "s3_assets/preview")
    assert {name: newest[name] for name in kept} == {name: oldest[name] for name in kept}
    assert newest["s3_assets/rows_written"] == newest["s3_assets/bytes_written"] == 0
    assert lake.metadata(again, "lake/orders")["dagster/row_count"] == 300


def test_no_rows_are_shown_unless_somebody_says_so(lake: Lake) -> None:
    lake.run("lake/orders")
    assert "s3_assets/preview" not in events(lake, "lake/orders")[0]

    tables = lake.registry.model_dump(mode="python", exclude_unset=True)["tables"]
    tables["landing/orders"]["preview"] = {"rows": 0}
    declare(lake, tables=tables, preview={"rows": 2})
    lake.land("2026-01-04", "more", 5)
    lake.run("lake/orders")
    # What its source does not show, no target shows that says nothing itself.
    assert "s3_assets/preview" not in events(lake, "lake/orders")[0]
    lake.pay(["2026-01-01", "2026-01-02", "2026-01-03"])
    lake.run("lake/payments")
    assert len(cells(events(lake, "lake/payments")[0]["s3_assets/preview"])) == 3

    declare(lake, preview={"rows": 0})
    lake.run("lake/payments")
    newest = events(lake, "lake/payments")[0]
    assert "s3_assets/preview" not in newest
    assert "dagster/column_lineage" in newest


def test_what_others_wrote_since_is_not_told_again(lake: Lake) -> None:
    lake.run("lake/orders")
    deltalake.write_deltalake(
        lake.url("lake/orders"),
        lake.rows("lake/orders").head(1),
        mode="append",
        storage_options=lake.storage_options,
    )
    lake.run("lake/orders")

    newest = events(lake, "lake/orders")[0]
    assert newest["s3_assets/rows_written"] == 0
    assert newest["dagster/row_count"] == 301
    assert "dagster/column_lineage" not in newest
    # The table's own metadata tells them, in the request that told the rest.
    assert list(columns(newest["dagster/column_schema"])) == ["id", "amount", "date"]


def test_an_asset_of_the_user_and_an_export_show_what_they_wrote(lake: Lake) -> None:
    @user_asset("marts/nasty", description="Mine.", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def nasty(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders.select(pl.lit(NASTY).alias("te|xt"), pl.col("amount").max())

    declare(lake, preview={"rows": 5})
    lake.extend(
        {"marts/nasty": {"description": "Not mine.", "column_descriptions": {"amount": "Most"}}}, [nasty]
    )
    exports = {
        "files": {
            "source": "lake/orders",
            "connection": "lake",
            "path_prefix": "files",
            "format": "csv",
            "mode": "full",
            "filters": {"rename": {"amount": "total"}},
        }
    }
    settings = lake.registry.model_dump(mode="python", exclude_unset=True)
    lake.use(Registry.model_validate({**settings, "exports": exports}), [*pipeline.ASSETS, nasty])
    lake.run("lake/orders", "marts/nasty", "files")

    (found,) = events(lake, "marts/nasty")
    assert cells(found["s3_assets/preview"]) == [["te|xt", "amount"], [f"{NASTY[:39]}…", "49.5"]]
    assert columns(found["dagster/column_schema"])["amount"] == ("float64", "Most", True, [])
    # What rows an asset's own code makes of which columns is not known, and not guessed.
    assert "dagster/column_lineage" not in found
    specs = {"/".join(spec.key.path): spec for spec in lake.definitions.resolve_all_asset_specs()}
    assert specs["marts/nasty"].description == "Mine."
    (exported,) = events(lake, "files")
    assert exported["dagster/column_lineage"].deps_by_column["total"] == [
        dg.TableColumnDep(key("lake/orders"), "amount")
    ]
    assert len(cells(exported["s3_assets/preview"])) == 6
    body = b"".join(
        lake.client.get_object(Bucket=lake.bucket, Key=each["Key"])["Body"].read()
        for each in lake.client.list_objects_v2(Bucket=lake.bucket, Prefix="base/files/")["Contents"]
        if each["Key"].endswith(".csv")
    )
    assert exported["dagster/size_bytes"] == len(body)


def test_a_table_links_to_who_reads_it(lake: Lake) -> None:
    specs = {"/".join(spec.key.path): spec for spec in lake.definitions.resolve_all_asset_specs()}

    links = specs["lake/orders"].metadata["s3_assets/read_by"].value.splitlines()
    assert links == [
        f"- [marts/{name}](/assets/marts/{name}), asset" for name in ("history", "totals", "whole")
    ]
    assert specs["landing/payments"].metadata["s3_assets/read_by"].value == (
        "- [lake/payments](/assets/lake/payments), import payments"
    )
    assert "s3_assets/read_by" not in specs["marts/files"].metadata


def test_assets_link_to_the_lines_that_declare_them(lake: Lake, tmp_path: Path) -> None:
    text = f"""\
connections:
  lake:
    url: s3://{lake.bucket}/

tables:
  landing/orders: {{ connection: lake, path: a, format: parquet }}
  lake/orders:
    connection: lake
    path: b
    format: delta
  marts/whole: {{ connection: lake, path: c, format: delta }}

imports:
  orders: {{ source: landing/orders, target: lake/orders }}
"""
    lake.use(parse_registry(text, tmp_path / "shop.yaml", {}), [pipeline.whole])
    specs = {"/".join(spec.key.path): spec for spec in lake.definitions.resolve_all_asset_specs()}

    def links(name: str) -> list[tuple[str, int]]:
        found = specs[name].metadata["dagster/code_references"].code_references
        return [(each.file_path, each.line_number) for each in found]

    file = str(tmp_path / "shop.yaml")
    assert links("landing/orders") == [(file, 6)]
    assert links("lake/orders") == [(file, 14), (file, 7)]
    function, entry = links("marts/whole")
    assert (Path(function[0]), entry) == (pipeline.HERE, (file, 11))


@pytest.mark.parametrize("rows", [0, 5])
def test_nothing_is_asked_of_the_server_for_it(counted: tuple[Lake, RequestProxy], rows: int) -> None:
    """Rows are caught on their way, and the rest is in what is read anyway."""
    lake, proxy = counted
    lake.extend({"lake/copy": {"partitions": {"column": "date", "start": pipeline.START}}})
    imports = {name: {"source": "landing/orders", "target": f"lake/{name}"} for name in ("orders", "copy")}
    declare(lake, imports=imports, preview={"rows": rows})
    job = lake.registry.import_("orders")
    for shown in (bool(rows), bool(rows)):
        proxy.reset()
        job.run()
        job.target.state()
        alone = len(proxy.requests())
        proxy.reset()
        lake.run("lake/copy")

        assert len(proxy.requests()) == alone
        assert ("s3_assets/preview" in events(lake, "lake/copy")[0]) == shown


def test_what_parquet_says_of_columns(lake: Lake) -> None:
    fields = [
        pa.field("id", pa.int64(), nullable=False, metadata={"comment": "Number"}),
        pa.field("amount", pa.float64(), metadata={"description": "In euros"}),
    ]
    body = pa.BufferOutputStream()
    table = pa.table({"id": [1], "amount": [0.5]}, schema=pa.schema(fields))
    pa.parquet.write_table(table, body)
    lake.client.put_object(
        Bucket=lake.bucket,
        Key="base/landing/told/day=2026-01-01/a.parquet",
        Body=body.getvalue().to_pybytes(),
    )
    lake.extend({"landing/told": {"format": "parquet"}})
    lake.run("landing/told")

    (record,) = lake.instance.fetch_observations(key("landing/told"), limit=2).records
    assert record.asset_observation is not None
    schema: Any = record.asset_observation.metadata["dagster/column_schema"].value
    assert columns(schema) == {
        "id": ("int64", "Number", False, []),
        "amount": ("float64", "In euros", True, []),
        "day": ("date", None, True, ["partition column"]),
    }
