"""Each filter by itself and all of them in order, against what Python and Polars say the columns become."""

import hashlib
import hmac
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from s3_assets.errors import RowsRefusedError, SchemaMismatchError, SecretMissingError
from s3_assets.movement.filters import Filters
from s3_assets.movement.load import Load

MOMENT = datetime(2026, 3, 29, 1, 30, 15, 250_000, tzinfo=UTC)
FRAME = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "email": ["a@example.org", None, "ü@example.org"],
        "price": ["1.50", "2", "30.25"],
        "ok": ["true", "False", None],
        "at": [0, 1_774_745_999, -1],
        "note": ["x", "y", "z"],
    }
)


def load() -> Load:
    return Load("orders", "landing/orders", MOMENT)


def filtered(settings: dict[str, Any], frame: pl.DataFrame = FRAME) -> pl.DataFrame:
    """The rows after the filters, run by the streaming engine."""
    run = load()
    with run.reading():
        return Filters.model_validate(settings).apply(frame.lazy(), run).collect(engine="streaming")


def test_all_in_order_whatever_the_order_in_the_file() -> None:
    found = filtered(
        {
            "add_time": "loaded_at",
            "cast": {"total": "decimal[10, 2]", "channel_id": "int32"},
            "rename": {"price": "total", "email": "customer", "channel": "channel_id"},
            "digest": ["email"],
            "add": {"channel": "7"},
            "drop": ["note"],
            "retain": ["price", "id", "email", "note"],
        }
    )

    digests = [
        None if text is None else hashlib.sha256(text.encode()).hexdigest()
        for text in FRAME["email"].to_list()
    ]
    expected = pl.DataFrame(
        {
            "total": [Decimal("1.50"), Decimal("2.00"), Decimal("30.25")],
            "id": [1, 2, 3],
            "customer": digests,
            "channel_id": [7, 7, 7],
            "loaded_at": [MOMENT] * 3,
        },
        schema={
            "total": pl.Decimal(10, 2),
            "id": pl.Int64,
            "customer": pl.String,
            "channel_id": pl.Int32,
            "loaded_at": pl.Datetime("us", "UTC"),
        },
    )
    assert found.schema == expected.schema
    assert found.equals(expected)


def test_a_name_may_take_the_place_of_another() -> None:
    assert filtered({"rename": {"id": "at", "at": "id"}}).select("id", "at").rows() == list(
        zip(FRAME["at"], FRAME["id"], strict=True)
    )


@pytest.mark.parametrize(
    ("constant", "value", "dtype"),
    [
        ("web", "web", pl.String()),
        (True, True, pl.Boolean()),
        (3, 3, pl.Int64()),
        (1.5, 1.5, pl.Float64()),
        (date(2026, 1, 5), date(2026, 1, 5), pl.Date()),
        (datetime(2026, 1, 5, 2, tzinfo=UTC), datetime(2026, 1, 5, 2, tzinfo=UTC), pl.Datetime("us", "UTC")),
        ({"value": 3, "type": "int16"}, 3, pl.Int16()),
        ({"value": "12.30", "type": "decimal[6, 2]"}, Decimal("12.30"), pl.Decimal(6, 2)),
        (
            {"value": "2026-01-05T10:00:00+02:00", "type": "timestamp"},
            datetime(2026, 1, 5, 8, tzinfo=UTC),
            None,
        ),
        ({"value": None, "type": "string"}, None, pl.String()),
    ],
    ids=str,
)
def test_constants_have_types(constant: object, value: object, dtype: pl.DataType | None) -> None:
    found = filtered({"add": {"new": constant}})["new"]

    assert found.to_list() == [value] * 3
    assert found.dtype == (dtype or pl.Datetime("us", "UTC"))


def test_a_salt_makes_digests_keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT", "grains")
    settings = {
        "digest": {
            "email": {"algorithm": "sha512", "salt": {"env": "SALT"}},
            "id": {"algorithm": "md5", "into": "id_digest"},
        }
    }
    found = filtered(settings)

    assert found["email"].to_list() == [
        None if text is None else hmac.new(b"grains", text.encode(), hashlib.sha512).hexdigest()
        for text in FRAME["email"].to_list()
    ]
    assert found["id"].to_list() == [1, 2, 3]
    assert found["id_digest"].to_list() == [
        hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest() for number in (1, 2, 3)
    ]
    shown = Filters.model_validate({"digest": {"email": {"salt": "grains-of-salt"}}})
    assert "grains" not in f"{shown!r} {shown.model_dump()} {shown.model_dump_json()}"


def test_a_salt_that_is_not_there_is_an_error_before_rows_are_read() -> None:
    settings = Filters.model_validate({"digest": {"email": {"salt": {"env": "NO_SUCH_SALT"}}}})

    with pytest.raises(SecretMissingError, match="NO_SUCH_SALT"):
        settings.apply(FRAME.lazy(), load())


