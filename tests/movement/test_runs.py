"""Imports from a running server, in each mode, into each kind of target, as foreign readers see them."""

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from deltalake import write_deltalake

from s3_assets.errors import (
    HistoryGapError,
    PartitionColumnError,
    RowsOutsideWindowError,
    RowsRefusedError,
    SchemaMismatchError,
    SourceRewrittenError,
)
from s3_assets.movement.replacing import replace_on_new_data
from s3_assets.windows import Window
from tests.movement.conftest import FORMATS, SOME, TARGET, Shop, run

DAILY = {"column": "day", "start": "2026-01-01"}
DAY_1, DAY_2, DAY_3 = (date(2026, 1, day) for day in (1, 2, 3))


def window(first: int, last: int | None = None, zone: str = "UTC") -> Window:
    start, end = (datetime(2026, 1, day, tzinfo=ZoneInfo(zone)) for day in (first, (last or first) + 1))
    return Window(start, end)


def orders(first: int, days: list[date]) -> dict[str, Any]:
    return {"id": range(first, first + len(days)), "day": days, "text": [f"row {day}" for day in days]}


def ids(frame: pl.DataFrame) -> list[int]:
    return sorted(frame["id"].to_list())


@pytest.mark.parametrize("format_", SOME)
def test_an_append_is_filtered_and_placed(shop: Shop, format_: str) -> None:
    registry = shop.registry(
        {
            "filters": {
                "drop": ["junk"],
                "digest": ["email"],
                "rename": {"id": "number"},
                "cast": {"price": "decimal[8, 2]"},
                "add_time": "loaded_at",
            },
            "placement": {"column": "at", "unit": "seconds"},
        },
        target={"format": format_, "partitions": {**DAILY, "timezone": "Asia/Tokyo"}},
    )
    before = datetime.now(UTC)
    for wave in range(2):
        at = [1_767_279_540 + wave, 1_767_279_600 + wave]  # around midnight in Tokyo
        shop.land(
            f"wave-{wave}",
            {"id": [wave, 10 + wave], "email": ["a", "b"], "price": ["1.5", "2"], "at": at, "junk": [0, 0]},
        )
        outcome = run(registry)
        assert outcome.rows == 2
    assert run(registry).nothing_new

    found = shop.rows(format_).sort("number")
    assert found["number"].to_list() == [0, 1, 10, 11]
    assert [str(day) for day in found["day"].to_list()] == ["2026-01-01"] * 2 + ["2026-01-02"] * 2
    assert found["price"].cast(pl.String).to_list() == ["1.50", "1.50", "2.00", "2.00"]
    assert found["email"].str.len_chars().to_list() == [64] * 4
    assert "junk" not in found.columns
    loaded = found["loaded_at"].unique().sort().to_list()
    assert len(loaded) == 2
    assert before <= loaded[0] < loaded[1] <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("filters", "rows", "kind", "message"),
    [
        ({"drop": ["jnk"]}, {"id": [1], "junk": [1]}, SchemaMismatchError, "did you mean 'junk'"),
        (
            {"cast": {"text": "int64"}},
            {"text": ["1"] * 5000 + ["x"]},
            RowsRefusedError,
            "such as 'x'. Correct",
        ),
    ],
    ids=["a column", "a value"],
)
def test_what_is_refused_is_refused_before_anything_can_be_seen(
    shop: Shop, filters: dict[str, Any], rows: dict[str, Any], kind: type[Exception], message: str
) -> None:
    registry = shop.registry({"filters": filters}, target={"format": "parquet"})
    shop.land("first", rows)

    with pytest.raises(kind, match=rf"^table 'landing/orders': import 'orders', filters\..*{message}[^\n]*$"):
        run(registry)

    assert not shop.data_files()


def test_rows_without_the_partition_column_are_placed_by_their_load_time(shop: Shop) -> None:
    registry = shop.registry(target={"partitions": DAILY})
    shop.land("first", {"id": [1, 2]})

    outcome = run(registry)

    assert shop.rows()["day"].to_list() == [datetime.now(UTC).date()] * 2
    assert "were placed by their load time" in "".join(outcome.notes)


@pytest.mark.parametrize("format_", SOME)
def test_replace_on_new_data(shop: Shop, format_: str) -> None:
    registry = shop.registry({"mode": "replace_on_new_data"}, target={"format": format_})
    shop.land("a", orders(0, [DAY_1, DAY_2]))
    shop.land("b", orders(10, [DAY_2]))

    assert run(registry).rows == 3
    commits = len(registry.table(TARGET).history(20))
    again = run(registry)
    assert again.nothing_new
    assert again.since == again.until
    assert len(registry.table(TARGET).history(20)) == commits

    shop.remove("a")
    shop.land("c", orders(20, [DAY_3]))
    assert run(registry).rows == 2
    assert run(registry).nothing_new
    assert ids(shop.rows(format_)) == [10, 20]


