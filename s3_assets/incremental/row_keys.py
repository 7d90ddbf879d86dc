"""Keys: the columns that tell a row from all others, and the checks that they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_assets.engines.engine import Step
from s3_assets.engines.sums import Sums
from s3_assets.errors import RowKeyError, SchemaMismatchError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from s3_assets.engines.engine import Rows

COUNT = "\x01count"
# So many keys that are refused are looked for: one of them is told, and how many there are.
_MOST_REFUSED = 2_000_000


@dataclass(frozen=True)
class Counted(Step):
    """The keys alone, each row of them counted."""

    keys: tuple[str, ...]

    def __call__(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Choose them."""
        import polars as pl

        return frame.select(*self.keys, pl.lit(1, pl.Int32).alias(COUNT))


def check_columns(keys: Sequence[str], columns: Mapping[str, pl.DataType], table: str) -> None:
    """Raise `SettingError` without keys, `SchemaMismatchError` for a column that is missing or no key.

    Fractions make no keys, since what is computed is never quite the same twice; nor do lists and structs.
    """
    if not keys or len(set(keys)) < len(keys):
        raise SettingError(
            "a mirror needs the columns that tell one row from all others, each once",
            remedy="Name them as 'keys'.",
            table=table,
        )
    for key in keys:
        dtype = columns.get(key)
        if dtype is None:
            raise SchemaMismatchError(
                f"the key column '{key}' is not among the columns {', '.join(columns)}",
                remedy="Name columns as they are called behind the filters.",
                table=table,
            )
        if dtype.is_float() or dtype.is_nested():
            raise SchemaMismatchError(
                f"the key column '{key}' is {dtype}, which cannot tell rows apart",
                remedy="Cast it to text, an integer or a decimal, or name another column.",
                table=table,
            )


def require_unique(rows: Rows, keys: Sequence[str], table: str, count: int | None, size: int) -> None:
    """Raise `RowKeyError` for rows with a null in their key, and for rows that share one.

    Reads the key columns alone. `count` and `size`, in bytes, are those of the table.
    """
    sums = Sums(tuple(keys), (), (COUNT,))
    found = sums.uneven([rows.then(Counted(sums.keys))], rows=count, size=size, most=_MOST_REFUSED)
    refuse(found, keys, table)


def refuse(found: pl.DataFrame, keys: Sequence[str], table: str) -> None:
    """Raise `RowKeyError` if one of these keys has a null, or a `COUNT` above 1; others are passed over."""
    import polars as pl

    lacking = found.filter(pl.any_horizontal(pl.col(key).is_null() for key in keys))
    if not lacking.is_empty():
        count = int(lacking[COUNT].sum())
        raise RowKeyError(
            f"{count:,} {'row has' if count == 1 else 'rows have'} a null in the key, such as "
            f"{describe(lacking, keys)}",
            remedy="Correct the rows, or choose other keys; nothing was written.",
            count=count,
            table=table,
        )
    shared = found.filter(pl.col(COUNT) > 1).sort(keys)
    if not shared.is_empty():
        raise RowKeyError(
            f"{shared.height:,} {'key is' if shared.height == 1 else 'keys are'} shared by several rows, "
            f"such as {describe(shared, keys)} by {shared[COUNT][0]:,}",
            remedy="Remove the surplus rows, or name more columns as keys; nothing was written.",
            count=shared.height,
            table=table,
        )


def describe(found: pl.DataFrame, keys: Sequence[str]) -> str:
    """Return the first of the keys as text."""
    values: dict[str, Any] = found.row(0, named=True)
    return ", ".join(f"{key} = {values[key]}" for key in keys)
