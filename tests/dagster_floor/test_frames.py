"""What an asset may return, and what an input may arrive as: each kind of frame, streams, and nothing."""

import warnings
import weakref
from collections.abc import Callable, Generator, Iterator
from typing import Any, Optional

import dagster as dg
import duckdb
import polars as pl
import pyarrow as pa
import pytest

from s3_assets.errors import SchemaMismatchError, UnsupportedError
from s3_assets.io_managers.returned import Returned
from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.dagster_floor.pipeline import DAILY
from tests.support.extent import EVERYTHING

ROWS = pl.DataFrame({"id": [1, 2, 3], "word": ["a", "ü", None]})
RETURNED: dict[str, Callable[[], Any]] = {
    "lazy": ROWS.lazy,
    "frame": lambda: ROWS,
    "table": ROWS.to_arrow,
    "batch": lambda: ROWS.to_arrow().to_batches()[0],
    "reader": lambda: ROWS.to_arrow().to_reader(max_chunksize=2),
    "relation": lambda: duckdb.from_arrow(ROWS.to_arrow()),
    "frames": lambda: (each for each in ROWS.iter_slices(2)),
    "batches": lambda: iter(ROWS.to_arrow().to_batches(max_chunksize=2)),
}
DAY = {"partitions": {"column": "date", "start": "2026-01-01"}}


def returning(name: str, value: Callable[[], Any], **options: Any) -> dg.AssetsDefinition:
    @user_asset(name, **options)
    def mine():  # type: ignore[no-untyped-def]  # noqa: ANN202 - what comes, comes
        found = value()
        # Dagster takes a generator for several outputs.
        return dg.Output(found) if isinstance(found, Generator) else found

    return mine


def test_each_kind_of_value_is_written(lake: Lake) -> None:
    names = {f"marts/{name}": value for name, value in RETURNED.items()}
    lake.extend({name: {} for name in names}, [returning(name, value) for name, value in names.items()])
    lake.run(*names)

    assert {name: lake.rows(name).sort("id").rows() for name in names} == dict.fromkeys(names, ROWS.rows())


