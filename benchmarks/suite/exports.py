"""A folder of Parquet files becomes one file: Parquet, or CSV packed by gzip."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import data, exporters
from benchmarks.ground import Ground
from benchmarks.suite import job, left, mine, with_dlt, with_duckdb
from benchmarks.suite.imports import ROWS
from benchmarks.suite.job import Contestant, Job


class Export(Job):
    def __init__(self, kind: str, *, behind: str = "") -> None:
        self.kind, self.behind = kind, behind
        self.name = f"export, {kind}"
        stem = kind.replace(".", "_")
        self.source, self.target = f"suite_export_{stem}/", f"out_{stem}/"
        self.total, self.amount = 0, 0.0
        nothing = "writes tables, no files of a name that somebody chose"
        self.absent = {"dagster-deltalake": nothing, "dagster-iceberg": nothing}
        if kind != "parquet":
            self.absent = {**self.absent, "dagster-polars": "has an IO manager for Parquet, none for CSV"}

    def contestants(self) -> Sequence[Contestant]:
        found = [
            job.ours("benchmarks.exporters:ours", *exporters.LIBRARIES),
            job.ours_in_dagster(
                "benchmarks.suite.mine:export_in_dagster",
                *exporters.LIBRARIES,
                *mine.LIBRARIES,
                "s3_assets.builder",
            ),
            job.script("Polars", "benchmarks.exporters:polars", "polars"),
            job.rival("DuckDB", "benchmarks.rival_exporter:duckdb", *with_duckdb.LIBRARIES),
            job.rival("dlt", "benchmarks.suite.with_dlt:export_rows", *with_dlt.LIBRARIES),
        ]
        if self.kind == "parquet":
            call = "benchmarks.suite.with_dagster:polars_parquet"
            found.append(job.in_dagster("dagster-polars", call, "dagster_polars", "s3fs"))
        return found

    def fill(self, ground: Ground, size: float) -> None:
        self.total = max(int(ROWS * size), data.DAYS)
        self.what = f"{self.total:,} rows into one file"
        amount = data.rows(0, self.total, self.total)["amount"]
        self.amount = math.fsum(amount) if self.kind == "parquet" else 0.0
        data.fill(ground.store, self.source, self.total)

    def arguments(self, ground: Ground, contestant: Contestant, folder: Path) -> dict[str, Any]:
        del contestant, folder
        return {"place": ground.place, "kind": self.kind, "source": self.source, "target": self.target}

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        del answer
        found = left.parquet if self.kind == "parquet" else left.csv_gz
        left.same(contestant.name, found(ground, self.target), (self.total, self.amount))

    def after(self, ground: Ground) -> None:
        ground.clear(self.target)

    def clear(self, ground: Ground) -> None:
        ground.clear(self.source)
