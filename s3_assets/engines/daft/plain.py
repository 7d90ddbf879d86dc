"""Columns as they are brought together: few types, in which equal values are equal bytes, and plain names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.engines.sums import Sums


@dataclass(frozen=True)
class Plain:
    """The keys `k0`, `k1` and so on, then `z0` ... that add up to 0, then `o0` ... that add up to 1."""

    sums: Sums
    keys: tuple[pl.DataType, ...]
    """The types of the keys."""

    @property
    def names(self) -> tuple[list[str], list[str], list[str]]:
        """The plain names: of keys, of zeros and of ones."""
        return (
            [f"k{i}" for i in range(len(self.sums.keys))],
            [f"z{i}" for i in range(len(self.sums.zeros))],
            [f"o{i}" for i in range(len(self.sums.ones))],
        )

    def rows(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return rows in plain columns."""
        import polars as pl

        keys, zeros, ones = self.names
        plain = [
            _plain(pl.col(key), dtype).alias(name)
            for key, dtype, name in zip(self.sums.keys, self.keys, keys, strict=True)
        ]
        added = zip((*self.sums.zeros, *self.sums.ones), (*zeros, *ones), strict=True)
        return batch.select(*plain, *(pl.col(column).alias(name) for column, name in added))

    def back(self, found: pl.DataFrame) -> pl.DataFrame:
        """Return the keys, and the sums of ones, in columns as they were."""
        import polars as pl

        keys, _, ones = self.names
        return found.select(
            *(
                pl.col(name).cast(dtype).alias(key)
                for name, dtype, key in zip(keys, self.keys, self.sums.keys, strict=True)
            ),
            *(pl.col(name).cast(pl.Int32).alias(one) for name, one in zip(ones, self.sums.ones, strict=True)),
        )

    def none(self) -> pl.DataFrame:
        """Return no rows."""
        import polars as pl

        named = dict(zip(self.sums.keys, self.keys, strict=True))
        zeros, ones = dict.fromkeys(self.sums.zeros, pl.Int64()), dict.fromkeys(self.sums.ones, pl.Int32())
        return self.rows(pl.DataFrame(schema={**named, **zeros, **ones}))


def _plain(key: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    if dtype.is_temporal():
        # Integers, of units that the type itself tells.
        return key.to_physical()
    if dtype.is_integer() and dtype not in {pl.Int128, pl.UInt128}:
        return key
    return key if dtype in {pl.String, pl.Binary, pl.Boolean} else key.cast(pl.String)
