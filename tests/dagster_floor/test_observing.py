"""What runs tell of their requests to S3, beside what a proxy and a recorder saw of them."""

import re
from collections import Counter
from typing import Any

import dagster as dg
import polars as pl
import pytest

from s3_assets.registry import Registry
from s3_assets.tables.check_settings import ChecksSettings
from tests.connection.recorder import Seen, recording
from tests.dagster_floor.conftest import Lake
from tests.support.proxy import RequestProxy

Table = dict[tuple[str, str], dict[str, int]]
NUMBERS = ("requests", "retried", "throttled", "refused", "failed")


def observing(lake: Lake, **settings: object) -> None:
    told = lake.registry.model_dump(mode="python", exclude_unset=True)
    lake.use(Registry.model_validate({**told, "observe": settings}))


def by_operation(metadata: dict[str, Any]) -> Table:
    """The table that people see, read back."""
    rows = [
        line.strip("| ").split(" | ") for line in metadata["s3_assets/requests_by_operation"].splitlines()
    ]
    return {
        (row[0], row[1]): {name: int(row[2 + index].replace(",", "")) for index, name in enumerate(NUMBERS)}
        for row in rows[2:]
    }


def test_all_requests_are_counted(counted: tuple[Lake, RequestProxy]) -> None:
    lake, proxy = counted
    observing(lake, requests="all")
    proxy.reset()

    result = lake.run("lake/orders")

    seen = proxy.requests()
    told = lake.metadata(result, "lake/orders")
    table = by_operation(told)
    assert told["s3_assets/requests"] == len(seen)
    assert told["s3_assets/requests_retried"] == told["s3_assets/requests_throttled"] == 0
    assert told["s3_assets/requests_bytes_written"] == pytest.approx(
        sum(each.bytes_in for each in seen), rel=0.01
    )
    assert told["s3_assets/requests_bytes_read"] == pytest.approx(
        sum(each.bytes_out for each in seen), rel=0.01
    )
    assert "s3_assets/requests_not_seen" not in told
    assert {engine for engine, _ in table} == {"boto3", "delta-rs", "obstore", "polars"}
    methods = Counter(each.method for each in seen)
    gets = sum(each["requests"] for (_, name), each in table.items() if name.startswith(("Get", "List")))
    puts = sum(each["requests"] for (_, name), each in table.items() if name in {"PutObject", "UploadPart"})
    assert (gets, puts) == (methods["GET"], methods["PUT"])
    assert told["s3_assets/requests_refused"] == sum(400 <= (each.status or 0) < 500 for each in seen)


def test_throttles_and_retries_are_counted(counted: tuple[Lake, RequestProxy]) -> None:
    lake, proxy = counted
    observing(lake, requests="all")
    proxy.reset()
    proxy.arm("status", at=3, times=2)

    told = lake.metadata(lake.run("lake/orders"), "lake/orders")

    assert lake.rows("lake/orders").height == 300
    assert told["s3_assets/requests_throttled"] == told["s3_assets/requests_retried"] == 2
    assert told["s3_assets/requests"] == sum(
        each.status is not None for each in proxy.requests()[: told["s3_assets/requests"]]
    )


def engine_of(seen: Seen) -> str:
    agent = seen.headers["user-agent"]
    return "boto3" if agent.startswith("Boto") else re.findall(r"engine/(\S+)", agent)[0]


def test_seen_requests_and_who_asked(lake: Lake, tmp_path: Any) -> None:
    with recording(lake.endpoint, tmp_path) as recorder:
        lake.endpoint = recorder.endpoint
        connections = {
            "lake": lake.registry.connections["lake"].model_copy(update={"endpoint": recorder.endpoint})
        }
        checked = lake.registry.tables["lake/orders"].model_copy(
            update={"checks": ChecksSettings.model_validate({"row_count": {"at_least": 1}})}
        )
        tables = {**lake.registry.tables, "lake/orders": checked}
        lake.use(lake.registry.model_copy(update={"connections": connections, "tables": tables}))
        result = lake.run("lake/orders")

        told = lake.metadata(result, "lake/orders")
        agents = [each.headers["user-agent"] for each in recorder.seen]
        checks = ["step/lake__orders__checks " in each for each in agents]
        assert 0 < sum(checks) < len(checks)
        arrived = Counter(
            engine_of(each) for each, by_checks in zip(recorder.seen, checks, strict=True) if not by_checks
        )
        table = by_operation(told)
        for engine in ("boto3", "obstore"):
            assert (
                sum(each["requests"] for (name, _), each in table.items() if name == engine)
                == arrived[engine]
            )
        assert told["s3_assets/requests_not_seen"] == "delta-rs, polars"
        assert told["s3_assets/requests"] == arrived["boto3"] + arrived["obstore"]
        product = rf"s3-assets/\S+ run/{result.run_id} step/lake__orders(__checks)? asset/lake%2Forders"
        assert [each for each in agents if not re.search(product, each)] == []

        seen = len(recorder.seen)
        run = lake.run("landing/orders").run_id
        product = rf"s3-assets/\S+ run/{run} step/observe_lake asset/landing%2Forders"
        assert len(recorder.seen) > seen
        assert [
            each for each in recorder.seen[seen:] if not re.search(product, each.headers["user-agent"])
        ] == []


def test_nobody_is_named_who_is_not_to_be(lake: Lake, tmp_path: Any) -> None:
    with recording(lake.endpoint, tmp_path) as recorder:
        connections = {
            "lake": lake.registry.connections["lake"].model_copy(update={"endpoint": recorder.endpoint})
        }
        lake.use(lake.registry.model_copy(update={"connections": connections}))
        observing(lake, user_agent=False)
        lake.run("lake/orders")

        assert recorder.seen
        assert [each for each in recorder.seen if "s3-assets" in each.headers.get("user-agent", "")] == []


def test_inputs_and_outputs_of_user_assets_are_counted(counted: tuple[Lake, RequestProxy]) -> None:
    lake, proxy = counted
    observing(lake, requests="all")

    @dg.asset(key=["marts", "mine"], ins={"orders": dg.AssetIn(key=["landing", "orders"])})
    def mine(orders: pl.LazyFrame) -> pl.LazyFrame:
        return orders.select("id")

    lake.extend({"marts/mine": {}}, [mine])
    proxy.reset()

    told = lake.metadata(lake.run("marts/mine"), "marts/mine")

    assert told["s3_assets/requests"] == proxy.count()
