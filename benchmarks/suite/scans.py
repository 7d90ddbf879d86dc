"""A question to a table that needs one column of one day's rows: what is fetched, and how long it takes."""

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import data, formats, ours
from benchmarks.ground import Ground
from benchmarks.suite import job, left, with_duckdb
from benchmarks.suite.imports import ROWS
from benchmarks.suite.job import Contestant, Job

DAY = data.FIRST_DAY + timedelta(days=7)


class Pushdown(Job):
    """The files follow the days, as they arrive: statistics leave most of them out."""

    def __init__(self, kind: str, *, behind: str = "") -> None:
        self.kind, self.behind = kind, behind
        self.name = f"one column of one day, {kind}"
        self.path = f"suite_day_{kind}"
        self.source = f"{self.path}/"
        self.rows, self.amount = 0, 0.0
        scans = "hands the asset Polars' own scan"
        self.absent = {
            "dagster-polars": f"{scans}; of Iceberg it knows nothing" if kind == "iceberg" else scans,
            "dagster-deltalake": "hands the asset PyArrow's dataset"
            if kind == "delta"
            else "reads Delta alone",
            "dagster-iceberg": scans if kind == "iceberg" else "reads Iceberg alone",
            "dlt": "reads whole files, row by row or batch by batch",
        }

    def contestants(self) -> Sequence[Contestant]:
        engines = ours.ENGINES.get(self.kind, ())
        scripts = "benchmarks.suite.by_hand"
        found = [
            job.ours("benchmarks.suite.mine:pushdown", *ours.LIBRARIES, *engines),
            job.script("Polars", f"{scripts}:pushdown", "polars", "obstore", *engines),
            job.rival("DuckDB", "benchmarks.suite.with_duckdb:pushdown", *with_duckdb.LIBRARIES),
        ]
        if self.kind == "iceberg":
            libraries = (*engines, "pyarrow.compute")
            found.append(job.script("PyIceberg", f"{scripts}:pyiceberg_pushdown", *libraries))
        return found

    def fill(self, ground: Ground, size: float) -> None:
        total = max(int(ROWS * size), data.DAYS)
        each = max(total // data.DAYS, 1)

        def frames() -> Iterator[pl.DataFrame]:
            for start in range(0, total, each):
                frame = data.rows(start, min(each, total - start), total)
                of_the_day = frame.filter(pl.col("day") == DAY)["amount"]
                self.rows += of_the_day.len()
                self.amount += math.fsum(of_the_day)
                yield frame

        formats.write(ground, self.kind, self.path, frames())
        self.what = f"{self.rows:,} of {total:,} rows"

    def arguments(self, ground: Ground, contestant: Contestant, folder: Path) -> dict[str, Any]:
        del contestant, folder
        day: date = DAY
        return {"place": ground.place, "kind": self.kind, "path": self.path, "day": day.isoformat()}

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        del ground
        rows, amount = answer
        left.same(contestant.name, (rows, amount), (self.rows, self.amount))

    def clear(self, ground: Ground) -> None:
        if self.kind == "iceberg":
            left.forget(ground, self.source)
        ground.clear(self.source)
