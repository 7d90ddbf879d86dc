"""Growth of a target's columns: made from the rows, then added and widened, never dropped or narrowed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import SchemaMismatchError
from tests.movement.conftest import TARGET, Shop, run
from tests.support.extent import EVERYTHING

TABLES = ("delta", "iceberg")
SOME_TABLES = TABLES if EVERYTHING else TABLES[1:]
AT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize("format_", TABLES)
def test_columns_are_added_and_kept(shop: Shop, format_: str) -> None:
    """First the inferred columns after the filters; then one more, and one that the rows no longer have."""
    registry = shop.registry(
        {"filters": {"rename": {"id": "number"}, "add": {"channel": "web"}}}, target={"format": format_}
    )
    shop.land("a", {"id": [1], "text": ["x"]})
    run(registry)
    assert registry.table(TARGET).schema() == {"number": pl.Int64, "text": pl.String, "channel": pl.String}

    shop.land("b", {"id": [2], "price": [Decimal("1.50")], "tags": [["a", "b"]]})
    run(registry)

    found = shop.rows(format_).sort("number")
    assert found["number"].to_list() == [1, 2]
    assert found["text"].to_list() == ["x", None]
    assert found["price"].to_list() == [None, Decimal("1.50")]
    assert [None if each is None else list(each) for each in found["tags"]] == [None, ["a", "b"]]
    assert found["channel"].to_list() == ["web", "web"]


# What the first file has, and what the second: types that the table takes, and those that it widens.
TAKEN: dict[str, tuple[Any, Any]] = {
    "int": (pl.Int64(), pl.Int16()),
    "float": (pl.Float64(), pl.Float32()),
    "digits": (pl.Decimal(12, 2), pl.Decimal(6, 2)),
    "nulls": (pl.String(), pl.Null()),
}
WIDENED: dict[str, tuple[Any, Any]] = {
    "long": (pl.Int32(), pl.Int64()),
    "double": (pl.Float32(), pl.Float64()),
    "more_digits": (pl.Decimal(6, 2), pl.Decimal(12, 2)),
}


def typed(value: int, dtypes: dict[str, Any]) -> pl.DataFrame:
    nulls = {name: dtype == pl.Null() for name, dtype in dtypes.items()}
    return pl.DataFrame(
        {name: pl.Series([None if nulls[name] else value]).cast(dtype) for name, dtype in dtypes.items()}
    )


def test_iceberg_widens_what_its_specification_lets(shop: Shop) -> None:
    registry = shop.registry(target={"format": "iceberg"})
    cases = {**TAKEN, **WIDENED}
    first, second = ({name: pair[wave] for name, pair in cases.items()} for wave in (0, 1))
    shop.land("a", typed(1, first))
    run(registry)
    shop.land("b", typed(2, second))
    run(registry)

    found = shop.rows("iceberg").sort("int")
    wide = {name: pair[0] for name, pair in TAKEN.items()} | {name: pair[1] for name, pair in WIDENED.items()}
    assert dict(found.schema) == wide
    assert [float(each) for each in found.row(1)[:3]] == [2.0] * 3
    assert [float(each) for each in found.row(0)[4:] + found.row(1)[4:]] == [1.0] * 3 + [2.0] * 3
    assert found["nulls"].to_list() == ["1", None]


def test_delta_takes_narrower_values_and_refuses_wider_ones(shop: Shop) -> None:
    """Nothing that writes Delta here widens a type: a wider value is refused, and nothing lost."""
    registry = shop.registry()
    cases = {**TAKEN, **WIDENED}
    first = {name: pair[0] for name, pair in cases.items()}
    shop.land("a", typed(1, first))
    run(registry)
    for name, (_, wider) in WIDENED.items():
        shop.land("b", typed(2, {**first, name: wider}))
        with pytest.raises(SchemaMismatchError, match=f"column '{name}' is .* in the rows to write and"):
            run(registry)
    shop.land("b", typed(2, {name: pair[1] for name, pair in TAKEN.items()}))
    run(registry)

    found = shop.rows().sort("int")
    assert dict(found.schema) == first
    assert [float(each) for each in found.row(1)[:3]] == [2.0] * 3
    assert found.row(1)[3:] == (None,) * 4


@pytest.mark.parametrize("format_", SOME_TABLES)
@pytest.mark.parametrize("mode", ["append", "replace", "replace_on_new_data"])
def test_a_type_that_would_lose_values_is_refused_in_each_mode(shop: Shop, mode: str, format_: str) -> None:
    registry = shop.registry({"mode": mode}, target={"format": format_})
    shop.land("a", {"value": [1]})
    run(registry)
    shop.remove("a")
    shop.land("b", {"value": ["text"], "other": [1]})

    with pytest.raises(SchemaMismatchError, match="column 'value' is String in the rows to write and Int64"):
        run(registry)

    found = shop.rows(format_)
    assert found.rows() == [(1,)]


@pytest.mark.parametrize("format_", SOME_TABLES)
def test_new_columns_may_be_refused(shop: Shop, format_: str) -> None:
    registry = shop.registry(target={"format": format_, "on_new_columns": "fail"})
    shop.land("a", {"id": [1]})
    run(registry)
    shop.land("b", {"id": [2], "extra": [AT]})

    with pytest.raises(SchemaMismatchError, match="the rows have columns that the table lacks: extra"):
        run(registry)

    assert shop.rows(format_).rows() == [(1,)]


def test_a_replacement_keeps_the_columns_that_its_rows_lack(shop: Shop) -> None:
    registry = shop.registry({"mode": "replace"})
    shop.land("a", {"id": [1], "old": ["x"]})
    run(registry)
    shop.remove("a")
    shop.land("b", {"id": [2], "new": [True]})
    run(registry)

    assert shop.rows().to_dicts() == [{"id": 2, "old": None, "new": True}]


def test_a_folder_has_the_columns_of_all_its_files(shop: Shop) -> None:
    registry = shop.registry(target={"format": "parquet"})
    shop.land("a", pl.DataFrame({"id": [1]}, schema={"id": pl.Int32}))
    run(registry)
    shop.land("b", {"id": [2**40], "new": [True]})
    run(registry)

    assert registry.table(TARGET).scan().sort("id").collect().rows() == [(1, None), (2**40, True)]
