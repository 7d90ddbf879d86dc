"""Rows that meet by their keys: what is added up of each key, here or by the workers of an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.tables.shares import shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.engines.engine import Rows


@dataclass(frozen=True)
class Sums:
    """What is added up over the rows of each key; of a key that is even it comes to what is said here.

    Rows have these columns and no others. What the `zeros` hold may overflow: it wraps around.
    """

    keys: tuple[str, ...]
    zeros: tuple[str, ...]
    """Columns of Int64 that add up to 0."""
    ones: tuple[str, ...]
    """Columns of Int32 that add up to 1."""

    def uneven(
        self, states: Sequence[Rows], *, rows: int | None, size: int, most: int | None = None
    ) -> pl.DataFrame:
        """Return the keys that are not even, or that have a null, with the sums of their `ones`.

        `rows` and `size`, in bytes, are those of the largest of the states. If more than `most` keys are
        found, it is some of them, and at least one more than that. An engine adds up if all rows are its own
        and can be cut.
        """
        engine = next((state.engine for state in states if state.engine is not None), None)
        if engine is not None and all(state.engine is engine and state.cut is not None for state in states):
            return engine.uneven(states, self, most)
        import polars as pl

        found = []
        for share in shares([state.frame for state in states], self.keys, rows, size):
            found.append(self._uneven(share))
            if most is not None and sum(each.height for each in found) > most:
                break
        return pl.concat(found)

    def _uneven(self, share: pl.LazyFrame) -> pl.DataFrame:
        import polars as pl

        even = [*(pl.col(name) == 0 for name in self.zeros), *(pl.col(name) == 1 for name in self.ones)]
        lacking = pl.any_horizontal(pl.col(key).is_null() for key in self.keys)
        return (
            share.group_by(*self.keys)
            .agg(pl.col(*self.zeros, *self.ones).sum())
            .filter(lacking | ~pl.all_horizontal(even))
            .select(*self.keys, *self.ones)
            .collect(engine="streaming")
        )
