"""JSON columns, against Python's own reading of the same texts."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import RowsRefusedError, SchemaMismatchError
from tests.movement.test_filters import filtered, load

OBJECTS: list[dict[str, Any] | None] = [
    {"user": {"id": 1, "name": "a b"}, "total": 1.50, "tags": ["x", "y"], "ok": True, "k.d": "dot"},
    {"user": {"id": 2.0, "name": None}, "total": 12345678901234567, "at": "2026-01-05T10:00:00Z"},
    None,
    {},
]
TEXTS = [None if each is None else json.dumps(each) for each in OBJECTS]
FRAME = pl.DataFrame({"id": range(len(TEXTS)), "payload": TEXTS})


def expand(settings: dict[str, Any] | None, frame: pl.DataFrame = FRAME) -> pl.DataFrame:
    return filtered({"expand_json": {"payload": settings}}, frame)


def test_declared_columns() -> None:
    found = expand(
        {
            "columns": {
                "user.id": "int64",
                "user.name": "string",
                "user": "string",
                "total": "decimal[20, 2]",
                "tags": "list[string]",
                "ok": "boolean",
                "at": "timestamp",
                "first": {"type": "string", "path": "$.tags[0]"},
                "dotted": {"type": "string", "path": "$['k.d']"},
            }
        }
    )

    def of(row: int, *names: str) -> Any:
        value: Any = OBJECTS[row]
        for name in names:
            value = (value or {}).get(name)
        return value

    rows = range(len(OBJECTS))
    assert found.columns == [
        "id",
        *[f"payload_{name}" for name in ("user_id", "user_name", "user", "total", "tags", "ok", "at")],
        "payload_first",
        "payload_dotted",
    ]
    assert found["payload_user_id"].to_list() == [of(row, "user", "id") for row in rows]
    assert found["payload_user_name"].to_list() == [of(row, "user", "name") for row in rows]
    nested = [None if text is None else json.loads(text) for text in found["payload_user"].to_list()]
    assert nested == [of(row, "user") for row in rows]
    assert found["payload_total"].to_list() == [Decimal("1.50"), Decimal(12345678901234567), None, None]
    assert found["payload_tags"].to_list() == [of(row, "tags") for row in rows]
    assert found["payload_ok"].to_list() == [of(row, "ok") for row in rows]
    assert found["payload_at"].to_list() == [None, datetime(2026, 1, 5, 10, tzinfo=UTC), None, None]
    assert found["payload_first"].to_list() == ["x", None, None, None]
    assert found["payload_dotted"].to_list() == ["dot", None, None, None]


def test_a_prefix_of_ones_own_and_the_column_kept() -> None:
    found = expand({"columns": {"ok": "boolean"}, "prefix": "", "keep": True})

    assert found.columns == ["id", "payload", "ok"]
    assert found["payload"].to_list() == TEXTS


def test_records_are_expanded_like_text() -> None:
    frame = pl.DataFrame({"id": [1, 2], "payload": [{"a": {"b": 1}}, None]})

    assert expand({"columns": {"a.b": "int8"}}, frame).rows() == [(1, 1), (2, None)]


def test_sampled_columns_keep_the_column() -> None:
    found = expand({"levels": 2})

    assert found.columns[:2] == ["id", "payload"]
    assert found["payload_user_id"].to_list() == [1.0, 2.0, None, None]
    assert found["payload_tags"].to_list() == ['["x","y"]', None, None, None]
    assert found["payload_k.d"].to_list() == ["dot", None, None, None]
    flat = expand({"levels": 1})
    assert json.loads(flat["payload_user"][0]) == OBJECTS[0]["user"] if OBJECTS[0] else False


def test_a_sample_reads_no_more_rows_than_it_says() -> None:
    seen = 0

    def count(batch: pl.DataFrame) -> pl.DataFrame:
        nonlocal seen
        seen += batch.height
        return batch

    frame = pl.concat([FRAME.select("payload").head(1)] * 50)
    from s3_assets.movement.filters import Filters

    lazy = pl.concat([frame.lazy().map_batches(count, schema=frame.schema) for _ in range(4)])
    filters = Filters.model_validate({"expand_json": {"payload": {"sample_rows": 1}}})
    filters.apply(lazy.head(10), load())

    assert seen <= frame.height * 4


@pytest.mark.parametrize("text", ["{", "[1]", "3", '"a"', "nothing"])
def test_text_that_is_no_object(text: str) -> None:
    frame = pl.DataFrame({"payload": ["{}", text, "", " ", "null", None]})

    with pytest.raises(RowsRefusedError, match="text that is no JSON object, such as"):
        expand({"columns": {"a": "int64"}}, frame)
    assert (
        expand({"columns": {"a": "int64"}, "on_invalid": "null"}, frame)["payload_a"].to_list() == [None] * 6
    )


@pytest.mark.parametrize("type_", ["int64", "list[int64]"])
def test_values_of_other_types(type_: str) -> None:
    frame = pl.DataFrame({"payload": ['{"a": "x"}', '{"a": {}}']})

    with pytest.raises(
        RowsRefusedError, match=r"expand_json\.payload\.columns\.a: column 'payload_a' has values"
    ):
        expand({"columns": {"a": type_}}, frame)
    found = expand({"columns": {"a": type_}, "on_invalid": "null"}, frame)
    assert found["payload_a"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"columns": {"id": "int64"}, "prefix": ""}, "the column 'id' is there already"),
        (
            {"columns": {"a.b": "int64", "a_b": {"type": "int64", "path": "$.x"}}},
            "two of the columns get one",
        ),
    ],
    ids=["taken", "twice"],
)
def test_columns_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaMismatchError, match=message):
        expand(settings)


def test_a_sample_of_nothing_has_no_columns() -> None:
    nothing = FRAME.with_columns(payload=pl.lit(None, dtype=pl.String))

    assert expand(None, nothing).columns == ["id", "payload"]
    assert expand({"keep": False}, nothing.clear()).columns == ["id"]


def test_a_sample_of_too_many_columns_is_refused() -> None:
    many = pl.DataFrame({"payload": [json.dumps({f"field_{number}": 1 for number in range(501)})]})

    with pytest.raises(
        SchemaMismatchError, match="501 fields were found in the first 1,000 rows of 'payload'"
    ):
        expand(None, many)
