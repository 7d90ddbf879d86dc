"""The sensor starts exactly the partitions that changed: its requests are run, its cursor kept over waves."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from s3_assets.builder import build_definitions
from s3_assets.errors import RegistryError
from s3_assets.registry import Registry
from s3_assets.sensors.memory import Memory, Seen
from s3_assets.tables.touched import DigestsPosition
from tests.dagster_floor.conftest import RANGE_END, RANGE_START, Lake, Ticking, key, user_asset
from tests.dagster_floor.pipeline import DAILY, START

BY_DAY = "lake/orders_by_day"
MONTH = [date(2026, 1, 1) + timedelta(days=each) for each in range(31)]


class Ticks(Ticking):
    """The one sensor of a lake whose orders are imported by their days."""

    def __init__(self, lake: Lake, assets: Sequence[dg.AssetsDefinition] = (), **settings: Any) -> None:
        super().__init__(lake)
        self.declare(assets, **settings)

    def declare(
        self, assets: Sequence[dg.AssetsDefinition] = (), *, end: str | None = None, **settings: Any
    ) -> None:
        daily = {"column": "date", "start": START, **({"end": end} if end else {})}
        table = {"connection": "lake", "partitions": daily}
        watch = {name: settings.pop(name) for name in ("max_runs_per_tick", "on_untold") if name in settings}
        imports: dict[str, Any] = {"mode": "replace", **settings.pop("imported", {})}
        declared = self.lake.registry.model_dump(mode="python", exclude_unset=True)
        registry = Registry.model_validate(
            {
                "connections": declared["connections"],
                "tables": {
                    "landing/orders": {**table, "format": "parquet", "path": "landing/orders"},
                    BY_DAY: {**table, "format": "delta", "path": BY_DAY},
                    **(
                        {"marts/totals": {**table, "format": "delta", "path": "marts/totals"}}
                        if assets
                        else {}
                    ),
                    "landing/names": {"connection": "lake", "format": "parquet", "path": "landing/names"},
                },
                "imports": {"by_day": {"source": "landing/orders", "target": BY_DAY, **imports}},
                "watch": watch,
            }
        )
        self.lake.use(registry, assets)

    def work(self) -> list[str]:
        """Look and run what is requested, as the daemon does; return the partitions."""
        return [key for request in self.tick().run_requests for key in self.run(request)]

    def run(self, request: dg.RunRequest) -> list[str]:
        (asset,) = request.asset_selection or ()
        name = "/".join(asset.path)
        if request.partition_key is not None:
            self.lake.run(name, partition=request.partition_key)
            return [request.partition_key]
        first, last = request.tags[RANGE_START], request.tags[RANGE_END]
        self.lake.run(name, span=(first, last))
        return partitions(request)

    def equal(self) -> None:
        """The target has what the source's files have, as Polars alone reads both."""
        files = pl.read_parquet(
            f"s3://{self.lake.bucket}/base/landing/orders/**/*.parquet",
            hive_partitioning=True,
            try_parse_hive_dates=True,
            storage_options=self.lake.storage_options,
        )
        target = pl.read_delta(self.lake.url(BY_DAY), storage_options=self.lake.storage_options)
        order = ["date", "id", "amount"]
        assert target.select(order).sort(order).equals(files.select(order).sort(order))


def partitions(request: dg.RunRequest) -> list[str]:
    if request.partition_key is not None:
        return [request.partition_key]
    first, last = (date.fromisoformat(request.tags[each]) for each in (RANGE_START, RANGE_END))
    return [str(first + timedelta(days=each)) for each in range((last - first).days + 1)]


def requested(tick: Any) -> list[str]:
    return [key for request in tick.run_requests for key in partitions(request)]


def test_exactly_the_dates_of_new_rewritten_and_deleted_files(lake: Lake) -> None:
    ticks = Ticks(lake)
    assert ticks.work() == ["2026-01-01", "2026-01-02", "2026-01-03"]
    ticks.equal()
    lake.land("2026-01-02", "late", 10, 5000)
    lake.land("2026-01-05", "first", 10, 6000)
    assert ticks.work() == ["2026-01-02", "2026-01-05"]
    ticks.equal()
    lake.land("2026-01-03", "first", 7, 7000)
    gone = lake.land("2026-01-02", "late", 10, 5000)
    lake.client.delete_object(Bucket=lake.bucket, Key=gone)
    assert ticks.work() == ["2026-01-02", "2026-01-03"]
    ticks.equal()
    assert ticks.work() == []


