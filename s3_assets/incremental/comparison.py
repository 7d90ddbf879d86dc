"""Two states of the same rows, compared by key.

A row is compared by two fingerprints of 62 bits, whose seeds are drawn anew for each comparison: two rows
that differ pass for equal once in 2**124. Null equals null and NaN equals NaN, inside lists and structs too.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.engines.engine import Job, Rows, Step
from s3_assets.engines.sums import Sums
from s3_assets.errors import SchemaMismatchError
from s3_assets.incremental.row_keys import COUNT, check_columns, refuse
from s3_assets.tables.schemas import widens

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import polars as pl

    from s3_assets.engines.engine import Share
    from s3_assets.progress import Progress

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


@dataclass(frozen=True)
class Prints(Step):
    """The keys of one state, with fingerprints of their rows and a mark that says which state it is."""

    keys: tuple[str, ...]
    columns: tuple[tuple[str, pl.DataType], ...]
    """All columns of both states, in the types that they are compared in."""
    compared: tuple[str, ...]
    seeds: tuple[int, ...]
    state: str

    def __call__(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Make them."""
        import polars as pl

        # What a category is stored as, another process may not know.
        texts = [name for name, dtype in self.columns if dtype in {pl.Categorical, pl.Enum}]
        values = [pl.col(name).cast(pl.String) if name in texts else pl.col(name) for name in self.compared]
        row = pl.struct(values or [pl.lit(0)])
        sign = 1 if self.state == _AFTER else -1
        return _in_columns(frame, self.columns).select(
            *self.keys,
            *(
                ((row.hash(seed) // _FOURTH).cast(pl.Int64) * sign).alias(name)
                for seed, name in zip(self.seeds, _PRINTS, strict=True)
            ),
            *(pl.lit(int(name == self.state), pl.Int32).alias(name) for name in (_BEFORE, _AFTER)),
        )


def compare(
    before: Rows,
    after: Rows,
    keys: Sequence[str],
    *,
    uncompared: Collection[str] = (),
    table: str,
    count: int | None,
    size: int,
    most: int | None = None,
) -> Comparison | None:
    """Compare all columns but `uncompared`; one that a state lacks is null there.

    None if more than `most` keys differ. `count` and `size`, in bytes, are those of the larger state: of it
    the keys and fingerprints are held, and of a large one a share at a time. Raises `RowKeyError` for rows of
    the later state that share a key or have a null in it, if they are among the first `most`, and
    `SchemaMismatchError` for types that cannot be compared.
    """
    import polars as pl

    columns = _common(before.frame.collect_schema(), after.frame.collect_schema(), table)
    check_columns(keys, columns, table)
    compared = tuple(name for name in columns if name not in {*keys, *uncompared})
    seeds = tuple(secrets.randbits(_SEED_BITS) for _ in _PRINTS)
    states = [
        rows.then(Prints(tuple(keys), tuple(columns.items()), compared, seeds, state))
        for rows, state in ((before, _BEFORE), (after, _AFTER))
    ]
    # One table of keys serves both: where each has one row, and the same, the prints cancel out.
    found = Sums(tuple(keys), _PRINTS, (_BEFORE, _AFTER)).uneven(states, rows=count, size=size, most=most)
    there = found.filter(pl.col(_AFTER) > 0)
    refuse(there.select(*keys, pl.col(_AFTER).alias(COUNT)), keys, table)
    if most is not None and found.height > most:
        return None
    lacking = pl.any_horizontal(pl.col(key).is_null() for key in keys)
    lost = found.filter(pl.col(_AFTER) == 0)
    return Comparison(
        there.select(keys),
        there.filter(pl.col(_BEFORE) == 0).select(keys),
        lost.filter(~lacking).select(keys),
        int(lost.filter(lacking)[_BEFORE].sum()),
    )


@dataclass(frozen=True)
class Wanted(Job["pl.DataFrame"]):
    """The rows of some keys are held."""

    keys: pl.DataFrame

    def __call__(self, share: Share, frame: pl.LazyFrame, progress: Progress) -> pl.DataFrame:
        """Find them."""
        del share, progress
        return _matching(frame, self.keys)


def rows_of(rows: Rows, wanted: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of these keys."""
    import polars as pl

    if rows.engine is None or rows.cut is None:
        return _matching(rows.frame, wanted)
    none = rows.frame.clear()
    return pl.concat([_matching(none, wanted), *rows.engine.run(rows, Wanted(wanted)).results])


def _matching(frame: pl.LazyFrame, wanted: pl.DataFrame) -> pl.DataFrame:
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


def _in_columns(frame: pl.LazyFrame, columns: Sequence[tuple[str, pl.DataType]]) -> pl.LazyFrame:
    import polars as pl

    schema = frame.collect_schema()
    return frame.select(
        pl.col(name).cast(dtype) if name in schema else pl.lit(None, dtype).alias(name)
        for name, dtype in columns
    )
