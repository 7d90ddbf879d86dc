"""What only folders of Parquet files do: inference, declared schemas, disagreeing files, real files."""

import io
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import (
    DataFilesMissingError,
    SchemaMismatchError,
    SourceRewrittenError,
    UnsupportedError,
)
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import FilesPosition, Position
from s3_assets.tables.settings import Partitions
from s3_assets.tables.table import ReadMode, Table
from s3_assets.windows import Window
from tests.support.proxy import RequestProxy
from tests.tables.formats import PARQUET, PATH, Place

DATA = Path(__file__).parents[1] / "data" / "parquet"
DAY = Partitions(column="day", start=date(2026, 1, 1))


def parquet(
    place: Place, partitions: Partitions | None = None, *, endpoint: str | None = None, **fields: Any
) -> Table[Any]:
    connection = place.connection(endpoint=endpoint or place.server.endpoint_url)
    return open_table("sales", PARQUET.settings(partitions, **fields), connection)


def body(rows: dict[str, Any] | pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    (rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("path", sorted(DATA.glob("*.parquet")), ids=lambda path: path.stem)
def test_real_files(place: Place, path: Path) -> None:
    place.put(path.name, path.read_bytes())
    table = parquet(place)
    expected = pl.read_parquet(path)

    assert table.schema() == expected.schema
    assert table.scan().collect().equals(expected)
    first = expected.columns[0]
    assert table.scan().select(first).collect().equals(expected.select(first))


# Inference


def test_at_most_100_files_are_read_and_named(place: Place, proxy: RequestProxy) -> None:
    for number in range(130):
        place.put(f"part-{number:03d}.parquet", body({"number": [number]}))

    plan = parquet(place, endpoint=proxy.endpoint).plan()

    read = {request.path for request in proxy.requests() if request.path.endswith(".parquet")}
    assert len(plan.schema_files) == 100
    assert {path.rpartition("/")[2] for path in read} == {key.rpartition("/")[2] for key in plan.schema_files}
    assert plan.files == plan.total_files == 130
    assert sorted(plan.frame.collect()["number"]) == list(range(130))


def test_a_declared_schema_costs_no_footer(place: Place, proxy: RequestProxy) -> None:
    for day in (1, 2, 3):
        place.put(f"day=2026-01-0{day}/a.parquet", body({"number": [day]}))
    columns = {"number": "int64", "day": "date"}
    table = parquet(place, DAY, endpoint=proxy.endpoint, columns=columns)

    assert table.schema() == pl.Schema({"number": pl.Int64(), "day": pl.Date()})
    assert proxy.count() == 0
    plan = table.plan()
    assert [request.method for request in proxy.requests()] == ["GET"]
    assert "list-type=2" in proxy.requests()[0].path
    proxy.reset()
    window = Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
    pruned = table.plan(window=window)
    assert not [request for request in proxy.requests() if "list-type=2" not in request.path]
    assert proxy.count() == 2, "the folders, and the one folder of the window"
    assert pruned.frame.collect().rows() == [(2, date(2026, 1, 2))]
    assert sorted(plan.frame.collect()["number"]) == [1, 2, 3]


def test_who_reads_all_rows_looks_at_all_files_first(place: Place, proxy: RequestProxy) -> None:
    """A reader that is ready for any file to be otherwise has one engine feed another: twice the memory."""
    for number in range(3):
        place.put(f"{number}.parquet", body({"number": [number], "more": [number]}))
    table = parquet(place, endpoint=proxy.endpoint, columns={"number": "int64"}, on_extra_column="ignore")
    plan = table.plan()
    proxy.reset()

    whole = plan.whole()

    read = sorted(request.path.rpartition("/")[2] for request in proxy.requests())
    assert read == ["0.parquet", "1.parquet", "2.parquet"]
    assert "PYTHON SCAN" in plan.frame.explain()
    assert "PYTHON SCAN" not in whole.explain()
    assert whole.collect().equals(plan.frame.collect())

    place.put("3.parquet", body({"number": ["three"]}))
    with pytest.raises(SchemaMismatchError, match=r"3\.parquet"):
        table.plan().whole()


def test_files_of_several_types_are_read_whole(place: Place) -> None:
    place.put("0.parquet", body({"number": [1]}))
    place.put("1.parquet", body(pl.DataFrame({"number": [2]}, schema={"number": pl.Int8})))

    whole = parquet(place, columns={"number": "int64"}).plan().whole()

    assert whole.collect()["number"].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("int64", pl.Int64()),
        ("decimal[10, 2]", pl.Decimal(10, 2)),
        ("list[string]", pl.List(pl.String())),
        ("list[list[int8]]", pl.List(pl.List(pl.Int8()))),
        ("timestamp", pl.Datetime("us", "UTC")),
        ("timestamp_ntz", pl.Datetime("us")),
        (" Boolean ", pl.Boolean()),
    ],
)
def test_declared_types(place: Place, text: str, dtype: pl.DataType) -> None:
    assert parquet(place, columns={"a": text}).schema() == pl.Schema({"a": dtype})