def test_neighbours_are_one_run_where_the_policy_says_so(lake: Lake) -> None:
    ticks = Ticks(lake)
    lake.land("2026-01-05", "first", 1)
    spans = [partitions(request) for request in ticks.tick().run_requests]
    assert spans == [["2026-01-01", "2026-01-02", "2026-01-03"], ["2026-01-05"]]

    ticks = Ticks(lake, imported={"partitions_per_run": 2})
    spans = [partitions(request) for request in ticks.tick().run_requests]
    assert spans == [["2026-01-01", "2026-01-02"], ["2026-01-03"], ["2026-01-05"]]


def test_doubled_ticks_start_nothing_twice(lake: Lake) -> None:
    """Two ticks of one cursor ask for the same; so does a later one of it for what has not changed since."""
    ticks = Ticks(lake, imported={"partitions_per_run": 1})
    ticks.work()
    lake.land("2026-01-02", "late", 10, 5000)
    keys = [each.run_key for each in ticks.look().run_requests]
    assert keys == [each.run_key for each in ticks.look().run_requests]
    lake.land("2026-01-03", "late", 10, 6000)
    later = [each.run_key for each in ticks.look().run_requests]
    assert later[:1] == keys
    # What comes back to an earlier state changed twice: its run is another one.
    assert requested(ticks.tick()) == ["2026-01-02", "2026-01-03"]
    lake.client.delete_object(Bucket=lake.bucket, Key="base/landing/orders/date=2026-01-02/late.parquet")
    ticks.tick()
    lake.land("2026-01-02", "late", 10, 5000)
    again = [each.run_key for each in ticks.tick().run_requests]
    assert len(again) == 1
    assert not {*again} & {*keys, *later}


def test_a_month_behind_is_caught_up_without_a_flood(lake: Lake, capfd: pytest.CaptureFixture[str]) -> None:
    ticks = Ticks(lake, imported={"partitions_per_run": 1}, max_runs_per_tick=9)
    ticks.work()
    for day in MONTH:
        lake.land(day, "later", 1, 9000)
    first = ticks.tick()
    assert requested(first) == [str(day) for day in MONTH[:9]]
    assert "31 partitions are due; 9 of 31 runs now" in capfd.readouterr().err
    # While the rest waits, one that was run changes again, and one that waits does.
    lake.land(MONTH[0], "again", 1, 9500)
    lake.land(MONTH[20], "again", 1, 9500)
    waves = [requested(ticks.tick()) for _ in range(4)]
    assert waves == [
        [str(day) for day in (MONTH[0], *MONTH[9:17])],
        [str(day) for day in MONTH[17:26]],
        [str(day) for day in MONTH[26:]],
        [],
    ]


def test_partitions_to_come_wait_and_those_before_the_first_are_passed_over(
    lake: Lake, capfd: pytest.CaptureFixture[str]
) -> None:
    ticks = Ticks(lake, end="2026-01-03")
    lake.land("2025-12-31", "first", 1)
    lake.land("2026-01-05", "first", 1)
    lake.land("2099-01-01", "first", 1)
    assert requested(ticks.tick()) == ["2026-01-01", "2026-01-02"]
    said = capfd.readouterr().err
    assert "behind 2026-01-02, the last partition now, wait" in said
    assert "1 changes before 2026-01-01 are passed over" in said
    assert requested(ticks.tick()) == []
    ticks.declare(end="2026-01-06")
    keys = [each.run_key for each in ticks.look().run_requests]
    assert requested(ticks.look()) == ["2026-01-03", "2026-01-05"]
    assert keys == [each.run_key for each in ticks.tick().run_requests]
    assert requested(ticks.tick()) == []


