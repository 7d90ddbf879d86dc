"""A month in the life of an import: whatever happens to source and runs, every row is there once at its end.

Waves of rows, compactions, vacuums, expired snapshots, rewritten and deleted files, a schema that changes
twice, runs that are killed at some request, ticks that start a run twice. By its seed a month is always the
same. An ordinary run tries four; EVERYTHING=1 tries 200 (`MONTHS` another number).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from deltalake import DeltaTable

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import month_work
from tests.incremental.ground import Ground, get_all
from tests.incremental.iceberg_ground import glue_catalog
from tests.incremental.month_sources import SOURCES, Row, Source
from tests.support.crash import Crasher, KillVariant
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(600)

APPENDS = [
    ("delta", "delta"),
    ("delta-silent", "iceberg"),
    ("delta", "parquet"),
    ("iceberg", "delta"),
    ("iceberg", "iceberg"),
    ("iceberg", "parquet"),
    ("parquet-exact", "delta"),
    ("parquet-exact", "iceberg"),
    ("parquet-path_order", "parquet"),
    ("jsonl-modified_time", "delta"),
]
MIRRORS = [
    ("delta", "delta"),
    ("delta", "iceberg"),
    ("delta-silent", "delta"),
    ("delta", "parquet"),
    ("iceberg", "delta"),
    ("parquet-exact", "delta"),
    ("parquet-exact", "iceberg"),
]
LIVES = [
    *[(source, target, "append") for source, target in APPENDS],
    *[(source, target, "mirror") for source, target in MIRRORS],
]
SEEDS = range(int(os.environ.get("MONTHS", "200"))) if EVERYTHING else range(0, 2 * len(LIVES), 9)
DAYS = 30
COLUMNS = ("id", "day", "text", "amount", "note", "remark")
START = date(2026, 1, 1)


@dataclass
class Month:
    """One month: what the source has, and what was done."""

    seed: int
    ground: Ground
    crasher: Crasher
    bucket: str = field(default_factory=lambda: f"month-{uuid4().hex[:10]}")
    rows: dict[int, Row] = field(default_factory=dict)
    """Append: all that were ever there. Mirror: those of now."""
    told: list[str] = field(default_factory=list)
    kills: int = 0
    _all_read: bool = True

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - the same month each time
        self.source_kind, self.target_kind, self.mode = LIVES[self.seed % len(LIVES)]
        self.ground.client.create_bucket(Bucket=self.bucket)
        self.source: Source = SOURCES[self.source_kind](
            self.ground.endpoint,
            self.bucket,
            self.ground.store(self.bucket),
            # delta-rs widens no column, neither theirs nor ours.
            widens=self.target_kind != "delta" and not self.source_kind.startswith("delta"),
        )
        self.next = 0

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "bucket": self.bucket,
            "source": self.source_kind,
            "target": self.target_kind,
            "mode": self.mode,
            "files": self.random.choice([None, None, 1, 3]) if self.mode == "append" else None,
        }

    def live(self) -> None:
        """Live through it, and run the import until it has nothing to do."""
        changes = self.random.sample(range(3, DAYS), 2)
        self.wave(0)
        for day in range(DAYS):
            if day in changes:
                self.source.change_schema()
                self.told.append(f"{day}: schema")
            if self.random.random() < 0.5:
                self.wave(day)
            if self.mode == "mirror" and self.random.random() < 0.4:
                self.change(day)
            if self.random.random() < 0.2:
                # A mirror takes out what a file that is deleted had, and this is to change no row.
                done = self._all_read and self.mode == "append"
                self.told.append(f"{day}: {self.source.tidy(self.random, all_read=done)}")
            if self.random.random() < 0.4:
                self.run(day)
        self.succeed(DAYS)
        assert self.succeed(DAYS)["nothing_new"], self.story

    def wave(self, day: int) -> None:
        """New rows, some of them late."""
        rows: list[Row] = []
        for _ in range(self.random.randint(1, 12)):
            late = self.random.choice([0, 0, 0, 1, 5])
            rows.append(
                {
                    "id": self.next,
                    "day": START + timedelta(days=max(day - late, 0)),
                    "text": f"row {self.next}",
                    "amount": self.random.randint(-1000, 1000),
                }
            )
            for name in {"note", "remark"} & {*self.source.schema}:
                rows[-1][name] = f"{name} of {day}" if self.next % 3 else None
            self.next += 1
        self.source.add(rows)
        self.rows.update({row["id"]: row for row in rows})
        self._all_read = False
        self.told.append(f"{day}: {len(rows)} rows")

    def change(self, day: int) -> None:
        """Other values for some rows, or no more of them."""
        ids = self.random.sample(sorted(self.rows), min(len(self.rows), self.random.randint(1, 4)))
        if len(self.rows) - len(ids) < 1:
            return
        self._all_read = False
        if self.random.random() < 0.4:
            for each in ids:
                del self.rows[each]
            self.source.take(ids, self.rows)
            self.told.append(f"{day}: took {ids}")
            return
        for each in ids:
            self.rows[each] = {**self.rows[each], "text": f"changed on {day}"}
        self.source.put([self.rows[each] for each in ids], self.rows)
        self.told.append(f"{day}: changed {ids}")

    def run(self, day: int) -> None:
        """A run that succeeds, or is killed, or is started twice."""
        kind = self.random.random()
        if kind < 0.35:
            variant: KillVariant = self.random.choice(["kill_before", "kill_after"])
            k = self.random.randint(1, 50 if variant == "kill_before" else 15)
            outcome = self.crasher.run(self._through_proxy(), variant, k)
            self.kills += outcome.killed
            assert outcome.killed or outcome.succeeded, f"{self.story}\n{outcome.describe()}"
            self.told.append(f"{day}: {variant} {k}: {outcome.describe()}")
        elif kind < 0.5:
            given = {**self.arguments, "endpoint": self.ground.endpoint}
            with ThreadPoolExecutor(2) as pool:
                both = [pool.submit(month_work.run, **given) for _ in range(2)]
                self.told.append(f"{day}: twice: {[each.result() for each in both]}")
        else:
            self.succeed(day)

    def succeed(self, day: int) -> dict[str, Any]:
        """A run as it ought to be."""
        outcome = self.crasher.run(self._through_proxy())
        assert outcome.succeeded, f"{self.story}\n{outcome.describe()}"
        self._all_read = True
        self.told.append(f"{day}: {outcome.result}")
        return dict(outcome.result)

    def _through_proxy(self) -> dict[str, Any]:
        return {**self.arguments, "endpoint": self.crasher.proxy.endpoint}

    @property
    def story(self) -> str:
        lines = "\n".join(self.told)
        return f"seed {self.seed}, {self.source_kind} to {self.target_kind}, {self.mode}\n{lines}"

    def expected(self) -> list[tuple[Any, ...]]:
        return sorted(tuple(row.get(name) for name in COLUMNS) for row in self.rows.values())

    def found(self) -> list[tuple[Any, ...]]:
        """The target's rows as others read them."""
        found = self._read()
        missing = [pl.lit(None, pl.String).alias(name) for name in COLUMNS if name not in found.columns]
        return sorted(found.with_columns(missing).select(COLUMNS).rows())

    def _read(self) -> pl.DataFrame:
        if self.target_kind == "iceberg":
            name = month_work.glue_name(self.bucket, "target")
            return pl.DataFrame(glue_catalog(self.ground.endpoint).load_table(name).scan().to_arrow())
        if self.target_kind == "delta":
            url = f"s3://{self.bucket}/{month_work.TARGET}"
            handle = DeltaTable(url, storage_options=self.ground.options)
            return pl.concat([pl.DataFrame(batch) for batch in handle.scan()])
        frames = []
        for key, body in get_all(self.ground.store(self.bucket), month_work.TARGET).items():
            if key.startswith("_s3_assets/"):
                continue
            day = date.fromisoformat(key.partition("day=")[2].partition("/")[0])
            frames.append(pl.read_parquet(body).with_columns(pl.lit(day).alias("day")))
        return pl.concat(frames, how="diagonal_relaxed")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_month(
    seed: int, s3_server: EmbeddedServer, s3_client: Any, proxy: RequestProxy, zygote: Zygote
) -> None:
    ground = Ground(s3_server.endpoint_url, s3_client)
    month = Month(seed, ground, Crasher(proxy, zygote, month_work.run, 120.0))

    month.live()

    assert month.found() == month.expected(), month.story
    print(f"seed {seed}: {len(month.rows)} rows, {month.kills} runs killed")  # noqa: T201 - of the report
