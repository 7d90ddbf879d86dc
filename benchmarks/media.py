"""Media sets: requests and seconds of an inventory with few new objects, and copies beside `aws s3 sync`."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore

from benchmarks.ground import BUCKET, Ground
from s3_assets.connection import S3Connection
from s3_assets.embedded.virtual_environment import VirtualEnvironment
from s3_assets.media.media_set import MediaSet
from s3_assets.media.source import MediaSource
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings
from tests.support.proxy import RequestProxy

REQUIREMENTS = Path(__file__).with_name("aws-requirements.txt")
NEW = 100
OBJECTS = "media/objects/"
TO_COPY = "media/to-copy/"
COPY_BYTES = 100_000
# A picture of one pixel, as far as its header says it.
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (1).to_bytes(4, "big") * 2 + b"\x08\x06\0\0\0" + b"\0" * 200


def compare(ground: Ground, objects: int, copies: int, repeat: int, *, rivals: bool) -> list[str]:
    return [inventory(ground, objects), copying(ground, copies, repeat, rivals=rivals)]


def inventory(ground: Ground, objects: int) -> str:
    """A first run over so many objects, then runs with nothing new and with a few new ones."""
    _put(ground, OBJECTS, range(objects), PICTURE)
    lines = [
        f"An inventory of {objects:,} objects in a Delta table:",
        "",
        "| run | s | requests | listings | objects looked at | of the inventory | KB in | KB out |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    seconds = _seconds(lambda: _run(ground.connection, objects))
    lines.append(f"| first | {seconds:.1f} | | | {objects:,} | | | |")
    print(f"  {lines[-1]}", flush=True)
    with RequestProxy(ground.endpoint) as proxy:
        through = ground.through(proxy.endpoint).connection
        last = objects
        for name, new in (("nothing new", 0), (f"{NEW} new", NEW)):
            # Once beside the proxy for the seconds, once through it for the requests.
            _put(ground, OBJECTS, range(last, last + new), PICTURE)
            seconds = _seconds(lambda new=new: _run(ground.connection, new))  # type: ignore[misc]  # called at once
            _put(ground, OBJECTS, range(last + new, last + 2 * new), PICTURE)
            last += 2 * new
            proxy.reset()
            _run(through, new)
            requests = proxy.requests()
            listed = sum("list-type" in each.path and "inventory" not in each.path for each in requests)
            looked = sum(OBJECTS in each.path and "list-type" not in each.path for each in requests)
            received, sent = (
                sum(getattr(each, way) for each in requests) for way in ("bytes_out", "bytes_in")
            )
            lines.append(
                f"| {name} | {seconds:.1f} | {len(requests)} | {listed} | {looked} | "
                f"{len(requests) - listed - looked} | {received / 1000:,.0f} | {sent / 1000:,.0f} |"
            )
            print(f"  {lines[-1]}", flush=True)
    return "\n".join(lines)


def copying(ground: Ground, copies: int, repeat: int, *, rivals: bool) -> str:
    """The same objects, copied on the server: whole commands, with all that they load."""
    _put(ground, TO_COPY, range(copies), os.urandom(COPY_BYTES))
    commands: dict[str, Callable[[str], list[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        registry = Path(folder) / "registry.yaml"
        commands["s3-assets media"] = lambda place: _ours(registry, ground, place)
        if rivals:
            commands["aws s3 sync"] = lambda place: _aws(ground, place)
        taken: dict[tuple[str, str], list[float]] = {}
        for turn in range(repeat):
            names = list(commands) if turn % 2 == 0 else list(commands)[::-1]
            for name in names:
                place = f"media/copies-{name.replace(' ', '-')}-{turn}/"
                for run in ("first", "nothing new"):
                    command = commands[name](place)
                    seconds = _seconds(lambda command=command: _command(command, ground))  # type: ignore[misc]  # called at once
                    taken.setdefault((name, run), []).append(seconds)
                    print(f"  {name}, {run}: {seconds:.1f} s", flush=True)
                found = sum(len(chunk) for chunk in obstore.list(ground.store, place))
                if found != copies:
                    raise RuntimeError(f"{name}: {found} copies, not {copies}")
                ground.clear(place)
    lines = [
        f"{copies:,} objects of {COPY_BYTES // 1000} KB, copied on the server, medians of {repeat}:",
        "",
        "| | s | s, nothing new |",
        "|---|---:|---:|",
    ]
    for name in commands:
        first, again = (statistics.median(taken[name, run]) for run in ("first", "nothing new"))
        lines.append(f"| {name} | {first:.1f} | {again:.1f} |")
    return "\n".join(lines)


def _run(connection: S3Connection, expected: int) -> None:
    table = open_table("inventory", DeltaSettings(connection="s3", path="media/inventory/"), connection)
    found = MediaSet("objects", MediaSource(connection, OBJECTS), table).run()
    if found.counts.new != expected:
        raise RuntimeError(f"{found.counts}, not {expected:,} new")


def _put(ground: Ground, prefix: str, numbers: range, body: bytes) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                lambda number: obstore.put(
                    ground.store, f"{prefix}{number // 1000:04}/{number:07}.png", body
                ),
                numbers,
            )
        )


def _ours(registry: Path, ground: Ground, place: str) -> list[str]:
    name = place.strip("/").rpartition("/")[2].replace("-", "_")
    connection = {
        "url": f"s3://{BUCKET}/",
        "endpoint": ground.endpoint,
        "region": ground.options["aws_region"],
        "auth": {"type": "access_key", "access_key_id": ground.key_id, "secret_access_key": ground.secret},
    }
    media = {
        "connection": "s3",
        "path": TO_COPY,
        "target": name,
        "copy_to": {"connection": "s3", "path_prefix": place},
    }
    import yaml

    registry.write_text(
        yaml.safe_dump(
            {
                "connections": {"s3": connection},
                "tables": {name: {"format": "delta", "connection": "s3", "path": f"media/inventory-{name}/"}},
                "media": {name: media},
            }
        )
    )
    return [sys.executable, "-m", "s3_assets.cli.main", "--registry", str(registry), "media", name]


def _aws(ground: Ground, place: str) -> list[str]:
    environment = VirtualEnvironment(Path(sys.prefix) / "benchmarks-aws")
    environment.ensure(REQUIREMENTS)
    aws = environment.python.with_name("aws")
    source, target = f"s3://{BUCKET}/{TO_COPY}", f"s3://{BUCKET}/{place}"
    return [str(aws), "--endpoint-url", ground.endpoint, "s3", "sync", "--only-show-errors", source, target]


def _command(command: list[str], ground: Ground) -> None:
    keys = {"AWS_ACCESS_KEY_ID": ground.key_id, "AWS_SECRET_ACCESS_KEY": ground.secret}
    region = {"AWS_DEFAULT_REGION": ground.options["aws_region"], "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        command, env={**os.environ, **keys, **region}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-1000:]}")


def _seconds(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
