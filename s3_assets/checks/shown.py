"""Which rows may be shown: keys of some that fail, of tables whose rows may be shown at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.checks.rules import Rule
    from s3_assets.tables.settings import PreviewSettings

_MOST = 5
_LONGEST = 60


@dataclass(frozen=True)
class Shown:
    """The columns that tell a row, and how many rows of a failure are told."""

    keys: tuple[str, ...] = ()
    most: int = 0

    @classmethod
    def of(cls, rules: Sequence[Rule], preview: PreviewSettings) -> Shown:
        """Return what may be shown: the columns of the first check of uniqueness, if none is excluded."""
        from s3_assets.tables.check_settings import UniqueCheck

        keys = next((each.columns for each in rules if isinstance(each.settings, UniqueCheck)), ())
        if {*keys} & {*preview.exclude}:
            return cls()
        return cls(keys, min(preview.rows or 0, _MOST))

    def examples(self, failing: pl.LazyFrame) -> tuple[Mapping[str, str], ...]:
        """Return the keys of the first rows of a frame, in the order of the keys."""
        if not self.most or not self.keys or not set(self.keys) <= set(failing.collect_schema()):
            return ()
        found = failing.select(self.keys).bottom_k(self.most, by=list(self.keys)).collect(engine="streaming")
        return self.told(found)

    def told(self, found: pl.DataFrame) -> tuple[Mapping[str, str], ...]:
        """Return rows of keys as text."""
        rows = found.head(self.most).sort(found.columns, nulls_last=True).iter_rows(named=True)
        return tuple({name: _short(value) for name, value in row.items()} for row in rows)


def _short(value: object) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
