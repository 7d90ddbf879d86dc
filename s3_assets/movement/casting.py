"""Values into other types: nothing is cut or rounded, and what does not fit is refused or made null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from s3_assets.tables.schemas import widens
from s3_assets.tables.type_names import KNOWN, parse_type, type_name

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.movement.load import Load

Unit = Literal["seconds", "milliseconds", "microseconds", "nanoseconds"]
OnFailure = Literal["fail", "null"]

_MICROSECONDS: dict[str, int] = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
_FRACTION = r"\.0+$"


def known_type(text: str) -> str:
    """Return the name of a type; raises `ValueError` for one that there is not."""
    try:
        parse_type(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a type; use one of {KNOWN}") from None
    return text


class Cast(BaseModel):
    """The type that a column is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    type: str = Field(description="Such as int64, decimal[18, 2], date, timestamp or list[string].")
    format: str | None = Field(
        default=None, description="Of text that is a date, time or timestamp (strftime); left out: ISO 8601."
    )
    unit: Unit | None = Field(
        default=None, description="Of a number that becomes a date or timestamp: what it counts since 1970."
    )
    on_failure: OnFailure = Field(
        default="fail", description="What to do with a value that the type does not have: fail, or null."
    )

    @field_validator("type")
    @classmethod
    def _known(cls, text: str) -> str:
        return known_type(text)


def cast(column: str, have: pl.DataType, settings: Cast, load: Load, place: str) -> pl.Expr:
    """Return the column with its new type; raises `SchemaMismatchError` where the types have no way.

    When the rows are read, `RowsRefusedError` names values that do not fit. A cast that can lose nothing is
    Polars' own; any other one runs Polars' kernels on each batch, to look at what became of it.
    """
    import polars as pl

    want = parse_type(settings.type)
    if have == want or (widens(have, want) and not (have.is_integer() and want.is_temporal())):
        return pl.col(column).cast(want)
    reader = _Reader(load, place, column, want, settings)
    reader.require_way(have)
    return pl.col(column).map_batches(reader, return_dtype=want, is_elementwise=True)


def read_texts(
    column: pl.Expr, want: pl.DataType, load: Load, place: str, *, on_failure: OnFailure, name: str
) -> pl.Expr:
    """Return texts as values of a type, as `cast` does; whole numbers may have a fraction of 0."""
    import polars as pl

    if want == pl.String():
        return column
    if want.is_integer():
        column = column.str.replace(_FRACTION, "")
    settings = Cast(type=type_name(want), on_failure=on_failure)
    reader = _Reader(load, place, name, want, settings, "on_invalid")
    return column.map_batches(reader, return_dtype=want, is_elementwise=True)


class _Reader:
    """Reads batches of one column as another type."""

    def __init__(
        self,
        load: Load,
        place: str,
        column: str,
        want: pl.DataType,
        settings: Cast,
        option: str = "on_failure",
    ) -> None:
        self._load = load
        self._place = place
        self._column = column
        self._want = want
        self._settings = settings
        self._option = option

    def require_way(self, have: pl.DataType) -> None:
        """Raise `SchemaMismatchError` if there is no way from one type to the other."""
        import polars as pl

        counted = have.is_integer() and isinstance(self._want, pl.Date | pl.Datetime)
        found = f"column '{self._column}' is {type_name(have)}"
        if counted and self._settings.unit is None:
            raise self._load.misfit(
                self._place,
                f"{found}, and nothing says what it counts",
                "Add `unit: seconds`, milliseconds, microseconds or nanoseconds (since 1970).",
            )
        if self._settings.unit is not None and not counted:
            raise self._load.misfit(
                self._place,
                f"{found}, and `unit` is for whole numbers that become dates or timestamps",
                "Leave `unit` out.",
            )
        if self._settings.format is not None and have != pl.String():
            raise self._load.misfit(self._place, f"{found}, and `format` is for text", "Leave `format` out.")
        if not self._has_way(have):
            raise self._load.misfit(
                self._place,
                f"{found}, which cannot become {self._settings.type}",
                "Choose another type, or leave the cast out.",
            )

    def _has_way(self, have: pl.DataType) -> bool:
        import polars as pl

        want = self._want
        if have == pl.String():
            return True
        if have.is_nested() != want.is_nested():
            return want == pl.String() and isinstance(have, pl.Struct)
        try:
            self._read(pl.Series(self._column, [None], dtype=have))
        except (pl.exceptions.PolarsError, TypeError):
            return False
        return True

    def __call__(self, values: pl.Series) -> pl.Series:
        """Return a batch in its new type; raises `RowsRefusedError` for values that do not fit."""
        read, failed = self._read(values)
        if not failed.any():
            return read
        if self._settings.on_failure == "fail":
            raise self._load.refused(
                self._place,
                values.filter(failed),
                f"column '{self._column}' has values that are not of type {self._settings.type}",
                f"Correct the source, choose another type, or set `{self._option}: null`.",
            )
        return read.zip_with(~failed, read.clear(len(read)))

    def _read(self, values: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return the values as they are read, and where they could not be."""
        import polars as pl

        from s3_assets.tables.text_values import convert

        want = self._want
        if values.dtype == pl.String:
            if want.is_nested():
                return _decoded(values, want)
            read, failed = convert(values, want, self._settings.format, ())
            return read, failed if failed is not None else values.is_null() & False
        if want == pl.String() and isinstance(values.dtype, pl.Struct):
            read = values.struct.json_encode()
        elif self._settings.unit is not None:
            read = moments(values, self._settings.unit).cast(want, strict=False)
        else:
            read = values.cast(want, strict=False)
        failed = read.is_null() & values.is_not_null()
        if _may_change(values.dtype, want):
            failed |= (read.cast(values.dtype, strict=False) != values).fill_null(value=False)
        return read, failed


def moments(values: pl.Series, unit: Unit) -> pl.Series:
    """Return what counts since 1970 as timestamps in UTC, of microseconds; null for one beyond all years."""
    import polars as pl

    numbers = values.cast(pl.Int64, strict=False)
    if unit == "nanoseconds":
        return numbers.cast(pl.Datetime("ns", "UTC")).dt.cast_time_unit("us")
    factor = _MICROSECONDS[unit]
    most = (2**63 - 1) // factor
    inside = numbers.is_between(-most, most)
    return (numbers.set(~inside, None) * factor).cast(pl.Datetime("us", "UTC"))


def _may_change(have: pl.DataType, want: pl.DataType) -> bool:
    """Tell whether a cast between these types may make another number of one: cut, rounded or wrapped."""
    return have.is_numeric() and want.is_numeric() and not (want.is_float() and have.is_decimal())


def _decoded(texts: pl.Series, want: pl.DataType) -> tuple[pl.Series, pl.Series]:
    """Read JSON texts: all at once, or one by one where one of them does not fit."""
    import polars as pl

    try:
        return texts.str.json_decode(want), texts.is_null() & False
    except pl.exceptions.PolarsError:
        pass
    read, failed = [], []
    for text in texts.to_list():
        try:
            read.append(pl.Series([text]).str.json_decode(want)[0])
            failed.append(False)
        except pl.exceptions.PolarsError:
            read.append(None)
            failed.append(True)
    return pl.Series(texts.name, read, dtype=want), pl.Series(failed, dtype=pl.Boolean)