@pytest.mark.parametrize(
    "text", ["", "integer64", "decimal[x, 2]", "list[]", "list", "decimal[2, 10]", "list[int64"]
)
def test_declared_types_that_are_none(place: Place, text: str) -> None:
    with pytest.raises(SchemaMismatchError, match="column 'a' has the unknown type"):
        parquet(place, columns={"a": text}).schema()


# Files that disagree


def test_columns_that_are_missing_added_or_in_another_order(place: Place) -> None:
    place.put("a.parquet", body({"x": [1], "y": ["a"]}))
    place.put("b.parquet", body({"y": ["b"], "x": [2], "z": [1.5]}))
    place.put("c.parquet", body({"x": [3]}))

    found = parquet(place).scan().select("x", "y", "z").collect()

    assert sorted(found.rows()) == [(1, "a", None), (2, "b", 1.5), (3, None, None)]


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (pl.Series([1], dtype=pl.Int32), pl.Series([2**40], dtype=pl.Int64)),
        (pl.Series([1], dtype=pl.UInt8), pl.Series([-5], dtype=pl.Int16)),
        (pl.Series([1.5], dtype=pl.Float32), pl.Series([1e300], dtype=pl.Float64)),
        (pl.Series([7], dtype=pl.Int16), pl.Series([1.5], dtype=pl.Float64)),
        (
            pl.Series([datetime(2026, 1, 1, tzinfo=UTC)], dtype=pl.Datetime("ms", "UTC")),
            pl.Series([1], dtype=pl.Int64).cast(pl.Datetime("us", "UTC")),
        ),
        (
            pl.Series([datetime(2026, 1, 1, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC")),
            pl.Series([1], dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")),
        ),
        (pl.Series([None], dtype=pl.Null), pl.Series(["x"], dtype=pl.String)),
        (
            pl.Series([{"a": 1}], dtype=pl.Struct({"a": pl.Int64})),
            pl.Series([{"a": 1, "b": "x"}], dtype=pl.Struct({"a": pl.Int64, "b": pl.String})),
        ),
    ],
    ids=["integers", "unsigned", "floats", "to float", "ms to us", "us to ns", "null", "struct"],
)
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_wider_types(place: Place, narrow: pl.Series, wide: pl.Series, order: str) -> None:
    place.put(f"{order[0]}.parquet", body(pl.DataFrame({"x": narrow})))
    place.put(f"{order[1]}.parquet", body(pl.DataFrame({"x": wide})))
    table = parquet(place)

    found = table.scan().collect()

    assert found.schema["x"] == wide.dtype
    expected = [narrow[0], wide[0]] if order == "ab" else [wide[0], narrow[0]]
    if isinstance(wide.dtype, pl.Struct):
        expected = [{"a": 1, "b": None, **value} for value in expected]
    assert found["x"].to_list() == expected


def test_types_that_do_not_fit(place: Place) -> None:
    place.put("a.parquet", body({"x": [1]}))
    place.put("b.parquet", body({"x": ["text"]}))

    with pytest.raises(
        SchemaMismatchError, match=r"column 'x' is Int64 in .*a\.parquet and String in .*b\.parquet"
    ):
        parquet(place).scan()


def test_a_file_that_is_no_parquet(place: Place) -> None:
    place.put("a.parquet", b"this is not a Parquet file")

    with pytest.raises(SchemaMismatchError, match=r"a\.parquet is not a Parquet file"):
        parquet(place).schema()


def test_hive_types(place: Place) -> None:
    for number, day in ((1, "2026-01-01"), (2, "2026-01-02")):
        place.put(f"day={day}/hour=0{number}/kind=x/a.parquet", body({"number": [number]}))
    place.put("day=2026-01-02/hour=07/kind=__HIVE_DEFAULT_PARTITION__/a.parquet", body({"number": [7]}))

    found = parquet(place).scan().sort("number").collect()

    assert found.schema == {"number": pl.Int64, "day": pl.Date, "hour": pl.Int64, "kind": pl.String}
    assert found["kind"].to_list() == ["x", "x", None]


def test_no_data_files(place: Place) -> None:
    place.put("_SUCCESS", b"")
    place.put("notes.csv", b"1")

    for look in (parquet(place).schema, parquet(place).plan):
        with pytest.raises(DataFilesMissingError, match=r"no file that ends with \.parquet"):
            look()


def test_a_long_listing_names_the_declaration_that_spares_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3_assets.tables.folder_table.MANY_FILES", 3)
    for day in (1, 2, 3):
        place.put(f"region=eu/date=2026-01-0{day}/a.parquet", body({"x": [day]}))

    (note,) = parquet(place).plan().notes

    assert note.startswith("all 3 files were listed; declare 'partitions: { column: date, ... }'")
    assert open_table("sales", PARQUET.settings(DAY), place.connection()).plan().notes == ()


def test_match_subfolder_exactly(place: Place) -> None:
    place.put("a.parquet", body({"x": [1]}))
    place.client.put_object(Bucket=place.bucket, Key=f"{PATH}_two/b.parquet", Body=body({"x": [2]}))
    settings = PARQUET.settings()
    exact, loose = (
        open_table("sales", settings, place.connection(match_subfolder_exactly=exactly))
        for exactly in (True, False)
    )

    assert exact.scan().collect()["x"].to_list() == [1]
    assert sorted(loose.scan().collect()["x"]) == [1, 2]


def test_a_write_clears_its_own_folder_only(place: Place) -> None:
    from s3_assets.incremental.overwrite import overwrite

    place.client.put_object(Bucket=place.bucket, Key=f"{PATH}_two/b.parquet", Body=body({"x": [2]}))
    loose = open_table("sales", PARQUET.settings(), place.connection(match_subfolder_exactly=False))

    overwrite(loose, pl.LazyFrame({"x": [1]}), window=None)

    assert len(place.objects(f"{PATH}_two")) == 1
    assert sorted(loose.scan().collect()["x"]) == [1, 2]


def test_a_window_over_several_folders(place: Place) -> None:
    for folder, number in ((PATH, 1), (f"{PATH}_two", 2)):
        for day in (1, 2):
            key = f"{folder}/day=2026-01-0{day}/a.parquet"
            place.client.put_object(Bucket=place.bucket, Key=key, Body=body({"x": [number * 10 + day]}))
    window = Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
    loose = open_table("sales", PARQUET.settings(DAY), place.connection(match_subfolder_exactly=False))

    assert sorted(loose.plan(window=window).frame.collect()["x"]) == [12, 22]


# What was read before


def ledger(table: Table[Any]) -> Position:
    return table.plan(ReadMode.ADDED).until


def test_added_files(place: Place) -> None:
    place.put("b.parquet", body({"x": [1]}))
    table = parquet(place)
    since = ledger(table)
    assert table.plan(ReadMode.ADDED, since=since).empty
    place.put("a.parquet", body({"x": [2]}))

    plan = table.plan(ReadMode.ADDED, since=since)

    assert plan.frame.collect()["x"].to_list() == [2]
    assert isinstance(plan.until, FilesPosition)
    assert plan.until.files["key"].to_list() == [f"{PATH}/a.parquet"]


def test_rewritten_and_deleted_files(place: Place) -> None:
    for name, value in (("a", 1), ("b", 2), ("c", 3)):
        place.put(f"{name}.parquet", body({"x": [value]}))
    since = ledger(parquet(place))
    place.put("a.parquet", body({"x": [10]}))
    place.client.delete_object(Bucket=place.bucket, Key=f"{PATH}/b.parquet")
    place.put("d.parquet", body({"x": [4]}))

    with pytest.raises(SourceRewrittenError, match=r"1 file was changed.*a\.parquet.*on_rewritten"):
        parquet(place).plan(ReadMode.ADDED, since=since)
    reread = parquet(place, on_rewritten="reread").plan(ReadMode.ADDED, since=since)
    ignored = parquet(place, on_rewritten="ignore").plan(ReadMode.ADDED, since=since)

    assert sorted(reread.frame.collect()["x"]) == [4, 10]
    assert ignored.frame.collect()["x"].to_list() == [4]
    assert any("1 file that was read before is gone" in note for note in ignored.notes)


# Writing


def test_files_outside_any_folder_are_not_guessed_at(place: Place) -> None:
    from s3_assets.incremental.overwrite import overwrite

    place.put("loose.parquet", body({"day": [date(2026, 1, 1)], "number": [1]}))
    window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    before = place.objects()

    with pytest.raises(UnsupportedError, match="lies in no folder of the partition column 'day'"):
        overwrite(
            parquet(place, DAY), pl.LazyFrame({"day": [date(2026, 1, 1)], "number": [2]}), window=window
        )
    assert place.objects() == before


def test_nothing_is_left_in_the_staging_folder(place: Place) -> None:
    from s3_assets.incremental.overwrite import overwrite

    window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    overwrite(parquet(place, DAY), pl.LazyFrame({"day": [date(2026, 1, 1)], "number": [2]}), window=window)

    (data,) = [key for key in place.objects() if not key.startswith(f"{PATH}/_s3_assets/log/")]
    assert re.fullmatch(f"{PATH}/day=2026-01-01/part-[0-9]+-00000.parquet", data)


# What becomes of files that disagree


def two(place: Place, first: pl.DataFrame, second: pl.DataFrame) -> None:
    place.put("a.parquet", body(first))
    place.put("b.parquet", body(second))


def few(*columns: str) -> pl.DataFrame:
    return pl.DataFrame({column: [1] for column in columns})


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        (pl.Decimal(10, 2), pl.Decimal(8, 4), pl.Decimal(12, 4)),
        (pl.Int32(), pl.Decimal(20, 2), pl.Decimal(20, 2)),
        (pl.List(pl.Int32()), pl.List(pl.Int64()), pl.List(pl.Int64())),
        (pl.Struct({"a": pl.Int32()}), pl.Struct({"a": pl.Int64(), "b": pl.Int8()}), None),
    ],
    ids=["decimals", "to decimal", "lists", "structs"],
)
def test_types_that_polars_alone_does_not_widen(
    place: Place, one: pl.DataType, other: pl.DataType, joined: pl.DataType | None
) -> None:
    value: Any = [1] if isinstance(one, pl.List) else {"a": 1} if isinstance(one, pl.Struct) else 1
    more: Any = {"a": 1, "b": None} if isinstance(one, pl.Struct) else value
    rows = [
        pl.DataFrame({"x": [each], "y": [2]}, schema={"x": dtype, "y": pl.Int64})
        for each, dtype in ((value, one), (more, other))
    ]
    place.put("day=1/a.parquet", body(rows[0]))
    place.put("day=2/b.parquet", body(rows[1]))

    found = parquet(place).scan()

    assert found.collect_schema()["x"] == (joined or other)
    assert found.select("x", "day").collect().rows() == [(more, 1), (more, 2)]
    assert found.filter(pl.col("day") == 2).select("x").collect().height == 1
    assert found.head(1).collect().height == 1


