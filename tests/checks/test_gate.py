"""Checks before a commit: what fails leaves every object of the table as it was, and no part behind."""

import pickle
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from s3_assets.checks.outcome import CheckOutcome
from s3_assets.errors import CheckFailedError
from s3_assets.incremental.append import append_new
from s3_assets.incremental.commit import commit_frame, open_writer
from s3_assets.incremental.mirror import mirror
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import ParquetSettings
from s3_assets.tables.table import Table, WriteMode
from tests.checks.conftest import FORMATS, ONE, Shore, day_window, orders
from tests.incremental.work import connection
from tests.support.extent import EVERYTHING

CHECKS: dict[str, Any] = {
    "before_commit": True,
    "unique": {"columns": ["id"], "against": "table"},
    "not_null": ["id", "state"],
    "row_count": {"at_most": 12},
    "expressions": {"earns": "amount >= 0"},
}


def append(table: Table[Any], frame: pl.LazyFrame) -> int:
    return commit_frame(table, open_writer(table), frame, WriteMode.APPEND).commit.rows


@pytest.mark.parametrize("format_", FORMATS)
def test_a_failure_changes_nothing(shore: Shore, format_: str) -> None:
    table = shore.table(format_, CHECKS, rows=2)
    append(table, orders(range(5)))
    before, parts = shore.objects(table), shore.parts(table)
    bad = {
        "doubled in the rows": (orders(range(10, 13), id=[10, 11, 11]), "unique_id"),
        "doubled in the table": (orders(range(3, 7)), "unique_id"),
        "null": (orders(range(10, 12), state=["open", None]), "not_null"),
        "wrong": (orders(range(10, 12), amount=[1.0, -1.0]), "earns"),
        "many": (orders(range(10, 18)), "row_count"),
    }
    for what, (frame, name) in bad.items():
        with pytest.raises(CheckFailedError) as caught:
            append(table, frame)

        outcomes = [each for each in caught.value.outcomes if isinstance(each, CheckOutcome)]
        failed = [each.name for each in outcomes if not each.passed]
        assert failed == [name], what
        assert shore.objects(table) == before, what
        assert shore.parts(table) == parts, what
        assert pickle.loads(pickle.dumps(caught.value)).outcomes == caught.value.outcomes  # noqa: S301

    assert append(table, orders(range(5, 9))) == 4
    assert sorted(table.scan().collect()["id"]) == list(range(9))


@pytest.mark.parametrize("format_", ONE)
def test_an_overwrite_of_a_part(shore: Shore, format_: str) -> None:
    """Its own rows of before are no doubles, those of other parts are."""
    table = shore.table(format_, CHECKS)
    overwrite(table, orders(range(5), date(2026, 1, 1)), window=day_window(1))
    overwrite(table, orders(range(5, 10), date(2026, 1, 2)), window=day_window(2))
    before, parts = shore.objects(table), shore.parts(table)

    with pytest.raises(CheckFailedError, match="unique_id"):
        overwrite(table, orders(range(4, 10), date(2026, 1, 2)), window=day_window(2))

    assert shore.objects(table) == before
    assert shore.parts(table) == parts
    # 12 rows: as many as there may be, since 5 of the 10 go.
    overwrite(table, orders(range(5, 12), date(2026, 1, 2)), window=day_window(2))
    assert sorted(table.scan().collect()["id"]) == list(range(12))


@pytest.mark.parametrize("format_", FORMATS)
def test_an_append_to_a_partition_counts_what_it_has(shore: Shore, format_: str) -> None:
    count = {"at_least": 3, "at_most": 5, "per": "partition", "before_commit": True}
    table = shore.table(format_, {"row_count": count})
    overwrite(table, orders(range(4)), window=day_window(1))

    def add(*numbers: int) -> None:
        frame = orders(range(len(numbers)), id=list(numbers))
        commit_frame(table, open_writer(table), frame, WriteMode.APPEND, window=day_window(1))

    add(4)
    with pytest.raises(CheckFailedError, match="2026-01-01 has 6"):
        add(5)

    assert sorted(table.scan().collect()["id"]) == list(range(5))


def test_keys_are_told_only_where_rows_may_be_shown(shore: Shore) -> None:
    for rows, told in ((0, False), (3, True)):
        table = shore.table("delta", CHECKS, rows=rows)
        with pytest.raises(CheckFailedError) as caught:
            append(table, orders(range(2), id=[4711, 4711]))
        assert ("4711" in str(caught.value)) == told
        assert ("preview:" in str(caught.value)) != told


def test_what_delta_writes_itself_is_looked_at_before(shore: Shore) -> None:
    """A window that no file lines up with is delta-rs's to write: there are no parts."""
    table = shore.table("delta", CHECKS, partition_by=())
    overwrite(table, orders(range(5), date(2026, 1, 1)), window=day_window(1))
    before = shore.objects(table)

    with pytest.raises(CheckFailedError, match="earns"):
        overwrite(table, orders(range(5), amount=[-1.0] * 5), window=day_window(1))

    assert shore.objects(table) == before
    overwrite(table, orders(range(3, 8), date(2026, 1, 1)), window=day_window(1))
    assert sorted(table.scan().collect()["id"]) == list(range(3, 8))