@pytest.mark.parametrize("format_", FORMATS)
def test_replace_on_new_data_by_partitions(shop: Shop, format_: str) -> None:
    """Each window of one state of the source is replaced once; a new state begins anew."""
    registry = shop.registry(
        {"mode": "replace_on_new_data"},
        target={"format": format_, "partitions": DAILY},
        source={"partitions": DAILY},
    )
    days = (DAY_1, DAY_2, DAY_3)
    for number, day in enumerate(days):
        shop.land(f"day={day}/a", {"id": [number]})

    assert run(registry, window(2)).rows == 1
    assert run(registry, window(2)).nothing_new
    assert run(registry, window(1)).rows == 1
    assert run(registry, window(1, 2)).nothing_new
    assert run(registry, window(1, 3)).rows == 3
    assert run(registry, window(3)).nothing_new
    shop.land(f"day={DAY_2}/late", {"id": [9]})
    assert run(registry, window(2)).rows == 2
    assert run(registry, window(2)).nothing_new
    assert run(registry, window(1, 3)).rows == 4
    assert ids(shop.rows(format_)) == [0, 1, 2, 9]


def test_the_cursor_of_another_mode_is_refused(shop: Shop) -> None:
    shop.land("a", orders(0, [DAY_1]))
    run(shop.registry())

    with pytest.raises(SourceRewrittenError, match="the cursor stands at 1 file, which another mode left"):
        run(shop.registry({"mode": "replace_on_new_data"}))


def test_a_mirror_with_filters(shop: Shop) -> None:
    registry = shop.registry(
        {
            "mode": "mirror",
            "key": ["number"],
            "filters": {"rename": {"id": "number"}, "digest": ["text"], "add_time": "loaded_at"},
        }
    )
    shop.land("a", orders(0, [DAY_1, DAY_2]))
    assert run(registry).rows == 2
    assert run(registry).nothing_new
    first = shop.rows().sort("number")

    shop.land("a", orders(0, [DAY_1, DAY_3]))
    shop.land("b", orders(7, [DAY_3]))
    run(registry)

    found = shop.rows().sort("number")
    assert found["number"].to_list() == [0, 1, 7]
    assert found["day"].to_list() == [DAY_1, DAY_3, DAY_3]
    assert found["text"].n_unique() == 2
    # The load time by itself makes no change.
    assert found["loaded_at"][0] == first["loaded_at"][0] < found["loaded_at"][1]


BACKFILLS = (
    [window(1), window(2), window(3)],
    [window(1, 3)],
    [window(2), window(1, 2), window(3), window(3)],
)


@pytest.mark.parametrize("format_", SOME)
@pytest.mark.parametrize("windows", BACKFILLS, ids=["one each", "one for all", "again and again"])
def test_backfills_end_alike(shop: Shop, format_: str, windows: list[Window]) -> None:
    registry = shop.registry(
        {"mode": "replace", "placement": {"column": "at"}}, target={"format": format_, "partitions": DAILY}
    )
    moments = [datetime(2026, 1, day, hour, tzinfo=UTC) for day in (1, 2, 3, 4) for hour in (0, 23)]
    shop.land("all", {"id": range(8), "at": moments})

    for each in windows:
        run(registry, each)

    found = shop.rows(format_).sort("id")
    assert found["id"].to_list() == [0, 1, 2, 3, 4, 5]
    assert [str(day) for day in found["day"]] == [str(moment.date()) for moment in moments[:6]]


@pytest.mark.parametrize("format_", FORMATS)
def test_rows_outside_the_partition_are_refused_and_others_stay_as_they_are(shop: Shop, format_: str) -> None:
    """The files of a folder's day hold rows of the next one: its placement tells."""
    landed = {"column": "landed", "start": "2026-01-01"}
    registry = shop.registry(
        {"mode": "replace", "placement": {"column": "at"}},
        target={"format": format_, "partitions": DAILY},
        source={"partitions": landed},
    )
    for day in (1, 2):
        shop.land(f"landed=2026-01-0{day}/a", {"id": [day], "at": [datetime(2026, 1, day, tzinfo=UTC)]})
        run(registry, window(day))
    kept = {key for key in shop.data_files() if "day=2026-01-02" in key}
    assert kept
    shop.land(
        "landed=2026-01-01/b", {"id": [5, 6], "at": [datetime(2026, 1, day, tzinfo=UTC) for day in (2, 9)]}
    )

    with pytest.raises(RowsOutsideWindowError) as caught:
        run(registry, window(1))

    assert (caught.value.count, caught.value.smallest, caught.value.largest) == (
        2,
        "2026-01-02",
        "2026-01-09",
    )
    assert "day" in str(caught.value)
    assert ids(shop.rows(format_)) == [1, 2]
    shop.remove("landed=2026-01-01/b")
    shop.land("landed=2026-01-01/c", {"id": [7], "at": [datetime(2026, 1, 1, tzinfo=UTC)]})
    run(registry, window(1))
    assert ids(shop.rows(format_)) == [1, 2, 7]
    assert kept <= set(shop.data_files())


