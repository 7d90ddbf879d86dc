"""`get_asset_spec` and `@s3_asset`: what is called otherwise is read, written, watched and linked as ever."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import deltalake
import polars as pl
import pytest

from s3_assets.builder import build_definitions
from s3_assets.decorator import Read, S3Asset, s3_asset
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import RegistryError, UnsupportedError
from s3_assets.registry import Registry
from s3_assets.specs import Declared, Kind

DELTA = {"connection": "lake", "format": "delta"}
DATED = {"partitions": {"column": "date", "start": "2026-01-01"}}


def registry(bucket: str = "shop-lake", endpoint: str = "http://127.0.0.1:1", **more: Any) -> Registry:
    auth = {"type": "access_key", "access_key_id": "test", "secret_access_key": "other"}
    tables = {
        "landing/orders": {"connection": "lake", "format": "parquet", "path": "landing/orders"},
        "lake/orders": {**DELTA, "path": "lake/orders"},
        "lake/totals": {**DELTA, "path": "lake/totals", "group": "marts", "tags": {"tier": "gold"}},
        "lake/dated": {**DELTA, **DATED, "path": "lake/dated"},
        **more.pop("tables", {}),
    }
    lake = {"url": f"s3://{bucket}/", "endpoint": endpoint, "region": "us-east-1", "auth": auth}
    orders = {"source": "landing/orders", "target": "lake/orders", "schedule": "@daily"}
    return Registry.model_validate(
        {"connections": {"lake": lake}, "tables": tables, "imports": {"orders": orders}, **more}
    )


def prefixed(declared: Declared) -> dg.AssetSpec:
    return declared.spec.replace_attributes(key=declared.spec.key.with_prefix(["prod", "shop"]))


def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@s3_asset("lake/totals", reads={"orders": Read("lake/orders", mode="added")}, tags={"team": "shop"})
def totals(orders: pl.LazyFrame) -> pl.LazyFrame:
    """Amounts of new orders."""
    return orders.select(pl.col("amount").sum())


def test_renamed_assets_are_written_read_watched_and_linked(
    s3_server: EmbeddedServer, s3_client: Any, bucket: str
) -> None:
    body = BytesIO()
    pl.DataFrame({"id": [1, 2], "amount": [1.5, 2.0]}).write_parquet(body)
    s3_client.put_object(Bucket=bucket, Key="landing/orders/1.parquet", Body=body.getvalue())
    declared = registry(bucket, s3_server.endpoint_url)
    definitions = build_definitions(declared, [totals], get_asset_spec=prefixed)
    job = definitions.resolve_implicit_global_asset_job_def()

    with dg.DagsterInstance.ephemeral() as instance:
        chosen = [dg.AssetKey(["prod", "shop", "lake", name]) for name in ("orders", "totals")]
        result = job.execute_in_process(instance=instance, asset_selection=chosen)
        source = dg.AssetKey(["prod", "shop", "landing", "orders"])
        observed = job.execute_in_process(instance=instance, asset_selection=[source])
        sensor = definitions.get_repository_def().get_sensor_def("lake_sources")
        with dg.build_sensor_context(instance=instance) as context:
            tick = sensor(context)

    events = {each.asset_key: each for each in result.get_asset_materialization_events()}
    lineage = events[chosen[0]].materialization.metadata["dagster/column_lineage"]
    assert isinstance(lineage.value, dg.TableColumnLineage)
    assert lineage.value.deps_by_column["id"] == [dg.TableColumnDep(source, "id")]
    options = {
        "AWS_ENDPOINT_URL": s3_server.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    rows = deltalake.DeltaTable(f"s3://{bucket}/lake/totals", storage_options=options)
    assert pl.scan_delta(rows).collect().rows() == [(3.5,)]
    assert [each.asset_key for each in observed.get_asset_observation_events()] == [source]
    assert isinstance(tick, dg.SensorResult)
    assert [each.asset_key for each in tick.asset_events] == [source]


def test_keys_follow_everywhere() -> None:
    definitions = build_definitions(registry(), [totals], get_asset_spec=prefixed)
    found = specs(definitions)

    assert {*found} == {
        f"prod/shop/{name}" for name in ("landing/orders", "lake/orders", "lake/totals", "lake/dated")
    }
    (upstream,) = found["prod/shop/lake/totals"].deps
    assert upstream.asset_key.to_user_string() == "prod/shop/lake/orders"
    links = found["prod/shop/landing/orders"].metadata["s3_assets/read_by"].value
    assert "/assets/prod/shop/lake/orders" in links
    (schedule,) = definitions.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    with dg.build_schedule_context(scheduled_execution_time=datetime(2026, 1, 2, tzinfo=UTC)) as context:
        (request,) = schedule.evaluate_tick(context).run_requests or ()
    assert request.asset_selection == [dg.AssetKey(["prod", "shop", "lake", "orders"])]


def test_what_is_declared_is_told_to_the_function() -> None:
    asked: list[tuple[Kind, str, str, str]] = []

    def ask(declared: Declared) -> dg.AssetSpec:
        asked.append((declared.kind, declared.name, declared.asset, declared.connection))
        return declared.spec

    exports = {"out": {"source": "lake/orders", "connection": "lake", "path_prefix": "out", "format": "csv"}}
    build_definitions(registry(exports=exports), [totals], get_asset_spec=ask)

    assert asked == [
        (Kind.IMPORT, "orders", "lake/orders", "lake"),
        (Kind.EXPORT, "out", "out", "lake"),
        (Kind.SOURCE, "landing/orders", "landing/orders", "lake"),
        (Kind.ASSET, "lake/totals", "lake/totals", "lake"),
        (Kind.SOURCE, "lake/dated", "lake/dated", "lake"),
    ]


def test_an_asset_of_ones_own_says_what_its_table_says() -> None:
    spec = specs(build_definitions(registry(), [totals]))["lake/totals"]

    assert (spec.group_name, spec.description) == ("marts", "Amounts of new orders.")
    assert {"tier": "gold", "team": "shop"}.items() <= spec.tags.items()
    assert spec.kinds == {"s3", "deltalake"}
    assert spec.metadata["dagster/uri"] == "s3://shop-lake/lake/totals/"
    assert totals(pl.LazyFrame({"amount": [1.0, 2.0]})).collect().item() == 3.0


@pytest.mark.parametrize("whole", [False, True])
def test_partitions_are_the_tables_unless_the_asset_says_otherwise(*, whole: bool) -> None:
    options: dict[str, Any] = {"partitions_def": None} if whole else {}

    @s3_asset("lake/dated", reads={"orders": "lake/orders"}, **options)
    def dated(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders

    spec = specs(build_definitions(registry(), [dated]))["lake/dated"]

    assert isinstance(spec.partitions_def, dg.DailyPartitionsDefinition) is not whole


def test_a_plain_asset_of_a_tables_key_writes_that_table() -> None:
    @dg.asset(key=["prod", "shop", "lake", "dated"])
    def mine() -> None:
        pass

    found = specs(build_definitions(registry(), [mine], get_asset_spec=prefixed))

    assert found["prod/shop/lake/dated"].metadata["dagster/uri"] == "s3://shop-lake/lake/dated/"
    assert "lake/dated" not in found


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning", "ignore::dagster.BetaWarning")
def test_resolved_specs_are_mapped_as_ever() -> None:
    definitions = build_definitions(registry(), [totals]).map_resolved_asset_specs(
        func=lambda spec: spec.replace_attributes(group_name="mapped"), selection="group:marts"
    )

    assert {name: spec.group_name for name, spec in specs(definitions).items()} == {
        "landing/orders": "lake",
        "lake/orders": "lake",
        "lake/dated": "lake",
        "lake/totals": "mapped",
    }


def same(declared: Declared) -> dg.AssetSpec:
    return declared.spec.replace_attributes(key="same")


def none(declared: Declared) -> Any:
    del declared


def by_day(declared: Declared) -> dg.AssetSpec:
    return declared.spec.replace_attributes(partitions_def=dg.DailyPartitionsDefinition("2026-01-01"))


def bare(declared: Declared) -> dg.AssetSpec:
    return dg.AssetSpec(declared.spec.key)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (same, "gives 'lake/orders' and 'landing/orders' one key, same"),
        (none, "returned a NoneType for the import 'orders'"),
        (by_day, "gives partitions to the import 'orders', which is not run by partitions"),
    ],
)
def test_what_does_not_fit_is_refused(change: Callable[[Declared], dg.AssetSpec], said: str) -> None:
    with pytest.raises(RegistryError, match=said):
        build_definitions(registry(), get_asset_spec=change)


def test_a_spec_from_nothing_is_an_import_all_the_same() -> None:
    found = specs(build_definitions(registry(), get_asset_spec=bare))

    assert found["lake/orders"].metadata["s3_assets/import"] == "orders"
    assert found["landing/orders"].metadata["dagster/io_manager_key"] == "io_manager"


@dg.asset(key=["lake", "totals"])
def a_plain_one() -> None:
    """An asset that does not name its table, but has its key."""


def wrong(name: str, **reads: str | Read) -> S3Asset:
    @s3_asset(name, reads=reads)
    def mine(**frames: pl.LazyFrame) -> None:
        del frames

    return mine


@pytest.mark.parametrize(
    ("assets", "said"),
    [
        ([wrong("lake/total")], "did you mean 'lake/totals'"),
        ([wrong("lake/totals", rows="lake/order")], "did you mean 'lake/orders'"),
        ([wrong("lake/totals"), wrong("lake/totals")], "two of your assets write 'lake/totals'"),
        ([wrong("lake/totals", rows=Read("lake/orders", mode="add"))], "'add'"),  # type: ignore[arg-type]
        ([wrong("lake/totals"), a_plain_one], "two of your assets write 'lake/totals'"),
        ([wrong("lake/orders")], "the target of the import 'orders' is written by an asset of yours"),
    ],
)
def test_assets_of_ones_own_that_do_not_fit_are_refused(
    assets: list[S3Asset | dg.AssetsDefinition], said: str
) -> None:
    with pytest.raises((RegistryError, UnsupportedError), match=said):
        build_definitions(registry(), assets)


def test_a_decorator_without_a_name_is_refused() -> None:
    """It would leave the asset out without a word."""
    with pytest.raises(RegistryError, match="without the name of a table"):
        s3_asset(totals)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\nimport nowhere\n", "in line 2: ModuleNotFoundError: No module named 'nowhere'"),
        ("x = 1\n\ndef f(:\n", "in line 3: SyntaxError: "),
        ("from s3_assets import s3_asset\ns3_asset(print)\n", "without the name of a table"),
    ],
)
def test_a_file_of_code_that_does_not_run_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)

    with pytest.raises(RegistryError, match=said):
        build_definitions(registry(code=[str(file)]))
