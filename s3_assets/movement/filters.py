"""Filters of an import: what becomes of the columns between the source and the target, in a fixed order."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from s3_assets.errors import SettingError
from s3_assets.movement.casting import Cast, cast, known_type
from s3_assets.movement.digest import Digest, digest
from s3_assets.movement.json_columns import ExpandJson, expand
from s3_assets.tables.schemas import instance
from s3_assets.tables.type_names import parse_type

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.movement.load import Load

# YAML's plain values; datetime first, since it is a date as well.
Scalar = bool | int | float | datetime | date | str | None


class Constant(BaseModel):
    """A column that has one value in all rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    value: Scalar = Field(description="The value; null needs a type.")
    type: str | None = Field(
        default=None,
        description="Its type; left out: boolean, int64, float64, date, timestamp or string, as written.",
    )

    @field_validator("type")
    @classmethod
    def _known(cls, text: str | None) -> str | None:
        return None if text is None else known_type(text)

    @model_validator(mode="after")
    def _of_its_type(self) -> Constant:
        if self.type is None:
            if self.value is None:
                raise ValueError("a column of nulls needs a `type`")
            return self
        self.literal()
        return self

    def literal(self) -> pl.Expr:
        """Return the value as an expression of its type; raises `ValueError` if the type does not have it."""
        import polars as pl

        from s3_assets.tables.text_values import convert

        value = self.value
        if self.type is None:
            if isinstance(value, int) and not isinstance(value, bool):
                return pl.lit(value, dtype=pl.Int64)
            zoned = isinstance(value, datetime) and value.tzinfo is not None
            literal = pl.lit(value)
            return literal.dt.convert_time_zone("UTC") if zoned else literal
        want = parse_type(self.type)
        refusal = ValueError(f"{value!r} is no {self.type}")
        try:
            if isinstance(value, str) and not want.is_nested():
                read, failed = convert(pl.Series([value]), want, None, ())
                if failed is not None:
                    raise refusal
            else:
                read = pl.Series([value], dtype=want, strict=True)
        except (pl.exceptions.PolarsError, TypeError, OverflowError):
            raise refusal from None
        return pl.lit(read.first(), dtype=want)


