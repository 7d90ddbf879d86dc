"""Rows of files become rows of a new table: Parquet or gzip JSON Lines, into Delta or Iceberg."""

import gzip
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import obstore

from benchmarks import data
from benchmarks.ground import Ground
from benchmarks.suite import job, left, mine, with_dlt
from benchmarks.suite.job import Contestant, Job

ROWS = 30_000_000
_TEXT_FILES = 40
_ENGINES = {"delta": ("deltalake",), "iceberg": ("pyiceberg.catalog.sql", "pyarrow.parquet")}
# Tried with DuckDB 1.4.4, the newest whose extensions come as packages: `CREATE TABLE ... AS` is "not
# implemented" there, `COPY ... (FORMAT delta)` unknown, and `INSERT` into an attached table appends.
_NO_DELTA = "DuckDB 1.4.4 creates no Delta table; it appends to one that another library has made"
# `COPY ... (FORMAT iceberg)` is unknown, and `ATTACH` asks for the address of a REST catalog.
_NO_ICEBERG = "DuckDB 1.4.4 writes Iceberg tables of a REST catalog alone, and this one is SQL's"


class Import(Job):
    def __init__(self, kind: str, into: str, *, share: float = 1.0, behind: str = "") -> None:
        self.kind, self.into, self.share, self.behind = kind, into, share, behind
        self.name = f"import, {kind} → {into}"
        stem = f"{kind.replace('.', '_')}_{into}"
        self.source, self.target = f"suite_{stem}/", f"into_{stem}/"
        self.total, self.amount = 0, 0.0
        if into == "delta":
            self.absent = {"DuckDB": _NO_DELTA, "dagster-iceberg": "writes no Delta table"}
        else:
            nothing = "writes no Iceberg table"
            self.absent = {"DuckDB": _NO_ICEBERG, "dagster-deltalake": nothing, "dagster-polars": nothing}

    def contestants(self) -> Sequence[Contestant]:
        engines = _ENGINES[self.into]
        found = [
            job.ours("benchmarks.suite.mine:import_rows", *mine.LIBRARIES, *engines),
            job.ours_in_dagster(
                "benchmarks.suite.mine:import_in_dagster", *mine.LIBRARIES, *engines, "s3_assets.builder"
            ),
        ]
        scripts = "benchmarks.suite.by_hand"
        peers = "benchmarks.suite.with_dagster"
        if self.into == "delta":
            found += [
                job.script("Polars, `sink_delta`", f"{scripts}:sink_delta", "deltalake"),
                job.script("Polars, `write_deltalake`", f"{scripts}:write_deltalake", "deltalake"),
                job.in_dagster(
                    "dagster-deltalake", f"{peers}:deltalake", "dagster_deltalake_polars", "deltalake"
                ),
                job.in_dagster(
                    "dagster-polars", f"{peers}:polars_delta", "dagster_polars", "s3fs", "deltalake"
                ),
            ]
        else:
            found += [
                job.script("Polars, `sink_iceberg`", f"{scripts}:sink_iceberg", *engines),
                job.script("Polars, PyIceberg's `append`", f"{scripts}:pyiceberg", *engines),
                job.in_dagster(
                    "dagster-iceberg", f"{peers}:iceberg", "dagster_iceberg.io_manager.polars", *engines
                ),
            ]
        libraries = (*with_dlt.LIBRARIES, *(engines if self.into == "iceberg" else ()))
        return [*found, job.rival("dlt", "benchmarks.suite.with_dlt:import_rows", *libraries)]

    def fill(self, ground: Ground, size: float) -> None:
        self.total = max(int(ROWS * size * self.share), data.DAYS)
        self.what = f"{self.total:,} rows"
        self.amount = math.fsum(data.rows(0, self.total, self.total)["amount"])
        if self.kind == "parquet":
            data.fill(ground.store, self.source, self.total)
        else:
            _fill_text(ground, self.source, self.total)

    def arguments(self, ground: Ground, contestant: Contestant, folder: Path) -> dict[str, Any]:
        del contestant, folder
        return {
            "place": ground.place,
            "kind": self.kind,
            "source": self.source,
            "into": self.into,
            "target": self.target,
        }

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        del answer
        found = left.delta if self.into == "delta" else left.iceberg
        left.same(contestant.name, found(ground, self.target), (self.total, self.amount))

    def after(self, ground: Ground) -> None:
        if self.into == "iceberg":
            left.forget(ground, self.target)
        ground.clear(self.target)

    def clear(self, ground: Ground) -> None:
        ground.clear(self.source)


def _fill_text(ground: Ground, source: str, total: int) -> None:
    files = min(_TEXT_FILES, total)
    for number in range(files):
        start, end = number * total // files, (number + 1) * total // files
        body = gzip.compress(data.rows(start, end - start, total).write_ndjson().encode(), 6, mtime=0)
        obstore.put(ground.store, f"{source}part-{number:05d}.jsonl.gz", body)
