"""Values that several rows share: counted by shares of the keys, so that few are in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from s3_assets.checks.one_pass import lacks
from s3_assets.checks.outcome import outcome
from s3_assets.tables.shares import shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.checks.outcome import CheckOutcome
    from s3_assets.checks.rules import Rule
    from s3_assets.checks.shown import Shown

_OWN, _ALL = "\x01own", "\x01all"


@dataclass(frozen=True)
class Compared:
    """Rows whose keys are looked at, and those that they are compared with besides each other.

    `total` are the rows of the larger of both, where that is known; else it has `size` bytes.
    """

    rows: pl.LazyFrame
    others: pl.LazyFrame | None = None
    total: int | None = None
    size: int = 0
    narrow: bool = field(default=True, kw_only=True)
    """Whether the others are many: those beyond the smallest and largest of the rows' values are not read."""


def unique(rule: Rule, compared: Compared, shown: Shown) -> CheckOutcome:
    """Look for rows that share their values of a rule's columns; those with a null are passed over.

    Reads these columns alone. What is held in memory is bounded by `tables.shares`; a large table's keys wait
    on the local disk.
    """
    import polars as pl

    schema = compared.rows.collect_schema()
    missing = [column for column in rule.columns if column not in schema]
    if missing:
        return lacks(rule, missing, schema)
    keys = list(rule.columns)
    own = _keys(compared.rows, keys, own=True)
    frames = [own]
    if compared.others is not None:
        others = compared.others.select(pl.col(key).cast(schema[key]) for key in keys)
        frames.append(_keys(_between(own, others, keys) if compared.narrow else others, keys, own=False))
    several = (pl.col(_OWN) > 0) & (pl.col(_ALL) > 1)
    values, rows = 0, 0
    examples: list[pl.DataFrame] = []
    for share in shares(frames, keys, compared.total, compared.size):
        counted = share.group_by(keys).agg(pl.col(_OWN).sum(), pl.len().alias(_ALL)).filter(several)
        found = counted.collect(engine="streaming")
        values += found.height
        rows += int(found[_OWN].sum())
        if shown.most and not found.is_empty():
            examples.append(found.select(keys).bottom_k(shown.most, by=keys))
    told: tuple[Mapping[str, str], ...] = ()
    if examples and set(keys) <= set(shown.keys):
        told = shown.told(pl.concat(examples).bottom_k(shown.most, by=keys))
    what = f"{values:,} {'value' if values == 1 else 'values'} of {', '.join(keys)}"
    where = " or with rows of the table" if compared.others is not None else ""
    words = f"{rows:,} rows share {what}{where}" if values else "no two rows are alike"
    return replace(outcome(rule, words, passed=not values, failed_rows=rows, examples=told), by="rows")


def _keys(frame: pl.LazyFrame, keys: list[str], *, own: bool) -> pl.LazyFrame:
    import polars as pl

    lacking = pl.any_horizontal(pl.col(key).is_null() for key in keys)
    return frame.select(keys).filter(~lacking).with_columns(pl.lit(int(own), pl.Int64).alias(_OWN))


def _between(own: pl.LazyFrame, others: pl.LazyFrame, keys: list[str]) -> pl.LazyFrame:
    """Keep of the others those that can be alike: the condition reaches the files' statistics."""
    import polars as pl

    schema = own.collect_schema()
    plain = [key for key in keys if _has_bounds(schema[key])]
    bounds = own.select(
        *(pl.col(key).min().alias(f"low {key}") for key in plain),
        *(pl.col(key).max().alias(f"high {key}") for key in plain),
    ).collect(engine="streaming")
    for key in plain:
        low, high = bounds[f"low {key}"][0], bounds[f"high {key}"][0]
        if low is None:
            return others.clear()
        dtype = schema[key]
        others = others.filter(pl.col(key).is_between(pl.lit(low, dtype), pl.lit(high, dtype)))
    return others


def _has_bounds(dtype: pl.DataType) -> bool:
    """Tell whether Python has every value of a type, so that none is cut on its way into a condition."""
    import polars as pl

    if isinstance(dtype, pl.Datetime):
        return dtype.time_unit != "ns"
    return dtype.is_integer() or dtype in {pl.String, pl.Date}
