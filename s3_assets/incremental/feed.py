"""A change feed, reduced to what became of each key.

Within one version the row that is there afterwards counts: an update that gives a row another key is told as
its old row under the old key and its new row under the new one, and takes away the one and puts the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.incremental.changes import Changes
from s3_assets.incremental.row_keys import COUNT, check_columns, refuse
from s3_assets.tables.delta_changes import CHANGE_TYPE, COMMIT_TIMESTAMP, COMMIT_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    Transform = Callable[[pl.LazyFrame], pl.LazyFrame]

_VERSION = "\x01version"
_PUT, _PUTS, _TAKES = "\x01put", "\x01puts", "\x01takes"
_FIRST, _LAST, _ENDS, _PLAIN = "\x01first", "\x01last", "\x01ends", "\x01plain"


def reduce_feed(feed: pl.DataFrame, keys: Sequence[str], transform: Transform | None, table: str) -> Changes:
    """Return what became of the keys between the first and the last version of the feed.

    Of a key that one row has at a time, each version takes away what the one before has put. Where that is
    not so, several rows had it, at least for a while: what is left of them no feed can tell by key, and the
    key is in doubt.
    """
    import polars as pl

    rows = _transformed(feed, transform)
    check_columns(keys, {key: rows.schema[key] for key in rows.columns if not key.startswith("\x01")}, table)
    rows = _with_keys(rows, keys, table)
    steps = (
        rows.group_by(*keys, _VERSION)
        .agg(pl.col(_PUT).sum().alias(_PUTS), (~pl.col(_PUT)).sum().alias(_TAKES))
        .sort(_VERSION)
    )
    before_last = pl.col(_PUTS).slice(0, pl.len() - 1)
    behind_first = pl.col(_TAKES).slice(1, pl.len() - 1)
    histories = steps.group_by(*keys, maintain_order=True).agg(
        pl.col(_TAKES).first().alias(_FIRST),
        pl.col(_VERSION).last().alias(_LAST),
        pl.col(_PUTS).last().alias(_ENDS),
        (
            (pl.col(_PUTS).max() <= 1) & (pl.col(_TAKES).max() <= 1) & (before_last == behind_first).all()
        ).alias(_PLAIN),
    )
    plain = histories.filter(_PLAIN)
    newest = plain.filter(pl.col(_ENDS) == 1).select(*keys, pl.col(_LAST).alias(_VERSION))
    return Changes(
        rows.filter(_PUT).join(newest, on=[*keys, _VERSION], how="semi").drop(_PUT, _VERSION),
        plain.filter(pl.col(_ENDS) == 0).select(keys),
        plain.filter(pl.col(_FIRST) == 0).select(keys),
        histories.filter(~pl.col(_PLAIN)).select(keys),
    )


def _transformed(feed: pl.DataFrame, transform: Transform | None) -> pl.DataFrame:
    """Run the filters over the rows of the feed, and mark each with its version and what it says."""
    import polars as pl

    marks = feed.select(
        pl.col(COMMIT_VERSION).alias(_VERSION),
        pl.col(CHANGE_TYPE).is_in(["insert", "update_postimage"]).alias(_PUT),
    )
    rows = feed.drop(CHANGE_TYPE, COMMIT_VERSION, COMMIT_TIMESTAMP)
    if transform is None:
        return rows.hstack(marks)
    found = transform(rows.lazy()).collect()
    if found.height == rows.height:
        return found.hstack(marks)
    # Some are left out: in parts whose rows have one mark, it does not matter which.
    parts = feed.hstack(marks).partition_by(_VERSION, _PUT)
    return pl.concat(
        transform(part.drop(CHANGE_TYPE, COMMIT_VERSION, COMMIT_TIMESTAMP, _VERSION, _PUT).lazy())
        .collect()
        .with_columns(pl.lit(part[_VERSION][0]).alias(_VERSION), pl.lit(part[_PUT][0]).alias(_PUT))
        for part in parts
    )


def _with_keys(rows: pl.DataFrame, keys: Sequence[str], table: str) -> pl.DataFrame:
    """Return the rows whose key has no null; raise `RowKeyError` if one without is left in the source."""
    import polars as pl

    lacking = pl.any_horizontal(pl.col(key).is_null() for key in keys)
    without = rows.filter(lacking)
    if without.is_empty():
        return rows
    left = without.group_by(keys).agg((2 * pl.col(_PUT).sum().cast(pl.Int64) - pl.len()).alias(COUNT))
    refuse(left.filter(pl.col(COUNT) > 0), keys, table)
    return rows.filter(~lacking)
