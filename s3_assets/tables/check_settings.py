"""What is said of a table's checks: which there are, how grave each is, and when it is run.

The words are those of the field: `unique`, `not_null`, `accepted_values`, `freshness` and `severity` as dbt
and Soda have them, `blocking` as Dagster has it.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from s3_assets.tables.durations import Duration

Severity = Literal["warn", "error"]
_NAME = re.compile(r"^[A-Za-z0-9_]+$")
_PERCENT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*%")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, populate_by_name=True)


class CheckSettings(_Settings):
    """What every check shares; what it leaves out is what `checks` says of all."""

    severity: Severity | None = Field(
        default=None, description="error, or warn: a failure that is shown and stops nothing."
    )
    blocking: bool | None = Field(
        default=None,
        description="After a failure, assets downstream are not run (Dagster's blocking checks).",
    )
    before_commit: bool | None = Field(
        default=None,
        description="Also looked at before a write is committed: a failure leaves the table as it was.",
    )
    description: str | None = Field(default=None, description="For people; left out: what is demanded.")

    @model_validator(mode="after")
    def _grave_enough(self) -> CheckSettings:
        if self.blocking and self.severity == "warn":
            raise ValueError("a check of severity warn stops nothing; leave blocking out, or severity")
        return self


def _columns(given: object) -> object:
    return {"columns": given} if isinstance(given, list | tuple | str) else given


def _distinct(columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(columns)) < len(columns):
        raise ValueError("a column is named twice")
    return columns


class FreshnessCheck(CheckSettings):
    """How old the newest data may be."""

    within: Duration = Field(gt=timedelta(0), description="The age that is still good; such as 90m, 26h, 7d.")
    column: str | None = Field(
        default=None,
        min_length=1,
        description="A date or timestamp that tells when a row is from; left out: the time of the newest "
        "commit, or of the newest file, that brought rows.",
    )


class SchemaCheck(CheckSettings):
    """Which columns there have to be, and of which types."""

    columns: dict[str, str] | None = Field(
        default=None,
        min_length=1,
        description="Column to type; left out: the columns that the table had when it was last told of, and "
        "before a commit those that it has.",
    )
    on_extra_column: Literal["fail", "allow"] = Field(
        default="fail", description="What a column is that is not among them."
    )
    on_wider_type: Literal["fail", "allow"] = Field(
        default="fail", description="What a type is that holds every value of the one that was expected."
    )


def _percent(given: object) -> object:
    if not isinstance(given, str):
        return given
    found = _PERCENT.fullmatch(given.strip())
    if found is None:
        raise ValueError("write it as a percentage, such as 50%")
    return float(found["number"]) / 100


_Number = Annotated[float, Field(gt=0)]
Share = Annotated[_Number, BeforeValidator(_percent, json_schema_input_type=_Number | str)]
"""A part of a whole: a percentage, or a number of which 1 is all."""


class RowCountCheck(CheckSettings):
    """How many rows there have to be."""

    at_least: int | None = Field(default=None, ge=0, description="Fewer are a failure.")
    at_most: int | None = Field(default=None, ge=0, description="More are a failure.")
    change: Share | None = Field(
        default=None,
        description="How much the number may change between two looks, such as 50%; before a commit, by it.",
    )
    per: Literal["table", "partition"] = Field(
        default="table", description="partition: each partition of the run, or each that has rows, by itself."
    )

    @model_validator(mode="after")
    def _limits(self) -> RowCountCheck:
        if self.at_least is None and self.at_most is None and self.change is None:
            raise ValueError("it demands nothing; add at_least, at_most or change")
        if self.at_least is not None and self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"at_most {self.at_most} is below at_least {self.at_least}")
        if self.change is not None and self.per == "partition":
            raise ValueError("change is told of the whole table; leave it out, or per: partition")
        return self


class UniqueCheck(CheckSettings):
    """Columns whose values no two rows share; rows with a null in one of them are passed over."""

    columns: tuple[str, ...] = Field(min_length=1, description="The columns' names.")
    against: Literal["rows", "table"] = Field(
        default="rows",
        description="Of a run of partitions, and before a commit: whether its rows are compared with each "
        "other alone, or with all others of the table, too.",
    )

    _twice = field_validator("columns")(_distinct)


class NotNullCheck(CheckSettings):
    """Columns that have a value in every row."""

    columns: tuple[str, ...] = Field(min_length=1, description="The columns' names.")

    _twice = field_validator("columns")(_distinct)


class AcceptedValuesCheck(CheckSettings):
    """The values that a column may have; null is none of them, and is passed over."""

    values: tuple[str | int | float | bool | datetime | date, ...] = Field(
        min_length=1, description="Those that are accepted."
    )


class ExpressionCheck(CheckSettings):
    """What is true of every row: a condition in SQL, as Polars knows it; like a CHECK of SQL, null passes."""

    sql: str = Field(min_length=1, description="A condition such as amount >= 0 AND currency <> ''.")


def _uniques(given: object) -> object:
    if isinstance(given, dict):
        return [given]
    if isinstance(given, list | tuple) and given and all(isinstance(each, str) for each in given):
        return [{"columns": given}]
    return [_columns(each) for each in given] if isinstance(given, list | tuple) else given


def _values(given: object) -> object:
    return {"values": given} if isinstance(given, list | tuple) else given


def _sql(given: object) -> object:
    return {"sql": given} if isinstance(given, str) else given


Uniques = Annotated[
    tuple[UniqueCheck, ...],
    BeforeValidator(_uniques, json_schema_input_type=list[str] | UniqueCheck | list[UniqueCheck | list[str]]),
]
NotNull = Annotated[NotNullCheck, BeforeValidator(_columns, json_schema_input_type=list[str] | NotNullCheck)]
AcceptedValues = Annotated[
    AcceptedValuesCheck, BeforeValidator(_values, json_schema_input_type=list[Any] | AcceptedValuesCheck)
]
Expression = Annotated[ExpressionCheck, BeforeValidator(_sql, json_schema_input_type=str | ExpressionCheck)]


class ChecksSettings(_Settings):
    """The checks of one table."""

    freshness: FreshnessCheck | None = None
    schema_: SchemaCheck | None = Field(default=None, alias="schema")
    row_count: RowCountCheck | None = None
    unique: Uniques = ()
    not_null: NotNull | None = None
    accepted_values: dict[str, AcceptedValues] = Field(
        default_factory=dict, description="Column to the values that it may have."
    )
    expressions: dict[str, Expression] = Field(
        default_factory=dict, description="Name to a condition in SQL that is true of every row."
    )
    severity: Severity = Field(default="error", description="Of the checks that say none.")
    blocking: bool = Field(default=False, description="Of the checks that do not say.")
    before_commit: bool = Field(default=False, description="Of the checks that do not say.")

    @field_validator("expressions")
    @classmethod
    def _named(cls, expressions: dict[str, ExpressionCheck]) -> dict[str, ExpressionCheck]:
        wrong = next((name for name in expressions if not _NAME.match(name)), None)
        if wrong is not None:
            raise ValueError(f"'{wrong}' is no name for a check; use letters, digits and _")
        return expressions

    @model_validator(mode="after")
    def _something(self) -> ChecksSettings:
        if not any((self.freshness, self.schema_, self.row_count, self.unique, self.not_null)) and not (
            self.accepted_values or self.expressions
        ):
            raise ValueError("no check is declared; add one, such as unique: [order_id]")
        return self