def test_each_kind_of_input_arrives_as_annotated(lake: Lake) -> None:
    seen: dict[str, Any] = {}

    @user_asset("marts/a", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def batches(orders: pa.RecordBatchReader) -> pa.RecordBatchReader:
        seen["batches"] = type(orders)
        return orders

    @user_asset("marts/b", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def there(orders: pl.LazyFrame | None) -> None:
        seen["there"] = type(orders)

    @user_asset("marts/c", ins={"later": dg.AssetIn(key("marts/later"))})
    def not_there(later: Optional[pl.DataFrame]) -> None:  # noqa: UP045 - it is what people write, too
        seen["not there"] = later

    @user_asset("marts/d", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def anything(orders: Any) -> None:
        seen["anything"] = type(orders)

    lake.extend({"marts/a": {}, "marts/later": {}}, [batches, there, not_there, anything])
    lake.run("lake/orders")
    lake.run("marts/a", "marts/b", "marts/c", "marts/d")

    assert seen == {
        "batches": pa.RecordBatchReader,
        "there": pl.LazyFrame,
        "not there": None,
        "anything": pl.LazyFrame,
    }
    assert lake.rows("marts/a").height == 300


def test_a_dict_has_a_frame_for_each_partition(lake: Lake) -> None:
    seen: dict[str, dict[str, int]] = {}

    @user_asset(
        "marts/month",
        partitions_def=dg.MonthlyPartitionsDefinition("2026-01-01"),
        ins={"totals": dg.AssetIn(key("marts/totals"))},
    )
    def month(totals: dict[str, pl.DataFrame]) -> None:
        seen["month"] = {day: frame.height for day, frame in totals.items() if frame.height}

    @user_asset("marts/whole_dict", ins={"totals": dg.AssetIn(key("marts/totals"))})
    def ever(totals: dict[str, pl.LazyFrame]) -> None:
        seen["ever"] = {day: frame.collect().height for day, frame in totals.items() if day < "2026-01-04"}

    @user_asset("marts/no_dict", ins={"orders": dg.AssetIn(key("lake/orders"))})
    def never(orders: dict[str, pl.DataFrame]) -> None:
        seen["never"] = {}

    lake.extend({}, [month, ever, never])
    lake.run("lake/orders")
    lake.run("marts/totals", span=("2026-01-01", "2026-01-02"))
    lake.run("marts/month", partition="2026-01-01")

    assert seen["month"] == {"2026-01-01": 1, "2026-01-02": 1}
    assert "as a dict of partitions, and there are none" in lake.failure("marts/no_dict").message


@pytest.mark.parametrize(
    "annotation", [list[pl.DataFrame], *([str, dict[int, pl.DataFrame]] if EVERYTHING else [])]
)
def test_no_other_input(lake: Lake, annotation: Any) -> None:
    def reader(orders):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - annotated below
        raise AssertionError

    reader.__annotations__["orders"] = annotation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        asset = dg.asset(key=key("marts/reader"), ins={"orders": dg.AssetIn(key("lake/orders"))})(reader)
    lake.extend({}, [asset])
    error = lake.failure("marts/reader")

    assert error.cls_name == "UnsupportedError"
    assert "the input 'orders' is annotated as" in error.message
    assert "pa.RecordBatchReader" in error.message


def _mixed() -> Iterator[Any]:
    yield ROWS
    yield ROWS.select("word", "id")


def _strange() -> Iterator[Any]:
    yield ROWS
    yield "ROWS"


def _broken() -> Iterator[Any]:
    yield ROWS
    raise RuntimeError("of the user")


@pytest.mark.parametrize(
    ("value", "kind", "part"),
    [
        (lambda: [ROWS], UnsupportedError, "the asset returned a list"),
        (lambda: {"a": ROWS}, UnsupportedError, "Return a pl.LazyFrame, pl.DataFrame, pa.Table or"),
        (lambda: ROWS["id"], UnsupportedError, "the asset returned a polars.Series"),
        (_mixed, SchemaMismatchError, "batch 1 has the columns word: String, id: Int64, and the first one"),
        (_strange, UnsupportedError, "batch 1 of what the asset returned is a str"),
    ],
    ids=["list", "dict", "series", "mixed", "strange"],
)
def test_no_other_value(value: Callable[[], Any], kind: type[Exception], part: str) -> None:
    with pytest.raises(kind, match=part), Returned.of(value(), "t").opened() as frame:
        frame.collect()


def test_no_part_of_a_stream_that_fails(lake: Lake) -> None:
    lake.extend({"marts/mine": {}}, [returning("marts/mine", lambda: ROWS.head(1))])
    lake.run("marts/mine")
    lake.extend({"marts/mine": {}}, [returning("marts/mine", _broken)])
    error = lake.failure("marts/mine")

    assert (error.cls_name, error.message) == ("RuntimeError", "RuntimeError: of the user\n")
    assert lake.rows("marts/mine").height == 1


def test_batches_are_not_gathered(lake: Lake) -> None:
    made: list[weakref.ref[pl.DataFrame]] = []
    most: list[int] = []

    def batches() -> Iterator[pl.DataFrame]:
        for number in range(60):
            batch = pl.DataFrame({"id": pl.int_range(20_000, eager=True), "batch": [number] * 20_000})
            made.append(weakref.ref(batch))
            most.append(sum(each() is not None for each in made))
            yield batch

    lake.extend({"marts/large": {}}, [returning("marts/large", batches)])
    lake.run("marts/large")

    assert lake.delta("marts/large").to_pyarrow_table(columns=["id"]).num_rows == 60 * 20_000
    assert max(most) < 20


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(pl.DataFrame, id="no columns"),
        pytest.param(ROWS.clear, id="no rows"),
        *([pytest.param(lambda: iter(()), id="no batches")] if EVERYTHING else []),
    ],
)
def test_no_rows_empty_a_table_and_keep_its_columns(lake: Lake, value: Callable[[], Any]) -> None:
    lake.extend({"marts/mine": {}}, [returning("marts/mine", lambda: ROWS)])
    lake.run("marts/mine")
    lake.extend({"marts/mine": {}}, [returning("marts/mine", value)])
    lake.run("marts/mine")

    assert lake.rows("marts/mine").schema == ROWS.schema
    assert lake.rows("marts/mine").height == 0


def test_no_columns_for_no_table_is_nothing(lake: Lake) -> None:
    lake.extend({"marts/mine": DAY}, [returning("marts/mine", pl.DataFrame, partitions_def=DAILY)])
    lake.run("marts/mine", partition="2026-01-01")

    assert not lake.exists("marts/mine")


def test_a_stream_can_be_read_again_from_its_beginning() -> None:
    drawn: list[int] = []

    def batches() -> Iterator[pl.DataFrame]:
        for number, batch in enumerate(ROWS.iter_slices(1)):
            drawn.append(number)
            yield batch

    with Returned.of(batches(), "t").opened() as frame:
        # A read that stops early, one that goes on, and one of what is there.
        assert frame.head(1).collect().rows() == ROWS.rows()[:1]
        for _ in range(2):
            assert sorted(frame.collect().rows()) == sorted(ROWS.rows())
        assert frame.filter(pl.col("id") > 1).select("word").collect()["word"].to_list() == ["ü", None]

    assert drawn == [0, 1, 2]


def test_a_stream_that_failed_is_never_taken_for_a_shorter_one() -> None:
    returned = Returned.of(_broken(), "t")
    for _ in range(2):
        with pytest.raises(Exception, match="of the user"):
            returned.frame.collect()
    with pytest.raises(RuntimeError, match="of the user"), returned.opened() as frame:
        frame.collect()
