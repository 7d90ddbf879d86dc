"""A mirror on a Ray cluster of this machine, and by one process: what bringing rows together by keys costs.

`python -m benchmarks.distributed_mirrors 4000000` runs this alone. A cluster of one machine wins nothing: the
difference is what distribution itself costs.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.distributed import connection_for_workers
from benchmarks.ground import BUCKET, Ground
from benchmarks.mirrors import KEY, LIBRARIES, STREAM, change, make, require_equal, table
from s3_assets.embedded.server import EmbeddedServer

PATHS = {"source": "distributed_source", "target": "distributed_target"}
PHASES = ("cluster", "shuffle", "write", "commit")


def compare(ground: Ground, total: int) -> str:
    """A first run, and one behind a change of one row in a hundred, each here and on the cluster."""
    lines = [
        f"A mirror of {total:,} rows, a folder of Parquet files into a Delta table:",
        "",
        f"| run | by | s | {' | '.join(f'{each} s' for each in PHASES)} |",
        f"|---|---|---:|{'---:|' * len(PHASES)}",
    ]
    for by in ("one process", "Ray and Daft"):
        make(ground, "parquet", PATHS["source"], total)
        for run in ("first", "behind a change"):
            if run != "first":
                change(ground, "parquet", PATHS["source"], total)
            given = {"place": ground.place, "distributed": by != "one process"}
            done = child.run("benchmarks.distributed_mirrors:mirrored", given, libraries=LIBRARIES)
            phases = " | ".join(f"{done.answer.get(each, 0):.1f}" for each in PHASES)
            lines.append(f"| {run} | {by} | {done.seconds:.1f} | {phases} |")
            print(f"  {lines[-1]}", flush=True)
        require_equal(ground, "parquet", "delta", PATHS, total)
        for path in PATHS.values():
            ground.clear(f"{path}/")
    return "\n".join(lines)


def mirrored(place: Mapping[str, str], *, distributed: bool) -> dict[str, float]:
    """Make the target equal to its source; return the seconds of its phases."""
    from s3_assets.engines.ray.engine import RayEngine
    from s3_assets.incremental.mirror import mirror
    from s3_assets.metrics import Meter

    ground = Ground(**place)
    connection = connection_for_workers(ground)
    source, target = (
        table("parquet", PATHS["source"], connection),
        table("delta", PATHS["target"], connection),
    )
    meter = Meter()
    with meter.active():
        mirror(target, STREAM, source, keys=[KEY], engine=RayEngine() if distributed else None)
    return meter.seconds_by_phase()


def main() -> None:
    """Measure on a server of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=4_000_000)
    total: int = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        ground = Ground(server.endpoint_url)
        _client(ground).create_bucket(Bucket=BUCKET)
        print(compare(ground, total))


def _client(ground: Ground) -> Any:  # noqa: ANN401 - boto3's client
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=ground.endpoint,
        region_name="us-east-1",
        aws_access_key_id=ground.key_id,
        aws_secret_access_key=ground.secret,
    )


if __name__ == "__main__":
    main()
