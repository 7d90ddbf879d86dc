"""Checks of tables as they are: what fails is counted in plain Python, and requests are counted."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from s3_assets.checks.evaluation import Known, check_table
from s3_assets.checks.outcome import CheckOutcome
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.table import Table
from tests.checks.conftest import FORMATS, ONE, Shore, day_window, orders
from tests.support.proxy import RequestProxy

NOON = datetime(2026, 1, 3, 12, tzinfo=UTC)
ROWS = [
    # id, day, state, amount
    *((number, 1, "open", 1.0) for number in range(6)),
    (5, 1, "closed", 2.0),
    (None, 2, "open", -1.0),
    (7, 2, None, None),
    (7, 2, "lost", -3.0),
    (3, 3, "open", 4.0),
]
CHECKS: dict[str, Any] = {
    "row_count": {"at_least": 1, "at_most": 10},
    "unique": ["id"],
    "not_null": ["id", "state"],
    "accepted_values": {"state": ["open", "closed"]},
    "expressions": {"earns": {"sql": "amount >= 0 OR state = 'open'", "severity": "warn"}},
}


def written(shore: Shore, format_: str, **more: Any) -> Table[Any]:
    """A table of `ROWS`, under `CHECKS`."""
    ids, days, states, amounts = ([row[index] for row in ROWS] for index in range(4))
    table = shore.table(format_, CHECKS, **more)
    plain = shore.table(format_, path=table.settings.path or table.settings.warehouse_path)
    for day in dict.fromkeys(days):
        chosen = [index for index, each in enumerate(days) if each == day]
        frame = orders(
            range(len(chosen)),
            date(2026, 1, int(str(day))),
            id=[ids[index] for index in chosen],
            state=[states[index] for index in chosen],
            amount=[amounts[index] for index in chosen],
        )
        overwrite(plain, frame, window=day_window(int(str(day))))
    return table


def by_name(found: list[CheckOutcome]) -> dict[str, CheckOutcome]:
    return {each.name: each for each in found}


def failing(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    """The rows that fail each check, counted one by one."""
    ids = [row[0] for row in rows if row[0] is not None]
    return {
        "unique_id": sum(ids.count(each) > 1 for each in ids),
        "not_null": sum(row[0] is None or row[2] is None for row in rows),
        "accepted_values_state": sum(row[2] is not None and row[2] not in {"open", "closed"} for row in rows),
        "earns": sum(
            row[3] is not None and row[2] is not None and not (row[3] >= 0 or row[2] == "open")
            for row in rows
        ),
    }


@pytest.mark.parametrize("format_", ONE)
def test_rows_of_a_table_and_of_a_part(shore: Shore, format_: str) -> None:
    table = written(shore, format_)

    whole = by_name(check_table(table))

    assert {name: whole[name].failed_rows for name in failing(ROWS)} == failing(ROWS)
    assert not whole["row_count"].passed
    assert whole["row_count"].rows == len(ROWS)
    assert whole["row_count"].by == ("rows" if format_ == "parquet" else "metadata")
    assert [each.name for each in whole.values() if each.stops] == [
        "row_count",
        "unique_id",
        "not_null",
        "accepted_values_state",
    ]
    assert not any(each.examples for each in whole.values())

    first = by_name(check_table(table, part=day_window(1), only=["unique_id", "not_null", "earns"]))

    expected = failing([row for row in ROWS if row[1] == 1])
    assert {name: each.failed_rows for name, each in first.items()} == {
        name: expected[name] for name in ("unique_id", "not_null", "earns")
    }


def test_keys_are_shown_where_rows_may_be(shore: Shore) -> None:
    found = by_name(check_table(written(shore, "delta", rows=2)))

    assert found["unique_id"].examples == ({"id": "3"}, {"id": "5"})
    assert found["accepted_values_state"].examples == ({"id": "7"},)
    assert "lost" not in str(found)


def test_a_part_is_compared_with_the_table(shore: Shore) -> None:
    table = written(shore, "parquet")
    checks = {"unique": {"columns": ["id"], "against": "table"}}
    compared = shore.table("parquet", checks, path=table.settings.path)

    (found,) = check_table(compared, part=day_window(3))

    # 3 of the third day is on the first as well; 5 and 7 are doubled, but in other parts.
    assert found.failed_rows == 1


@pytest.mark.parametrize("format_", ONE)
def test_each_partition_has_rows_enough(shore: Shore, format_: str) -> None:
    table = written(shore, format_)
    path = table.settings.path or table.settings.warehouse_path
    counting = shore.table(format_, {"row_count": {"at_least": 3, "per": "partition"}}, path=path)

    (whole,) = check_table(counting, now=datetime(2026, 1, 5, tzinfo=UTC))
    (second,) = check_table(counting, part=day_window(2))

    assert whole.found.startswith("2 of 4 partitions")
    assert "2026-01-03 has 1" in whole.found
    assert "2026-01-04 has 0" in whole.found
    assert second.passed
    assert second.by == ("metadata" if format_ == "delta" else "rows")


@pytest.mark.parametrize("format_", FORMATS)
def test_metadata_tells_without_rows(counted: Shore, proxy: RequestProxy, format_: str) -> None:
    """Few requests, none of them for the rows of a data file."""
    checks = {
        "freshness": {"within": "2d", "column": "at"},
        "schema": {
            "columns": {
                "id": "int64",
                "day": "date",
                "state": "string",
                "amount": "float64",
                "at": "timestamp",
            }
        },
        **({} if format_ == "parquet" else {"row_count": {"at_least": 30, "at_most": 30}}),
    }
    table = counted.table(format_, checks)
    path = table.settings.path or table.settings.warehouse_path
    plain = counted.table(format_, path=path)
    for day in (1, 2, 3):
        overwrite(plain, orders(range(10), date(2026, 1, day)), window=day_window(day))
    proxy.reset()
    counted.table(format_, path=path).state()
    looks = proxy.count()
    proxy.reset()

    found = check_table(counted.table(format_, checks, path=path), now=NOON)

    assert [(each.passed, each.by) for each in found] == [(True, "metadata")] * len(checks), found
    assert found[0].age_seconds == 0
    requests = proxy.requests()
    # Besides one look at the state: Delta nothing; Iceberg the list of manifests, and three of these; Parquet
    # a listing and the ends of three files for the columns, and the same ends for the newest value.
    assert len(requests) - looks == {"delta": 0, "iceberg": 4, "parquet": 7}[format_], requests
    if format_ != "parquet":
        assert not [each for each in requests if ".parquet" in each.path and "checkpoint" not in each.path]
        return
    proxy.reset()
    assert check_table(counted.table(format_, {"not_null": ["id"]}, path=path))[0].passed
    # One listing for the state; the other plans the read, which tells the columns.
    assert sum("list-type" in each.path for each in proxy.requests()) == 2


@pytest.mark.parametrize("format_", ONE)
def test_freshness_by_the_commit(shore: Shore, format_: str) -> None:
    table = shore.table(format_, {"freshness": {"within": "1h"}})
    overwrite(table, orders(range(3)), window=None)

    (fresh,) = check_table(table)
    (old,) = check_table(table, now=datetime.now(UTC) + timedelta(hours=2))

    assert fresh.passed
    assert not old.passed
    assert old.age_seconds is not None
    assert 7_100 < old.age_seconds < 7_300


def test_drift_against_what_was_known(shore: Shore) -> None:
    table = shore.table("delta", {"schema": {}, "row_count": {"change": "50%"}})
    overwrite(table, orders(range(4)), window=None)
    types = {"id": "int32", "day": "date", "state": "string", "gone": "string", "at": "timestamp"}

    unknown = check_table(table)
    drift, count = check_table(table, known=lambda _: Known(types, 2))

    assert all(each.passed for each in unknown)
    assert drift.found == "id is int64 instead of int32; gone is missing; amount (float64) has come"
    assert not count.passed
    assert count.found == "4 rows instead of 2"


def test_what_cannot_be_told_is_a_failure_of_its_own(shore: Shore) -> None:
    checks = {
        "not_null": ["nothing"],
        "freshness": {"within": "1d", "column": "state"},
        "accepted_values": {"amount": ["a"], "id": [0.5, 1, 2, 3], "paid": [True], "rate": [0, 1.0, 2, 3.0]},
        "expressions": {"sum": "amount + 1", "broken": "amount >", "fine": "amount >= 0"},
    }
    table = shore.table("delta", checks)
    more = orders(range(4)).with_columns(pl.col("amount").alias("rate"), pl.lit(value=True).alias("paid"))
    overwrite(table, more, window=None)

    found = by_name(check_table(table))

    passed = {name for name, each in found.items() if each.passed}
    assert passed == {"fine", "accepted_values_paid", "accepted_values_rate"}
    assert "no such values" in found["accepted_values_id"].found
    assert "there is no column nothing" in found["not_null"].found
    assert "which is no time" in found["freshness"].found


def test_a_table_that_is_not_there(shore: Shore) -> None:
    checks = {"row_count": {"at_least": 1}, "not_null": ["id"], "freshness": {"within": "1d"}}
    found = by_name(check_table(shore.table("delta", checks)))

    assert [each.name for each in found.values() if not each.passed] == ["freshness", "row_count"]


def test_many_keys_by_shares(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a table of many millions of rows: its keys go by the local disk."""
    monkeypatch.setattr("s3_assets.tables.shares.ROWS_AT_ONCE", 1_000)
    table = shore.table("delta", {"unique": ["id"]}, rows=3)
    ids = [*range(5_000), *range(100, 200)]
    frame = pl.LazyFrame({"id": ids, "day": [date(2026, 1, 1)] * len(ids)})
    overwrite(table, frame, window=None)

    (found,) = check_table(table)

    assert found.failed_rows == 200
    assert found.examples == ({"id": "100"}, {"id": "101"}, {"id": "102"})