@pytest.mark.parametrize("format_", SOME)
def test_a_commit_tells_of_its_run(shop: Shop, format_: str) -> None:
    registry = shop.registry(target={"format": format_})
    for wave in range(2):
        shop.land(f"wave-{wave}", orders(wave, [DAY_1]))
        assert run(registry, run="the-run").seconds > 0

    notes = shop.notes(registry)
    size = shop.client.head_object(Bucket=shop.bucket, Key="landing/orders/wave-1.parquet")["ContentLength"]
    assert {name: notes[name] for name in ("import", "run")} == {"import": "orders", "run": "the-run"}
    assert json.loads(notes["reads"]) == [
        {"name": "lake/orders/landing/orders", "from": "1 file", "to": "2 files", "files": 1, "bytes": size}
    ]
    assert datetime.fromisoformat(notes["began"]) < datetime.now(UTC)


def test_a_first_load_in_batches_goes_on_where_it_stopped(shop: Shop) -> None:
    registry = shop.registry({"batch": {"files": 2}, "max_batches": 2, "filters": {"add_time": "loaded_at"}})
    for number in range(7):
        shop.land(f"{number}", orders(number, [DAY_1]))

    first, second, third = (run(registry) for _ in range(3))

    assert [each.rows for each in (first, second, third)] == [4, 3, 0]
    assert [each.commits for each in (first, second, third)] == [2, 2, 0]
    assert "there is more: the next run goes on" in "".join(first.notes)
    found = shop.rows()
    assert ids(found) == list(range(7))
    # One moment for all rows of a run, however many commits it makes.
    assert found["loaded_at"].n_unique() == 2


def test_a_gap_is_filled_anew_where_that_was_said(shop: Shop) -> None:
    """A source that was dropped and made again is no longer the one that the cursor knows."""
    settings = {"filters": {"rename": {"id": "number"}}}
    strict = shop.registry(settings, source={"format": "delta"})
    anew = shop.registry({**settings, "on_gap": "full_refresh"}, source={"format": "delta"})
    source = f"s3://{shop.bucket}/landing/orders"
    write_deltalake(source, pl.DataFrame({"id": [0], "kind": ["x"]}), storage_options=shop.options)
    run(strict)
    for key in shop.keys("landing/orders"):
        shop.client.delete_object(Bucket=shop.bucket, Key=key)
    write_deltalake(source, pl.DataFrame({"id": [1], "kind": ["x"]}), storage_options=shop.options)
    with pytest.raises(HistoryGapError):
        run(strict)

    outcome = run(anew)

    assert shop.rows().to_dicts() == [{"number": 1, "kind": "x"}]
    assert "on_gap: full_refresh" in "".join(outcome.notes)


def test_a_faster_run_of_the_same_replacement_is_not_undone(shop: Shop) -> None:
    """While one run writes, another one commits: the first begins again, and finds nothing to do."""
    registry = shop.registry({"mode": "replace_on_new_data"})
    shop.land("a", orders(0, [DAY_1]))
    run(registry)
    shop.land("b", orders(5, [DAY_2]))
    job = registry.import_("orders")
    faster: list[int] = []

    def shape(frame: pl.LazyFrame) -> pl.LazyFrame:
        if not faster:
            faster.append(run(registry).rows)
        return frame

    outcome = replace_on_new_data(
        job.target, job.stream, job.source, read=job.source.plan, transform=shape, window=None
    )

    assert faster == [2]
    assert (outcome.rounds, outcome.nothing_new) == (2, True)
    assert ids(shop.rows()) == [0, 5]


def test_a_mirror_is_placed_by_its_load_time_if_it_is_told(shop: Shop) -> None:
    settings = {"mode": "mirror", "key": ["id"]}
    target = {"partitions": DAILY}
    shop.land("a", {"id": [1, 2], "text": ["x", "y"]})
    with pytest.raises(PartitionColumnError, match="the partition column 'day' is not among the columns"):
        run(shop.registry(settings, target=target))

    registry = shop.registry({**settings, "placement": {}}, target=target)
    run(registry)
    shop.land("a", {"id": [1, 2], "text": ["x", "z"]})
    outcome = run(registry)

    assert shop.rows().sort("id").select("id", "text").rows() == [(1, "x"), (2, "z")]
    assert outcome.rows == 1