@pytest.mark.parametrize("format_", ["csv", "avro"] if EVERYTHING else ["csv"])
def test_files_that_say_no_types(shore: Shore, format_: str) -> None:
    from s3_assets.tables.check_settings import ChecksSettings
    from s3_assets.tables.settings import AvroSettings
    from s3_assets.tables.text_settings import CsvSettings

    settings: Any = {"csv": CsvSettings, "avro": AvroSettings}[format_](
        connection="s3", path=f"{format_}/", checks=ChecksSettings.model_validate(CHECKS)
    )
    table = open_table("sales", settings, connection(shore.endpoint, shore.bucket))
    frame = orders(range(4)).select("id", "state", "amount")
    overwrite(table, frame, window=None)
    before = shore.objects(table)

    with pytest.raises(CheckFailedError, match="earns"):
        overwrite(table, frame.with_columns(amount=-pl.col("amount") - 1), window=None)

    assert shore.objects(table) == before


@pytest.mark.parametrize("format_", ONE)
def test_drift_is_refused_before_columns_are_added(shore: Shore, format_: str) -> None:
    declared = {name: "int64" if name == "id" else "string" for name in ("id", "text")}
    checks = {"schema": {"before_commit": True, "columns": {**declared, "day": "date"}}}
    table = shore.table(format_, checks)
    sound = pl.LazyFrame({"id": [1], "day": [date(2026, 1, 1)], "text": ["a"]})
    append(table, sound)
    before = shore.objects(table)

    with pytest.raises(CheckFailedError, match=r"more \(int64\) has come"):
        append(table, sound.with_columns(more=pl.lit(1, pl.Int64)))

    assert shore.objects(table) == before
    fitting = shore.table(
        format_,
        {"schema": {"before_commit": True}},
        path=table.settings.path or table.settings.warehouse_path,
    )
    if format_ != "parquet":
        # Undeclared: the table's own columns are what is expected, and narrower types fit them.
        append(fitting, sound.with_columns(pl.col("id").cast(pl.Int32)))
        with pytest.raises(CheckFailedError, match="more"):
            append(fitting, sound.with_columns(more=pl.lit(1, pl.Int64)))


def test_a_warning_stops_nothing(shore: Shore, caplog: pytest.LogCaptureFixture) -> None:
    checks = {"not_null": {"columns": ["state"], "severity": "warn", "before_commit": True}}
    table = shore.table("delta", checks)

    written = overwrite(table, orders(range(2), state=["open", None]), window=None)

    assert [each.sentence for each in written.checks if not each.passed]
    assert "not_null: 1 of 2 rows lack a value: state in 1" in caplog.text


def test_freshness_counts_what_is_there(shore: Shore) -> None:
    """A part of long ago may be written again, if the table stays fresh."""
    today = datetime.now(UTC)
    checks = {"freshness": {"within": "2d", "column": "at", "before_commit": True}}
    table = shore.table("delta", checks)
    with pytest.raises(CheckFailedError, match="freshness"):
        append(table, orders(range(2)))
    append(table, orders(range(2), at=[today, today]))

    append(table, orders(range(2, 4)))

    assert table.scan().collect().height == 4


def test_a_mirror_keeps_its_cursor(shore: Shore) -> None:
    source = open_table(
        "orders", ParquetSettings(connection="s3", path="landing/"), connection(shore.endpoint, shore.bucket)
    )
    overwrite(source, orders(range(4)), window=None)
    target = shore.table("delta", {"before_commit": True, "expressions": {"earns": "amount >= 0"}})
    mirror(target, "sales/orders", source, keys=["id"])
    before, number = shore.all(target), target.committed("sales/orders")
    overwrite(source, orders(range(4), amount=[0.0, 1.0, -2.0, 3.0]), window=None)

    with pytest.raises(CheckFailedError, match="earns: 1 of 1 rows fail"):
        mirror(target, "sales/orders", source, keys=["id"])

    assert shore.all(target) == before
    assert target.committed("sales/orders") == number
    overwrite(source, orders(range(4), amount=[0.0, 1.0, 22.0, 3.0]), window=None)
    mirror(target, "sales/orders", source, keys=["id"])
    assert sorted(target.scan().collect()["amount"]) == [0.0, 1.0, 3.0, 22.0]


def test_a_stream_goes_on_where_it_was(shore: Shore) -> None:
    """What a check refused is read again once the check was mended: nothing is lost or doubled."""
    where = connection(shore.endpoint, shore.bucket)
    source = open_table("orders", ParquetSettings(connection="s3", path="arriving/"), where)
    strict = shore.table("iceberg", {"not_null": ["state"], "before_commit": True})
    lax = shore.table("iceberg", path=strict.settings.warehouse_path)
    append(source, orders(range(3)))
    append_new(strict, "sales/orders", source)
    append(source, orders(range(3, 6), state=["open", None, "open"]))
    before = shore.all(strict)
    for _ in range(2):
        with pytest.raises(CheckFailedError, match="state in 1"):
            append_new(strict, "sales/orders", source)
        assert sorted(lax.scan().collect()["id"]) == [0, 1, 2]
    assert shore.all(strict) == before

    assert append_new(lax, "sales/orders", source).rows == 3
    assert append_new(strict, "sales/orders", source).nothing_new
    assert sorted(lax.scan().collect()["id"]) == list(range(6))