class AddTime(BaseModel):
    """A column that tells when a row was loaded: one moment for all rows of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    column: str = Field(min_length=1, description="The new column.")
    type: Literal["timestamp", "int64"] = Field(
        default="timestamp", description="timestamp (UTC), or int64: whole seconds since 1970."
    )


class Filters(BaseModel):
    """What is done to the columns, in this order, whatever the order in the file.

    `retain` and `drop` name columns of the source, each later filter those that the ones before it left.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    retain: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Only these columns, in this order; left out: all."
    )
    drop: tuple[str, ...] = Field(default=(), description="Columns that are left out of these.")
    add: dict[str, Constant] = Field(
        default_factory=dict, description="New column to its value, or to `value` and `type`."
    )
    expand_json: dict[str, ExpandJson] = Field(
        default_factory=dict, description="Column of JSON objects to how its fields become columns."
    )
    digest: dict[str, Digest] = Field(
        default_factory=dict, description="Column to the digest that replaces it; or a list of columns."
    )
    rename: dict[str, str] = Field(default_factory=dict, description="Column to its new name.")
    cast: dict[str, Cast] = Field(
        default_factory=dict, description="Column to its new type, or to `type` and options."
    )
    add_time: AddTime | None = Field(default=None, description="Name of a new column with the load time.")

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, data: Any) -> Any:  # noqa: ANN401 - raw input
        if not isinstance(data, dict):
            return data
        found = dict(data)
        if isinstance(found.get("add"), dict):
            found["add"] = {
                name: each if isinstance(each, dict | Constant) else {"value": each}
                for name, each in found["add"].items()
            }
        if isinstance(found.get("cast"), dict):
            found["cast"] = {
                name: {"type": each} if isinstance(each, str) else each
                for name, each in found["cast"].items()
            }
        if isinstance(found.get("digest"), list | tuple):
            found["digest"] = dict.fromkeys(found["digest"])
        for name in ("digest", "expand_json"):
            if isinstance(found.get(name), dict):
                found[name] = {key: {} if each is None else each for key, each in found[name].items()}
        if isinstance(found.get("add_time"), str):
            found["add_time"] = {"column": found["add_time"]}
        return found

    @model_validator(mode="after")
    def _once(self) -> Filters:
        for name in ("retain", "drop"):
            columns = getattr(self, name) or ()
            if len(set(columns)) < len(columns):
                raise ValueError(f"{name} names a column twice")
        if len(set(self.rename.values())) < len(self.rename):
            raise ValueError("rename gives two columns one name")
        return self

    def apply(self, frame: pl.LazyFrame, load: Load) -> pl.LazyFrame:
        """Return the filtered frame, lazily; only the fields of undeclared JSON are looked for in rows.

        Raises `SchemaMismatchError` for a column that is not there, or is there already, or has a type that
        the filter does not take: before a row is read. `RowsRefusedError` comes while rows are read, and
        before any of them can be seen in the target.
        """
        frame = self._chosen(frame, load)
        if self.add:
            load.require_free("filters.add", self.add, frame.collect_schema())
            frame = frame.with_columns(each.literal().alias(name) for name, each in self.add.items())
        for name, json in self.expand_json.items():
            there = frame.collect_schema()
            load.require("filters.expand_json", [name], there)
            frame = expand(frame, name, instance(there[name]), json, load, f"filters.expand_json.{name}")
        frame = self._digested(frame, load)
        frame = self._renamed(frame, load)
        if self.cast:
            there = frame.collect_schema()
            load.require("filters.cast", self.cast, there)
            frame = frame.with_columns(
                cast(name, instance(there[name]), each, load, f"filters.cast.{name}")
                for name, each in self.cast.items()
            )
        if self.add_time is not None:
            load.require_free("filters.add_time", [self.add_time.column], frame.collect_schema())
            frame = frame.with_columns(load_time(load, self.add_time.type).alias(self.add_time.column))
        return frame

    def require_declared(self) -> None:
        """Raise `SettingError` if rows that are read apart might get other columns each."""
        sampled = next((name for name, each in self.expand_json.items() if each.columns is None), None)
        if sampled is not None:
            raise SettingError(
                f"filters.expand_json.{sampled} looks at a sample, and each worker reads other rows",
                remedy="Declare its `columns`, or leave the engine out.",
            )

    def _chosen(self, frame: pl.LazyFrame, load: Load) -> pl.LazyFrame:
        if self.retain is not None:
            load.require("filters.retain", self.retain, frame.collect_schema())
            frame = frame.select(self.retain)
        if self.drop:
            load.require("filters.drop", self.drop, frame.collect_schema())
            frame = frame.drop(self.drop)
        return frame

    def _digested(self, frame: pl.LazyFrame, load: Load) -> pl.LazyFrame:
        if not self.digest:
            return frame
        there = frame.collect_schema()
        load.require("filters.digest", self.digest, there)
        new = [each.into for each in self.digest.values() if each.into is not None]
        load.require_free("filters.digest", new, there)
        return frame.with_columns(
            digest(name, instance(there[name]), each, load, f"filters.digest.{name}").alias(each.into or name)
            for name, each in self.digest.items()
        )

    def _renamed(self, frame: pl.LazyFrame, load: Load) -> pl.LazyFrame:
        if not self.rename:
            return frame
        there = frame.collect_schema()
        load.require("filters.rename", self.rename, there)
        staying = [name for name in there if name not in self.rename]
        load.require_free("filters.rename", self.rename.values(), staying)
        return frame.rename(self.rename)


def load_time(load: Load, type_: str = "timestamp") -> pl.Expr:
    """Return the load time: a timestamp in UTC, or whole seconds since 1970."""
    import polars as pl

    if type_ == "int64":
        return pl.lit(int(load.moment.timestamp()), dtype=pl.Int64)
    return pl.lit(load.moment, dtype=pl.Datetime("us", "UTC"))
