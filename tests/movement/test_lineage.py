"""Where columns come from, found another way: one column of the source is changed, and those of it change."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from s3_assets.movement.filters import Filters
from s3_assets.movement.lineage import origins, placed
from s3_assets.movement.load import Load
from s3_assets.movement.placement import Placement
from s3_assets.tables.origin import Origin
from s3_assets.tables.settings import Partitions

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FRAME = pl.DataFrame(
    {
        "id": [1, 2],
        "email": ["a@example.org", "b@example.org"],
        "price": ["1.50", "2.00"],
        "at": [1_767_225_600, 1_767_312_000],
        "payload": ['{"a": {"b": 1}, "c": "x"}', '{"a": {"b": 2}, "c": "y"}'],
        "extra": ['{"k": 1}', '{"k": 2}'],
        "payload_no": [7, 8],
    }
)
OTHER: dict[str, list[Any]] = {
    "id": [10, 20],
    "email": ["c@example.org", "d@example.org"],
    "price": ["9.25", "8.75"],
    "at": [1_777_225_600, 1_777_312_000],
    "payload": ['{"a": {"b": 500000}, "c": "v"}', '{"a": {"b": 600000}, "c": "w"}'],
    "extra": ['{"k": 5}', '{"k": 6}'],
    "payload_no": [70, 80],
}
DAILY = Partitions.model_validate({"column": "day", "start": "2026-01-01"})
CASES: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "nothing": ({}, None),
    "every filter": (
        {
            "retain": ["price", "id", "email", "at", "payload", "extra"],
            "drop": ["extra"],
            "add": {"channel": "7"},
            "expand_json": {
                "payload": {"columns": {"a.b": "int64", "see": {"type": "string", "path": "$.c"}}}
            },
            "digest": {"email": {"into": "who"}, "id": {}},
            "rename": {"price": "total", "email": "mail", "payload_a_b": "b"},
            "cast": {"total": "decimal[10, 2]", "channel": "int32"},
            "add_time": "loaded_at",
        },
        {"column": "at", "unit": "seconds"},
    ),
    "two names change places": ({"rename": {"id": "payload_no", "payload_no": "id"}}, {}),
    "what rows have shown": (
        {
            "expand_json": {"payload": {"levels": 2}, "extra": {"prefix": "x_", "keep": False}},
            "digest": {"payload_c": {"into": "payload_digest"}, "x_k": {}},
            "rename": {"payload_a_b": "b", "x_k": "payload_k"},
            "add_time": "payload_loaded",
        },
        {"column": "at", "unit": "seconds"},
    ),
    "placed by what was expanded": (
        {"expand_json": {"payload": {"columns": {"a.b": "int64"}, "keep": True}}},
        {"column": "payload_a_b", "unit": "seconds"},
    ),
}


def shaped(frame: pl.DataFrame, filters: Filters, placement: Placement | None) -> tuple[pl.DataFrame, Any]:
    load = Load("orders", "landing/orders", MOMENT)
    found = filters.apply(frame.lazy(), load)
    told = origins(frame.columns, found.collect_schema(), filters)
    if placement is not None:
        found = placement.apply(found, DAILY, load)
        told = placed(placement, DAILY, told)
    return found.collect(), told


@pytest.mark.parametrize("case", CASES)
def test_a_column_changes_with_those_that_it_comes_from(case: str) -> None:
    settings, place = CASES[case]
    filters = Filters.model_validate(settings)
    placement = Placement.model_validate(place) if place is not None else None
    before, told = shaped(FRAME, filters, placement)
    moved: dict[str, set[str]] = {column: set() for column in before.columns}
    for column in FRAME.columns:
        after, _ = shaped(FRAME.with_columns(pl.Series(column, OTHER[column])), filters, placement)
        for name in before.columns:
            if not after[name].equals(before[name]):
                moved[name].add(column)

    assert {name: set(origin.columns) for name, origin in told.items()} == moved


def test_in_words() -> None:
    filters = Filters.model_validate(CASES["every filter"][0])
    _, told = shaped(FRAME, filters, Placement(column="at", unit="seconds"))

    assert told["total"].how == ("as decimal[10, 2]",)
    assert told["channel"] == Origin(how=("constant", "as int32"))
    assert told["b"].how == ("its field $['a']['b']",)
    assert told["who"].how == ("sha256 digest",)
    assert told["day"] == Origin(("at",), ("start of its day (UTC)",))
    assert told["loaded_at"] == Origin(how=("load time",))


def test_what_could_be_of_two_is_not_told() -> None:
    filters = Filters.model_validate(
        {"expand_json": {"payload": {"prefix": "new_"}, "extra": {"prefix": "new_"}}}
    )
    found, told = shaped(FRAME, filters, None)

    assert {"new_c", "new_k"} <= {*found.columns}
    assert set(found.columns) - set(told) == {name for name in found.columns if name.startswith("new_")}