def test_policies_for_columns_and_types(place: Place) -> None:
    two(place, few("x", "y"), few("x").with_columns(pl.col("x").cast(pl.Int32)))

    assert parquet(place).scan().collect().rows() == [(1, 1), (1, None)]
    with pytest.raises(SchemaMismatchError, match=r"b\.parquet lacks the column 'y', which .*a\.parquet has"):
        parquet(place, on_missing_column="fail").plan()
    with pytest.raises(SchemaMismatchError, match=r"'x' is Int64 in .*a\.parquet and Int32 in .*b\.parquet"):
        parquet(place, on_wider_type="fail").plan()
    declared: dict[str, Any] = {"columns": {"x": "int64"}}
    with pytest.raises(SchemaMismatchError, match=r"a\.parquet has the column 'y' \(Int64\)"):
        parquet(place, **declared).scan().collect()
    assert parquet(place, **declared, on_extra_column="ignore").scan().collect().rows() == [(1,), (1,)]
    with pytest.raises(SchemaMismatchError, match=r"b\.parquet lacks the column 'y', which the table has"):
        parquet(place, columns={"x": "int64", "y": "int64"}, on_missing_column="fail").scan().collect()
    with pytest.raises(SchemaMismatchError, match=r"'x' is Int32 in .*b\.parquet and only Int64"):
        parquet(place, columns={"x": "int64", "y": "int64"}, on_wider_type="fail").scan().collect()


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (few("x", "new"), r"f-05\.parquet has the column 'new' \(Int64\)"),
        (
            pl.DataFrame({"x": ["text"]}),
            r"'x' is String in .*f-05\.parquet and only Int64 in .*f-99\.parquet",
        ),
        (pl.DataFrame({"x": [1]}, schema={"x": pl.Int8}), None),
        (pl.DataFrame({"x": [1]}, schema={"x": pl.Decimal(5, 0)}), r"Decimal.* in .*f-05.* and only Int64"),
    ],
    ids=["new column", "other type", "narrower", "decimal"],
)
def test_a_file_that_nobody_looked_at_before(
    place: Place, monkeypatch: pytest.MonkeyPatch, odd: pl.DataFrame, message: str | None
) -> None:
    """With a sample of three files, the second of five is not among them, unless it is the newest."""
    monkeypatch.setattr("s3_assets.tables.inference.MOST_FILES", 3)
    place.put("f-05.parquet", body(odd))
    # Servers tell times in seconds, and the newest is always among the sample.
    for name in ("00", "50", "51", "99"):
        place.put(f"f-{name}.parquet", body(few("x")))
    plan = parquet(place).plan()

    assert not any("f-05" in key for key in plan.schema_files)
    if message is None:
        assert plan.frame.collect()["x"].to_list() == [1] * 5
        return
    with pytest.raises(SchemaMismatchError, match=message):
        plan.frame.collect()
