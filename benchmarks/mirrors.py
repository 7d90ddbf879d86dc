"""Peak memory and time of a mirror's run, when one row in a hundred has changed all over a growing table."""

from collections.abc import Mapping
from statistics import median
from typing import Any, Literal

import obstore
import polars as pl
from deltalake import DeltaTable, write_deltalake

from benchmarks import child, data
from benchmarks.ground import BUCKET, Ground

MEGABYTE = 1e6
STREAM = "target/source"
KEY = "id"
# Of a hundred keys that lie side by side one row is another, and of a thousand one is gone.
CHANGED, GONE = 100, 1000
FILE_ROWS = 500_000
LIBRARIES = (
    "obstore",
    "polars",
    "deltalake",
    "pyarrow.parquet",
    "pyiceberg.catalog.sql",
    "s3_assets.incremental.mirror",
    "s3_assets.tables.open",
)
Kind = Literal["delta", "iceberg", "parquet"]
PAIRS: tuple[tuple[Kind, Kind], ...] = (
    ("delta", "delta"),
    ("delta", "iceberg"),
    ("parquet", "delta"),
    ("parquet", "iceberg"),
)


def compare(ground: Ground, totals: tuple[int, ...], repeat: int) -> str:
    """Each pair of source and target: Delta tells by its feed what has changed, a folder only by its rows."""
    lines = [
        f"A mirror behind a change of one row in {CHANGED}, medians of {repeat}:",
        "",
        "| source | target | rows | s | processor s | peak MB | all MB |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for source, target in PAIRS:
        lines += [_measured(ground, source, target, total, repeat) for total in totals]
    return "\n".join(lines)


def _measured(ground: Ground, source: Kind, target: Kind, total: int, repeat: int) -> str:
    runs = []
    for number in range(repeat):
        paths = {"source": f"mirror_source_{number}", "target": f"mirror_{source}_{total}_{number}"}
        given = {"place": ground.place, "kinds": [source, target], "paths": paths}
        make(ground, source, paths["source"], total)
        child.run("benchmarks.mirrors:run", given, libraries=LIBRARIES)
        change(ground, source, paths["source"], total)
        done = child.run("benchmarks.mirrors:run", given, libraries=LIBRARIES)
        require_equal(ground, source, target, paths, total)
        for path in paths.values():
            ground.clear(f"{path}/")
        print(
            f"  {source} to {target}, {total:,}: {done.seconds:.1f} s, {done.peak / MEGABYTE:.0f} MB",
            flush=True,
        )
        runs.append(done)
    peaks = [each.peak / MEGABYTE for each in runs]
    return (
        f"| {source} | {target} | {total:,} | {median(each.seconds for each in runs):.1f} | "
        f"{median(each.processor for each in runs):.1f} | {median(peaks):.0f} | "
        f"{', '.join(f'{peak:.0f}' for peak in peaks)} |"
    )


def run(place: Mapping[str, str], kinds: tuple[Kind, Kind], paths: Mapping[str, str]) -> int:
    """Make the target equal to its source; return the rows that were written."""
    from s3_assets.incremental.mirror import mirror

    connection = Ground(**place).connection
    source, target = (
        table(kind, paths[name], connection) for kind, name in zip(kinds, ("source", "target"), strict=True)
    )
    return mirror(target, STREAM, source, keys=[KEY]).rows


def table(kind: Kind, path: str, connection: Any) -> Any:  # noqa: ANN401 - a table of any format
    """Return a table of ours."""
    from pydantic import TypeAdapter

    from s3_assets.tables.any_settings import AnyTableSettings
    from s3_assets.tables.open import open_table

    told = {"format": kind, "connection": "s3", "path": path}
    if kind == "iceberg":
        told["table"] = f"benchmark.{path}"
    settings: Any = TypeAdapter(AnyTableSettings).validate_python(told)
    return open_table(path, settings, connection)


def make(ground: Ground, kind: Kind, path: str, total: int) -> None:
    """Write the source."""
    for number, start in enumerate(range(0, total, FILE_ROWS)):
        rows = data.rows(start, min(FILE_ROWS, total - start), total)
        if kind == "delta":
            write_deltalake(
                f"s3://{BUCKET}/{path}",
                rows,
                mode="append",
                configuration={"delta.enableChangeDataFeed": "true"},
                storage_options=ground.options,
            )
        else:
            obstore.put(ground.store, f"{path}/part-{number:05d}.parquet", data.parquet(rows))


def change(ground: Ground, kind: Kind, path: str, total: int) -> None:
    """Change some rows of it all over, and take some out."""
    if kind == "delta":
        table = DeltaTable(f"s3://{BUCKET}/{path}", storage_options=ground.options)
        table.update({"reference": "'changed'"}, predicate=f"{KEY} % {CHANGED} = 0")
        table.delete(f"{KEY} % {GONE} = 1")
        return
    for number, start in enumerate(range(0, total, FILE_ROWS)):
        rows = _changed(data.rows(start, min(FILE_ROWS, total - start), total).lazy()).collect()
        obstore.put(ground.store, f"{path}/part-{number:05d}.parquet", data.parquet(rows))


def _changed(rows: pl.LazyFrame) -> pl.LazyFrame:
    fresh = pl.col(KEY) % CHANGED == 0
    return rows.filter(pl.col(KEY) % GONE != 1).with_columns(
        pl.when(fresh).then(pl.lit("changed")).otherwise("reference").alias("reference")
    )


def require_equal(ground: Ground, source: Kind, target: Kind, paths: Mapping[str, str], total: int) -> None:
    """Count and add up what is there, as they must be, and as others read them."""
    expected = [0, 0, 0]
    for start in range(0, total, FILE_ROWS):
        part = _changed(data.rows(start, min(FILE_ROWS, total - start), total).lazy())
        sums = _sums(part).collect(engine="streaming").row(0)
        expected = [before + each for before, each in zip(expected, sums, strict=True)]
    for kind, path in ((source, paths["source"]), (target, paths["target"])):
        found = [*_sums(_read(ground, kind, path)).collect(engine="streaming").row(0)]
        if found != expected:
            raise RuntimeError(f"{path} of {total:,} rows, {kind}: {found}, not {expected}")


def _sums(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.select(
        pl.len().cast(pl.Int64),
        pl.col(KEY).sum(),
        pl.col("reference").eq("changed").sum().cast(pl.Int64).alias("changed"),
    )


def _read(ground: Ground, kind: Kind, path: str) -> pl.LazyFrame:
    if kind == "delta":
        return pl.scan_delta(f"s3://{BUCKET}/{path}", storage_options=ground.options)
    if kind == "iceberg":
        from pyiceberg.catalog import load_catalog

        table = load_catalog("default", **ground.iceberg).load_table(f"benchmark.{path}")
        return pl.DataFrame(table.scan(selected_fields=(KEY, "reference")).to_arrow()).lazy()
    return pl.scan_parquet(f"s3://{BUCKET}/{path}/**/*.parquet", storage_options=ground.options)