CASTS: dict[str, tuple[Any, list[Any], Any, list[Any]]] = {
    "text to decimals": ("decimal[8, 3]", ["1.5", " 2 ", None], None, [Decimal("1.500"), Decimal(2), None]),
    "text to booleans": ("boolean", ["TRUE", "0", None], None, [True, False, None]),
    "text to dates": ("date", ["2026-01-05"], None, [date(2026, 1, 5)]),
    "text to dates by a format": (
        {"type": "date", "format": "%d.%m.%Y"},
        ["05.01.2026"],
        None,
        [date(2026, 1, 5)],
    ),
    "text to moments": (
        "timestamp",
        ["2026-01-05T10:00:00+02:00", "2026-01-05 08:00:00"],
        None,
        [datetime(2026, 1, 5, 8, tzinfo=UTC)] * 2,
    ),
    "JSON text to lists": ("list[int64]", ["[1, 2]", None], None, [[1, 2], None]),
    "whole floats to integers": ("int64", [1.0, -2.0, None], None, [1, -2, None]),
    "integers to narrower ones": ("int8", [127, -128], None, [127, -128]),
    "seconds to moments": (
        {"type": "timestamp", "unit": "seconds"},
        [1_774_745_999, -1],
        None,
        [datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)],
    ),
    "milliseconds to dates": (
        {"type": "date", "unit": "milliseconds"},
        [86_400_000],
        None,
        [date(1970, 1, 2)],
    ),
    "moments to dates": ("date", [datetime(2026, 1, 5, 23, tzinfo=UTC)], None, [date(2026, 1, 5)]),
    "numbers to text": ("string", [1, None], None, ["1", None]),
    "records to text": ("string", [{"a": 1}], None, ['{"a":1}']),
    "what does not fit to null": (
        {"type": "int8", "on_failure": "null"},
        ["1", "x", "300"],
        None,
        [1, None, None],
    ),
    "fractions to null": ({"type": "int64", "on_failure": "null"}, [1.0, 1.5], None, [1, None]),
    "rounded decimals to null": (
        {"type": "decimal[4, 1]", "on_failure": "null"},
        [Decimal("1.50"), Decimal("1.25")],
        None,
        [Decimal("1.5"), None],
    ),
}


@pytest.mark.parametrize("case", CASTS)
def test_casts(case: str) -> None:
    settings, values, _, expected = CASTS[case]
    found = filtered({"cast": {"value": settings}}, pl.DataFrame({"value": values}))

    assert found["value"].to_list() == expected


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "text that is no number": (
        {"cast": {"email": "int64"}},
        r"filters\.cast\.email: column 'email' has values that are not of type int64, such as '.@exam",
    ),
    "text in other digits": ({"cast": {"price": "int64"}}, r"such as '(1\.50|30\.25)'"),
    "more digits than there is room for": ({"cast": {"price": "decimal[4, 1]"}}, r"such as '30\.25'"),
    "a number beyond the type": ({"cast": {"at": "int16"}}, r"such as 1774745999\. Correct the source"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_values_that_do_not_fit_are_refused_by_name(case: str) -> None:
    settings, message = REFUSED[case]

    with pytest.raises(RowsRefusedError, match=message):
        filtered(settings)


MISFITS: dict[str, tuple[dict[str, Any], str]] = {
    "retain": ({"retain": ["id", "emial"]}, r"retain: there is no column 'emial'; did you mean 'email'\?"),
    "drop": ({"drop": ["x"]}, "drop: there is no column 'x'. The columns are id, email, price, ok, at, note"),
    "add": ({"add": {"id": 1}}, "add: the column 'id' is there already"),
    "expand_json": ({"expand_json": {"at": None}}, r"expand_json\.at: column 'at' is int64"),
    "digest": ({"digest": ["mail"]}, "digest: there is no column 'mail'; did you mean 'email'"),
    "rename": ({"rename": {"id": "note"}}, "rename: the column 'note' is there already"),
    "cast after rename": (
        {"rename": {"id": "key"}, "cast": {"id": "string"}},
        "cast: there is no column 'id'",
    ),
    "cast without a unit": (
        {"cast": {"at": "timestamp"}},
        "nothing says what it counts. Add `unit: seconds`",
    ),
    "cast of text with a unit": (
        {"cast": {"price": {"type": "date", "unit": "seconds"}}},
        "Leave `unit` out",
    ),
    "cast of a number by a format": ({"cast": {"id": {"type": "string", "format": "%Y"}}}, "`format` is for"),
    "cast without a way": (
        {"cast": {"id": "struct[a: int64]"}},
        r"int64, which cannot become struct\[a: int64\]",
    ),
    "add_time": ({"add_time": "at"}, "add_time: the column 'at' is there already"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_columns_that_do_not_fit_are_refused_before_a_row_is_read(case: str) -> None:
    settings, message = MISFITS[case]

    def read(_: pl.DataFrame) -> pl.DataFrame:
        pytest.fail("a row was read")

    frame = FRAME.lazy().map_batches(read, schema=FRAME.schema)
    with pytest.raises(SchemaMismatchError, match=f"^table 'landing/orders': import 'orders', .*{message}"):
        Filters.model_validate(settings).apply(frame, load())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"retain": []}, "at least 1"),
        ({"drop": ["a", "a"]}, "drop names a column twice"),
        ({"rename": {"a": "c", "b": "c"}}, "rename gives two columns one name"),
        ({"cast": {"a": "integer"}}, "'integer' is not a type; use one of boolean"),
        ({"add": {"a": None}}, "a column of nulls needs a `type`"),
        ({"add": {"a": {"value": "x", "type": "int64"}}}, "'x' is no int64"),
        ({"add": {"a": {"value": 300, "type": "int8"}}}, "300 is no int8"),
        ({"expand_json": {"a": {"columns": {"b..c": "int64"}}}}, "'b..c' does not name a value"),
        ({"expand_json": {"a": {"columns": {"b": {"type": "int64", "path": "$["}}}}}, "is no JSONPath"),
        ({"order": ["drop"]}, "Extra inputs"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Filters.model_validate(settings)


@pytest.mark.parametrize("type_", ["timestamp", "int64"])
def test_the_load_time_is_one_moment(type_: str) -> None:
    found = filtered({"add_time": {"column": "loaded", "type": type_}})["loaded"]

    assert found.to_list() == [{"timestamp": MOMENT, "int64": 1_774_747_815}[type_]] * 3
