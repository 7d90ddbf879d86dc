"""A lake: a registry with a bucket of its own, and everything that a test does with it."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import deltalake
import polars as pl
import pytest

from s3_assets.builder import build_definitions
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.registry import Registry
from s3_assets.registry.loading import parse_registry
from tests.dagster_floor import pipeline
from tests.support.proxy import RequestProxy

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


class Lake:
    """One registry, its definitions, and a foreign reader's view of the bucket."""

    def __init__(self, endpoint: str, bucket: str, client: Any, instance: dg.DagsterInstance) -> None:
        self.endpoint = endpoint
        self.bucket = bucket
        self.client = client
        self.instance = instance
        self.use(pipeline.registry(endpoint, bucket), pipeline.ASSETS)

    def use(self, registry: Registry, assets: Iterable[dg.AssetsDefinition] = ()) -> None:
        self.registry = registry
        self.definitions = build_definitions(registry, assets)

    def extend(self, tables: dict[str, Any], assets: Iterable[dg.AssetsDefinition] = ()) -> None:
        """Add tables and assets to those of the pipeline."""
        settings = self.registry.model_dump(mode="python", exclude_unset=True)
        delta = {"connection": "lake", "format": "delta"}
        added = {name: {**delta, "path": name, **options} for name, options in tables.items()}
        registry = Registry.model_validate({**settings, "tables": {**settings["tables"], **added}})
        self.use(registry, [*pipeline.ASSETS, *assets])

    def follow(self, page: str) -> None:
        """Use the registry of a page of the documentation on the lake's connection, and the page's assets."""
        (text,) = blocks(page, "yaml")
        settings = parse_registry(text, Path("s3_assets.yaml"), {}).model_dump(
            mode="python", exclude_unset=True
        )
        connections = self.registry.model_dump(mode="python", exclude_unset=True)["connections"]
        namespace: dict[str, Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            for code in blocks(page, "python"):
                exec(code, namespace)  # noqa: S102 - what the page tells its readers to write
        assets = [each for each in namespace.values() if isinstance(each, dg.AssetsDefinition)]
        self.use(Registry.model_validate({**settings, "connections": connections}), assets)

    def land(self, day: date | str, name: str, rows: int, first: int = 0) -> str:
        """Put a Parquet file of orders into the folder of its date."""
        frame = pl.DataFrame(
            {"id": range(first, first + rows), "amount": [0.5 * number for number in range(rows)]}
        )
        body = BytesIO()
        frame.write_parquet(body)
        key = f"base/landing/orders/date={day}/{name}.parquet"
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body.getvalue())
        return key

    def pay(self, days: Sequence[str]) -> None:
        """Append payments to the Delta source, one per day named."""
        frame = pl.DataFrame(
            {"id": range(len(days)), "date": [date.fromisoformat(day) for day in days]},
            schema={"id": pl.Int64, "date": pl.Date},
        )
        deltalake.write_deltalake(
            self.url("landing/payments"),
            frame,
            mode="append",
            storage_options=self.storage_options,
            configuration={"delta.enableChangeDataFeed": "true"},
        )

    def run(
        self,
        *names: str,
        partition: str | None = None,
        span: tuple[str, str] | None = None,
        fails: bool = False,
        **more: Any,
    ) -> dg.ExecuteInProcessResult:
        """Materialise (or observe) assets, as the UI would."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            instance=self.instance,
            asset_selection=[key(name) for name in names],
            partition_key=partition,
            tags={RANGE_START: span[0], RANGE_END: span[1]} if span else None,
            raise_on_error=not fails,
            **more,
        )
        assert result.success is not fails
        return result

    def failure(self, *names: str, **options: Any) -> Any:
        """Run what has to fail, and return the innermost error that the run's event tells."""
        result = self.run(*names, fails=True, **options)
        failures = [event for event in result.all_node_events if event.is_step_failure]
        assert len(failures) == 1
        error = failures[0].step_failure_data.error
        assert error is not None
        while error.cause is not None:
            error = error.cause
        return error

    def metadata(self, result: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
        """Metadata of the one materialisation of an asset."""
        (found,) = self.materializations(result, name).values()
        return found

    def materializations(
        self, result: dg.ExecuteInProcessResult, name: str
    ) -> dict[str | None, dict[str, Any]]:
        """Metadata of an asset's materialisations, by partition."""
        return {
            event.partition: {
                name: value.value
                for name, value in event.step_materialization_data.materialization.metadata.items()
            }
            for event in result.get_asset_materialization_events()
            if event.asset_key == key(name)
        }

    def url(self, name: str) -> str:
        return f"s3://{self.bucket}/base/{name}"

    @property
    def storage_options(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "other",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def delta(self, name: str, version: int | None = None) -> deltalake.DeltaTable:
        """Open a table with delta-rs alone."""
        return deltalake.DeltaTable(self.url(name), version=version, storage_options=self.storage_options)

    def rows(self, name: str) -> pl.DataFrame:
        """All rows of a Delta table, as delta-rs reads them."""
        return pl.DataFrame(self.delta(name).to_pyarrow_table())

    def exists(self, name: str) -> bool:
        """Whether there is any object in a table's folder."""
        listing = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"base/{name}/", MaxKeys=1)
        return bool(listing["KeyCount"])


class Ticking:
    """A sensor of a lake, with the cursor that the daemon would keep."""

    sensor: str | None = None
    """Its name; None: there is no other."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.cursor: str | None = None

    def look(self) -> Any:
        (sensor,) = [each for each in self.lake.definitions.sensors or () if self.sensor in {None, each.name}]
        assert isinstance(sensor, dg.SensorDefinition)
        context = dg.build_sensor_context(
            instance=self.lake.instance, cursor=self.cursor, definitions=self.lake.definitions
        )
        return sensor.evaluate_tick(context)

    def tick(self) -> Any:
        found = self.look()
        self.cursor = found.cursor
        return found


def blocks(page: str, language: str) -> list[str]:
    """The examples of a page of the documentation."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(name.split("/"))


def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def lake(s3_server: EmbeddedServer, bucket: str, s3_client: Any, instance: dg.DagsterInstance) -> Lake:
    """A lake with three days of orders, a hundred rows each."""
    found = Lake(s3_server.endpoint_url, bucket, s3_client, instance)
    for day in (1, 2, 3):
        found.land(f"2026-01-0{day}", "first", 100, 1000 * day)
    return found


@pytest.fixture
def counted(
    proxy: RequestProxy, bucket: str, s3_client: Any, instance: dg.DagsterInstance
) -> tuple[Lake, RequestProxy]:
    """A lake behind the proxy."""
    found = Lake(proxy.endpoint, bucket, s3_client, instance)
    for day in (1, 2, 3):
        found.land(f"2026-01-0{day}", "first", 100, 1000 * day)
    return found, proxy


def user_asset(name: str, **options: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dg.asset` as a user writes it, without Dagster's word on what is beta."""

    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            definition: dg.AssetsDefinition = dg.asset(key=name.split("/"), **options)(function)
            return definition

    return decorate
