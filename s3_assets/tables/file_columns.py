"""Columns whose value is the same for all rows of a file: its folders', its name, its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from s3_assets.tables.files import hive_folder
from s3_assets.tables.parts import read_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

ReaderColumn = Literal["_file_name", "_file_path", "_file_modified"]
"""Columns that a reader adds: the name without folders, the URL, and when the object was last written."""

VALUES = "values"
"""The column of a listing that holds them: a structure of one field for each."""


def reader_types(names: Sequence[ReaderColumn]) -> dict[str, pl.DataType]:
    """Return the types of the columns that a reader adds."""
    import polars as pl

    return {name: pl.Datetime("us", "UTC") if name == "_file_modified" else pl.String() for name in names}


def reader_values(names: Sequence[ReaderColumn], bucket: str) -> list[pl.Expr]:
    """Return the columns that a reader adds, as expressions on a listing."""
    import polars as pl

    made = {
        "_file_name": pl.col("key").str.replace("^.*/", ""),
        "_file_path": pl.lit(f"s3://{bucket}/") + pl.col("key"),
        "_file_modified": pl.col("modified"),
    }
    return [made[name].alias(name) for name in names]


def folder_values(keys: Sequence[str], root: str, hive: pl.Schema) -> list[pl.Series]:
    """Return what the Hive folders of each file say, null where they do not."""
    import polars as pl

    rows: dict[str, tuple[object, ...]] = {}
    for key in keys:
        folder = key.removeprefix(root).rpartition("/")[0]
        if folder not in rows:
            found = dict(hive_folder(segment) for segment in folder.split("/"))
            rows[folder] = tuple(
                text if dtype == pl.String else read_value(text, dtype)
                for text, dtype in ((found.get(column), dtype) for column, dtype in hive.items())
            )
    told = [rows[key.removeprefix(root).rpartition("/")[0]] for key in keys]
    return [
        pl.Series(column, [row[index] for row in told], dtype=dtype)
        for index, (column, dtype) in enumerate(hive.items())
    ]


def values_by_key(chosen: pl.DataFrame) -> Mapping[str, Mapping[str, object]]:
    """Return each file's values, by its key."""
    if VALUES not in chosen:
        return {key: {} for key in chosen["key"]}
    return dict(chosen.select("key", VALUES).iter_rows())


def rows_by_key(chosen: pl.DataFrame, names: Sequence[str]) -> Mapping[str, tuple[object, ...]]:
    """Return some of each file's values, in the order of these names."""
    if not names:
        return dict.fromkeys(chosen["key"], ())
    values = chosen[VALUES].struct.unnest().select(names)
    return dict(zip(chosen["key"], values.iter_rows(), strict=True))


def kept(chosen: pl.DataFrame, predicate: pl.Expr | None) -> pl.DataFrame:
    """Leave out the files of which their values alone say that no row is wanted."""
    import polars as pl

    if predicate is None or VALUES not in chosen:
        return chosen
    known = chosen[VALUES].struct.unnest()
    wanted = pl.repeat(value=True, n=chosen.height, eager=True)
    for part in conjuncts(predicate):
        named = part.meta.root_names()
        if named and set(named) <= set(known.columns):
            wanted &= known.select(part.fill_null(value=False)).to_series()
    return chosen.filter(wanted)


def conjuncts(predicate: pl.Expr) -> Iterator[pl.Expr]:
    """Split a predicate into those that all have to hold."""
    inputs = predicate.meta.pop()
    if len(inputs) == 2 and (inputs[1] & inputs[0]).meta.eq(predicate):
        yield from conjuncts(inputs[1])
        yield from conjuncts(inputs[0])
    else:
        yield predicate
