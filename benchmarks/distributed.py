"""An import on a Ray cluster of this machine, and by one process: what distribution itself costs.

A cluster of one machine wins nothing: the difference is start, planning, scheduling, and more parts.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from benchmarks import child, data
from benchmarks.ground import BUCKET, Ground

if TYPE_CHECKING:
    from s3_assets.connection import S3Connection

KEY_VARIABLE, SECRET_VARIABLE = "BENCHMARK_KEY", "BENCHMARK_SECRET"
SOURCE, TARGET = "distributed_source/", "distributed_target/"
PHASES = ("plan", "cluster", "write", "audit", "commit")
LIBRARIES = (
    "polars",
    "deltalake",
    "obstore",
    "pyarrow.parquet",
    "s3_assets.incremental.append",
    "s3_assets.tables.delta",
    "s3_assets.tables.parquet",
)
SLICES = {
    "one process": 0,
    "Ray, 256 MiB a slice": 256 * 1024 * 1024,
    "Ray, 32 MiB a slice": 32 * 1024 * 1024,
}
"""Who does it: bytes of a slice, 0 for none."""


def compare(ground: Ground, total: int, repeat: int) -> str:
    """Parquet files into a partitioned Delta table; the cluster is started by each run that has one."""
    _, memory = data.fill(ground.store, SOURCE, total)
    lines = [
        f"Parquet into Delta, {total:,} rows, {memory / 1e9:.2f} GB in memory, the best of {repeat}:",
        "",
        f"| by | s | {' | '.join(f'{each} s' for each in PHASES)} | files | driver's peak MB |",
        f"|---|---:|{'---:|' * len(PHASES)}---:|---:|",
    ]
    for by, slice_bytes in SLICES.items():
        runs = []
        for _ in range(repeat):
            given = {"place": ground.place, "slice_bytes": slice_bytes}
            runs.append(child.run("benchmarks.distributed:imported", given, libraries=LIBRARIES))
            _require(ground, total)
            ground.clear(TARGET)
        best = min(runs, key=lambda each: each.seconds)
        phases = " | ".join(f"{best.answer['phases'].get(each, 0):.2f}" for each in PHASES)
        told = f"{best.answer['files']} | {best.peak / 1e6:.0f}"
        lines.append(f"| {by} | {best.seconds:.1f} | {phases} | {told} |")
        print(f"  {lines[-1]}", flush=True)
    ground.clear(SOURCE)
    return "\n".join(lines)


def connection_for_workers(ground: Ground) -> "S3Connection":
    """Return the connection with places of its keys: a cluster that this process starts finds them there."""
    from s3_assets.connection import AccessKeyAuth, SecretReference

    os.environ.update({KEY_VARIABLE: ground.key_id, SECRET_VARIABLE: ground.secret})
    auth = AccessKeyAuth(
        access_key_id=SecretReference(env=KEY_VARIABLE),
        secret_access_key=SecretReference(env=SECRET_VARIABLE),
    )
    return ground.connection.model_copy(update={"auth": auth})


def imported(place: Mapping[str, str], *, slice_bytes: int) -> dict[str, Any]:
    """Import all rows; return the seconds of its phases, and how many files it wrote."""
    from s3_assets.engines.ray.engine import RayEngine
    from s3_assets.engines.ray.settings import RaySettings
    from s3_assets.incremental.append import append_new
    from s3_assets.metrics import Meter
    from s3_assets.tables.open import open_table
    from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions

    ground = Ground(**place)
    where = connection_for_workers(ground)
    days = Partitions(column="day", start=data.FIRST_DAY)
    target = open_table("target", DeltaSettings(connection="s3", path=TARGET, partitions=days), where)
    source = open_table("source", ParquetSettings(connection="s3", path=SOURCE), where)
    engine = RayEngine(RaySettings(slice_bytes=slice_bytes)) if slice_bytes else None
    with Meter().active() as meter:
        outcome = append_new(target, "rows", source, engine=engine)
    files = outcome.written.commit.files if outcome.written is not None else 0
    return {"phases": meter.seconds_by_phase(), "files": files}


def _require(ground: Ground, total: int) -> None:
    """Polars alone finds as many rows."""
    found = pl.scan_delta(f"s3://{BUCKET}/{TARGET}", storage_options=ground.options)
    rows = found.select(pl.len()).collect().item()
    if rows != total:
        message = f"{rows:,} rows were written of {total:,}"
        raise RuntimeError(message)
