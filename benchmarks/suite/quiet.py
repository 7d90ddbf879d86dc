"""What a run costs that finds nothing new, and one that finds a few commits of a table."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
import polars as pl

from benchmarks import appenders, appends, data
from benchmarks.ground import BUCKET, Ground
from benchmarks.suite import job, left, mine, with_dlt
from benchmarks.suite.job import Contestant, Job

FILES, ROWS = 20_000, 10
NEW_ROWS = 10_000_000
_ABSENT = {
    "DuckDB": "keeps no position: each run reads all again",
    "dagster-deltalake": "has no cursor: each run reads and writes all again",
    "dagster-iceberg": "has no cursor: each run reads and writes all again",
    "dagster-polars": "has no cursor: each run reads and writes all again",
}


class Remembered(Job):
    """A job whose runs know what those before them have read; each contestant has a target of its own."""

    source, target = "", ""
    absent = _ABSENT

    def arguments(self, ground: Ground, contestant: Contestant, folder: Path) -> dict[str, Any]:
        return {
            "place": ground.place,
            "source": self.source,
            "target": self._target(contestant),
            "state": str(folder),
        }

    def _target(self, contestant: Contestant) -> str:
        names = [each.name for each in self.contestants()]
        return f"{self.target.rstrip('/')}_{names.index(contestant.name)}/"

    def begin(self, ground: Ground, contestant: Contestant, folder: Path) -> None:
        self.execute(contestant, self.arguments(ground, contestant, folder))

    def end(self, ground: Ground, contestant: Contestant) -> None:
        ground.clear(self._target(contestant))

    def clear(self, ground: Ground) -> None:
        ground.clear(self.source)

    def rows(self) -> tuple[int, float]:
        raise NotImplementedError

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        del answer
        left.same(contestant.name, left.delta(ground, self._target(contestant)), self.rows())


class NoNewFiles(Remembered):
    """All files of a folder have been read; the run finds that out."""

    name = "nothing new, Parquet files → delta"
    source, target = "suite_files/", "from_files/"

    def __init__(self, *, behind: str = "") -> None:
        self.behind = behind
        self.files, self.amount = 0, 0.0

    def contestants(self) -> Sequence[Contestant]:
        told = {"kind": "parquet", "into": "delta"}
        return [
            job.ours("benchmarks.suite.mine:new_files", *mine.LIBRARIES, "deltalake", **told),
            job.script(
                "a list of names", "benchmarks.suite.by_hand:new_files", "obstore", "deltalake", **told
            ),
            job.rival("dlt", "benchmarks.suite.with_dlt:new_files", *with_dlt.LIBRARIES, **told),
        ]

    def fill(self, ground: Ground, size: float) -> None:
        self.files = max(int(FILES * size), 2)
        self.what = f"{self.files:,} files, all of them read before"
        frame = data.rows(0, ROWS, ROWS)
        self.amount = math.fsum(frame["amount"]) * self.files
        body, store = data.parquet(frame), ground.store
        with ThreadPoolExecutor(8) as pool:
            keys = (f"{self.source}part-{number:07d}.parquet" for number in range(self.files))
            list(pool.map(lambda key: obstore.put(store, key, body), keys))

    def rows(self) -> tuple[int, float]:
        return self.files * ROWS, self.amount


class NewCommits(Remembered):
    """A Delta table has grown by some commits since the run before; or, `grows=False`, it has not."""

    def __init__(self, *, grows: bool, behind: str = "") -> None:
        self.grows, self.behind = grows, behind
        self.name = "incremental, delta → delta" if grows else "nothing new, delta → delta"
        stem = "grown" if grows else "same"
        self.source, self.target = f"suite_{stem}/", f"from_{stem}/"
        self._kept = f"suite_kept_{stem}/"
        self.total, self.amount = 0, 0.0

    def contestants(self) -> Sequence[Contestant]:
        return [
            job.ours("benchmarks.appenders:ours", *appenders.LIBRARIES, *mine.LIBRARIES),
            job.script("`load_cdf`, `write_deltalake`", "benchmarks.appenders:by_hand", *appenders.LIBRARIES),
            job.rival("dlt", "benchmarks.rival_appender:dlt", "deltalake", "dlt", "pyarrow"),
        ]

    def fill(self, ground: Ground, size: float) -> None:
        new = max(int(NEW_ROWS * size), appends.COMMITS) // appends.COMMITS * appends.COMMITS
        appends.make_sources(ground, new, f"{self._kept}base/", f"{self._kept}grown/")
        self.total = appends.BASE_ROWS + (new if self.grows else 0)
        self.amount = _amount(ground, f"{self._kept}{'grown' if self.grows else 'base'}/")
        self.what = (
            f"{new:,} rows in {appends.COMMITS} commits" if self.grows else "a table without new commits"
        )

    def begin(self, ground: Ground, contestant: Contestant, folder: Path) -> None:
        if not self.grows:
            appends.copy(ground, f"{self._kept}base/", self.source)
            super().begin(ground, contestant, folder)

    def before(self, ground: Ground, contestant: Contestant, folder: Path) -> None:
        """Read the table as it was at first, then let it grow."""
        if not self.grows:
            return
        self.end(ground, contestant)
        ground.clear(self.source)
        for kept in sorted(folder.glob("**/*"), reverse=True):
            kept.rmdir() if kept.is_dir() else kept.unlink()
        appends.copy(ground, f"{self._kept}base/", self.source)
        super().begin(ground, contestant, folder)
        appends.copy(ground, f"{self._kept}grown/", self.source)

    def clear(self, ground: Ground) -> None:
        super().clear(ground)
        ground.clear(self._kept)

    def rows(self) -> tuple[int, float]:
        return self.total, self.amount


def _amount(ground: Ground, table: str) -> float:
    rows = pl.scan_delta(f"s3://{BUCKET}/{table}", storage_options=ground.options)
    return math.fsum(rows.select("amount").collect()["amount"])