def totals(**options: Any) -> dg.AssetsDefinition:
    """A user's asset of a table that is imported, and of names that have no dates."""
    ins = {"orders": dg.AssetIn(key(BY_DAY))}

    @user_asset(
        "marts/totals", partitions_def=DAILY, ins=ins, **{"metadata": {"on_new_data": True}, **options}
    )
    def found(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders.group_by("date").agg(pl.len().alias("orders"))

    return found


def test_users_assets_downstream(lake: Lake) -> None:
    """The import's commits say which days its readers have to run; a table without dates starts none."""
    ticks = Ticks(lake, [totals(deps=[key("landing/names")])], imported={"partitions_per_run": 1})
    pl.DataFrame({"name": ["one"]}).write_parquet(
        f"s3://{lake.bucket}/base/landing/names/one.parquet", storage_options=lake.storage_options
    )
    assert sorted(ticks.work()) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert sorted(ticks.work()) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    lake.land("2026-01-02", "late", 10, 5000)
    pl.DataFrame({"name": ["two"]}).write_parquet(
        f"s3://{lake.bucket}/base/landing/names/two.parquet", storage_options=lake.storage_options
    )
    assert ticks.work() == ["2026-01-02"]
    tick = ticks.tick()
    assert [each.asset_selection for each in tick.run_requests] == [[key("marts/totals")]]
    assert requested(tick) == ["2026-01-02"]
    ticks.run(tick.run_requests[0])
    counts = dict(pl.DataFrame(lake.rows("marts/totals")).select("date", "orders").rows())
    assert counts == {date(2026, 1, 1): 100, date(2026, 1, 2): 110, date(2026, 1, 3): 100}


@pytest.mark.parametrize("policy", ["all", "fail"])
def test_what_cannot_be_told(lake: Lake, policy: str, capfd: pytest.CaptureFixture[str]) -> None:
    ticks = Ticks(lake, end="2026-01-04", on_untold=policy)
    ticks.tick()
    lake.client.put_object(Bucket=lake.bucket, Key="base/landing/orders/loose.parquet", Body=b"PAR1")
    tick = ticks.tick()
    assert "no folder of the partition column 'date'" in capfd.readouterr().err
    if policy == "all":
        assert requested(tick) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    else:
        assert "1 could not be looked at" in tick.skip_message
        # Nothing was lost: it is told as soon as it can be.
        lake.client.delete_object(Bucket=lake.bucket, Key="base/landing/orders/loose.parquet")
        lake.land("2026-01-02", "late", 1)
        assert requested(ticks.tick()) == ["2026-01-02"]


def test_an_import_that_does_not_want_to_be_started(lake: Lake) -> None:
    assert Ticks(lake, imported={"on_new_data": False}).tick().run_requests == []


def test_a_cursor_of_before(lake: Lake) -> None:
    """The first releases remembered versions alone."""
    ticks = Ticks(lake)
    ticks.cursor = json.dumps({"landing/orders": {"version": "1", "change": 7}})
    assert requested(ticks.tick()) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert Memory.read(ticks.cursor).sources["landing/orders"].change == 8


def test_a_cursor_stays_small() -> None:
    """A hundred thousand files in a thousand days."""
    days = [date(2024, 1, 1) + timedelta(days=each) for each in range(1000)]
    digests = {f"date={day}": f"{index * 987654321 % 2**40:010x}" for index, day in enumerate(days)}
    memory = Memory({"landing/orders": Seen("v", 1, "v", DigestsPosition(digests))}, {}, 1)
    text = memory.write(["landing/orders"], [])

    assert Memory.read(text) == memory
    assert len(text) < 12_000


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"partitions_def": dg.StaticPartitionsDefinition(["a"])}, "no spans of time"),
        ({"metadata": {"on_new_data": "yes"}}, "on_new_data: 'yes'"),
        (
            {
                "ins": {
                    "orders": dg.AssetIn(
                        key(BY_DAY), partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1)
                    )
                }
            },
            "TimeWindowPartitionMapping",
        ),
        ({"ins": {"orders": dg.AssetIn(key("landing/names"))}}, "no table that could tell"),
    ],
)
def test_what_could_not_be_followed_is_refused_at_load(
    lake: Lake, options: dict[str, Any], found: str
) -> None:
    Ticks(lake)
    arguments: dict[str, Any] = {
        "partitions_def": DAILY,
        "ins": {"orders": dg.AssetIn(key(BY_DAY))},
        "metadata": {"on_new_data": True},
        **options,
    }

    @user_asset("marts/totals", **arguments)
    def asset(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders

    with pytest.raises(RegistryError, match=found):
        build_definitions(lake.registry, [asset])
