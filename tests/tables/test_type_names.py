"""Types as a registry writes them."""

import polars as pl
import pytest

from s3_assets.tables.type_names import parse_type, type_name

WRITTEN = [
    ("int64", pl.Int64()),
    ("boolean", pl.Boolean()),
    ("timestamp", pl.Datetime("us", "UTC")),
    ("timestamp_ntz", pl.Datetime("us")),
    ("timestamp[ns]", pl.Datetime("ns")),
    ("timestamp[ms, Europe/Berlin]", pl.Datetime("ms", "Europe/Berlin")),
    ("duration[us]", pl.Duration("us")),
    ("decimal[38, 10]", pl.Decimal(38, 10)),
    ("list[list[uint8]]", pl.List(pl.List(pl.UInt8()))),
    ("array[float32, 3]", pl.Array(pl.Float32(), 3)),
    (
        "struct[a: int64, 'b, c': list[struct[d e: string]]]",
        pl.Struct({"a": pl.Int64(), "b, c": pl.List(pl.Struct({"d e": pl.String()}))}),
    ),
]


@pytest.mark.parametrize(("text", "dtype"), WRITTEN, ids=[text for text, _ in WRITTEN])
def test_a_type_is_read_as_it_is_written(text: str, dtype: pl.DataType) -> None:
    assert parse_type(text) == dtype
    assert parse_type(f" {text} ".replace("[", " [ ").replace("]", " ] ")) == dtype
    assert type_name(dtype) == text


@pytest.mark.parametrize(
    "text",
    ["integer", "", "list", "list[]", "list[int64", "decimal[39, 1]", "decimal[5, 6]", "timestamp[s]",
     "struct[a]", "array[int64]", "list[int64, int64]", "struct[a: int64, a: string]"],
)  # fmt: skip
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_type(text)


def test_a_type_without_a_name_is_stored_as_another() -> None:
    assert type_name(pl.Enum(["a"])) == type_name(pl.Categorical()) == "string"
