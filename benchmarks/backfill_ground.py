"""Hourly tables: a source of files, its imports into Delta and Parquet, and a user's own assets on these."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import polars as pl
import pyarrow.parquet
import yaml
from deltalake import DeltaTable

from benchmarks.ground import BUCKET, Ground
from s3_assets.embedded.server import REGION

COUNT, LAST = "BACKFILL_MARTS", "BACKFILL_END"
"""Environment variables: how many assets of the user's own, and the end of the partitions."""

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
ROWS_PER_HOUR = 10
KINDS = ("delta", "parquet")
SOURCE = "landing/events"
FOLDERS = "%Y/%m/%d/%H"
_ASSETS = Path(__file__).with_name("backfill_assets.py")


@dataclass(frozen=True)
class Hourly:
    """`pairs` imports with as many assets on them, each with `hours` partitions."""

    ground: Ground
    pairs: int
    hours: int

    @property
    def tables(self) -> dict[str, str]:
        """All that is written, with its kind."""
        return {
            f"{name}{number:02}": KINDS[number % len(KINDS)]
            for name in ("lake/t", "marts/m")
            for number in range(self.pairs)
        }

    @property
    def partitions(self) -> list[str]:
        """Dagster's keys of all partitions."""
        return [f"{FIRST + timedelta(hours=hour):%Y-%m-%d-%H:%M}" for hour in range(self.hours)]

    @property
    def variables(self) -> dict[str, str]:
        """What the processes of Dagster are told besides."""
        end = FIRST + timedelta(hours=self.hours)
        return {COUNT: str(self.pairs), LAST: f"{end:%Y-%m-%d-%H:%M}"}

    def land(self) -> None:
        """Put a file for each hour; the ids go on from one to the next."""
        for hour in range(self.hours):
            body = io.BytesIO()
            first = hour * ROWS_PER_HOUR
            pl.select(
                id=pl.int_range(first, first + ROWS_PER_HOUR, dtype=pl.Int64), amount=pl.lit(0.5)
            ).write_parquet(body)
            folder = f"{FIRST + timedelta(hours=hour):{FOLDERS}}"
            obstore.put(self.ground.store, f"{SOURCE}/{folder}/events.parquet", body.getvalue())

    def write_registry(self, path: Path) -> None:
        """Write the registry's file."""
        hourly = {
            "column": "hour",
            "every": "hour",
            "start": FIRST.replace(tzinfo=None),
            "end": (FIRST + timedelta(hours=self.hours)).replace(tzinfo=None),
        }
        source = {"path": SOURCE, "format": "parquet", "columns": {"id": "int64", "amount": "float64"}}
        tables: dict[str, Any] = {SOURCE: {**source, "partitions": {**hourly, "folders": FOLDERS}}}
        tables |= {
            name: {"path": name, "format": kind, "partitions": hourly} for name, kind in self.tables.items()
        }
        numbers = [f"t{number:02}" for number in range(self.pairs)]
        registry = {
            "code": [str(_ASSETS)],
            "connections": {
                "lake": {
                    "url": f"s3://{BUCKET}/",
                    "endpoint": self.ground.endpoint,
                    "region": REGION,
                    "auth": {
                        "type": "access_key",
                        "access_key_id": self.ground.key_id,
                        "secret_access_key": self.ground.secret,
                    },
                }
            },
            "tables": {name: {"connection": "lake", **table} for name, table in tables.items()},
            "imports": {
                name: {"source": SOURCE, "target": f"lake/{name}", "mode": "replace"} for name in numbers
            },
        }
        path.write_text(yaml.safe_dump(registry))

    def wrong(self) -> dict[str, str]:
        """Read every table without any code of ours; the result is what is not as it should be."""
        found = {name: self._difference(name, kind) for name, kind in self.tables.items()}
        return {name: text for name, text in found.items() if text}

    def _difference(self, name: str, kind: str) -> str:
        ids, amounts = self._delta(name) if kind == "delta" else self._parquet(name)
        wanted = range(self.hours * ROWS_PER_HOUR)
        twice, missing = len(ids) - len(set(ids)), len(set(wanted) - set(ids))
        amount = 0.5 if name.startswith("lake/") else 1.0
        if twice or missing or len(ids) != len(wanted) or set(amounts) != {amount}:
            return f"{len(ids)} rows, {twice} twice, {missing} missing, amounts {sorted(set(amounts))[:3]}"
        return ""

    def _delta(self, name: str) -> tuple[list[int], list[float]]:
        table = DeltaTable(f"s3://{BUCKET}/{name}", storage_options=self.ground.options).to_pyarrow_table()
        return table["id"].to_pylist(), table["amount"].to_pylist()

    def _parquet(self, name: str) -> tuple[list[int], list[float]]:
        ids: list[int] = []
        amounts: list[float] = []
        for chunk in obstore.list(self.ground.store, f"{name}/"):
            for item in chunk:
                below = item["path"].removeprefix(f"{name}/")
                if below.startswith(("_", ".")) or "/_" in below or "/." in below:
                    continue
                body = obstore.get(self.ground.store, item["path"]).bytes()
                table = pyarrow.parquet.read_table(io.BytesIO(body), columns=["id", "amount"])
                ids += table["id"].to_pylist()
                amounts += table["amount"].to_pylist()
        return ids, amounts
