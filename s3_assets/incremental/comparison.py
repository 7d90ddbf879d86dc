"""Two states of the same rows, compared by key.

A row is compared by two fingerprints of 62 bits, whose seeds are drawn anew for each comparison: two rows
that differ pass for equal once in 2**124. Null equals null and NaN equals NaN, inside lists and structs too.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.errors import SchemaMismatchError
from s3_assets.incremental.row_keys import COUNT, check_columns, refuse
from s3_assets.tables.schemas import widens
from s3_assets.tables.shares import shares

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl

_PRINTS = ("\x01first", "\x01second")
_BEFORE, _AFTER = "\x01before", "\x01after"
_SEED_BITS = 63
# Prints of 62 bits: two of them, one of each sign, add up without an overflow.
_FOURTH = 4


@dataclass(frozen=True)
class Comparison:
    """The keys in which two states differ."""

    put: pl.DataFrame
    """Keys whose row is only in the later state, or is another there."""
    fresh: pl.DataFrame
    """Those of `put` that the earlier state does not have."""
    gone: pl.DataFrame
    """Keys that the later state does not have."""
    keyless: int
    """Rows of the earlier state that have a null in their key: no write by key reaches them."""


def compare(
    before: pl.LazyFrame,
    after: pl.LazyFrame,
    keys: Sequence[str],
    *,
    uncompared: Collection[str] = (),
    table: str,
    rows: int | None,
    size: int,
) -> Comparison:
    """Compare all columns but `uncompared`; one that a state lacks is null there.

    `rows` and `size`, in bytes, are those of the larger state: of it the keys and fingerprints are held, and
    of a large one a share at a time. Raises `RowKeyError` for rows of the later
    state that share a key or have a null in it, and `SchemaMismatchError` for types that cannot be compared.
    """
    import polars as pl

    columns = _common(before.collect_schema(), after.collect_schema(), table)
    check_columns(keys, columns, table)
    compared = [name for name in columns if name not in {*keys, *uncompared}]
    seeds = tuple(secrets.randbits(_SEED_BITS) for _ in _PRINTS)

    def prints(frame: pl.LazyFrame, state: str) -> pl.LazyFrame:
        row = pl.struct(compared) if compared else pl.lit(0)
        sign = 1 if state == _AFTER else -1
        return _in_columns(frame, columns).select(
            *keys,
            *(
                ((row.hash(seed) // _FOURTH).cast(pl.Int64) * sign).alias(name)
                for seed, name in zip(seeds, _PRINTS, strict=True)
            ),
            *(pl.lit(int(name == state), pl.Int32).alias(name) for name in (_BEFORE, _AFTER)),
        )

    # One table of keys serves both: where each has one row, and the same, the prints cancel out.
    lacking = pl.any_horizontal(pl.col(key).is_null() for key in keys)
    same = pl.all_horizontal(
        *(pl.col(name) == 0 for name in _PRINTS), *(pl.col(name) == 1 for name in (_BEFORE, _AFTER))
    )
    states = [prints(before, _BEFORE), prints(after, _AFTER)]
    found = pl.concat(
        share.group_by(keys)
        .agg(pl.col(*_PRINTS, _BEFORE, _AFTER).sum())
        .filter(lacking | ~same)
        .select(*keys, _BEFORE, _AFTER)
        .collect(engine="streaming")
        for share in shares(states, keys, rows, size)
    )
    there = found.filter(pl.col(_AFTER) > 0)
    refuse(there.select(*keys, pl.col(_AFTER).alias(COUNT)), keys, table)
    lost = found.filter(pl.col(_AFTER) == 0)
    return Comparison(
        there.select(keys),
        there.filter(pl.col(_BEFORE) == 0).select(keys),
        lost.filter(~lacking).select(keys),
        int(lost.filter(lacking)[_BEFORE].sum()),
    )


def rows_of(frame: pl.LazyFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Return the frame's rows of these keys."""
    keys = wanted.columns
    return (
        frame.cast({key: wanted.schema[key] for key in keys})
        .join(wanted.lazy(), on=keys, how="semi")
        .collect(engine="streaming")
    )


def _common(before: pl.Schema, after: pl.Schema, table: str) -> dict[str, pl.DataType]:
    """Return the columns of both in the types that they are compared in."""
    columns = dict(before)
    for name, dtype in after.items():
        known = columns.get(name)
        if known is None or (known != dtype and not widens(dtype, known)):
            columns[name] = dtype
        if known is not None and not (widens(dtype, known) or widens(known, dtype)):
            raise SchemaMismatchError(
                f"column '{name}' is {dtype} now, and was {known}",
                remedy="Cast it to the type that it had, or give the import another target.",
                table=table,
            )
    return columns


def _in_columns(frame: pl.LazyFrame, columns: dict[str, pl.DataType]) -> pl.LazyFrame:
    import polars as pl

    schema = frame.collect_schema()
    return frame.select(
        pl.col(name).cast(dtype) if name in schema else pl.lit(None, dtype).alias(name)
        for name, dtype in columns.items()
    )
