"""`dagster asset materialize` of a one-row import, taken apart: Python, Dagster, definitions, our part.

Each part is the difference of two commands that differ by it alone. The least of all runs is what a command
needs; what is above it, other processes took.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import obstore
import polars as pl

from benchmarks.ground import BUCKET, Ground
from s3_assets.embedded.server import REGION

DAGSTER = str(Path(sys.executable).with_name("dagster"))
_FOLDER = "materialize"
_PLAIN = """import dagster as dg


@dg.asset
def plain() -> None:
    pass
"""
_OWN = f"{_PLAIN}\n\ndefs = dg.Definitions(assets=[plain], executor=dg.in_process_executor)\n"
_REGISTRY = """connections:
  lake:
    url: s3://{bucket}/{folder}/
    endpoint: {endpoint}
    region: {region}
    auth:
      type: access_key
      access_key_id: {{ env: LAKE_KEY }}
      secret_access_key: {{ env: LAKE_SECRET }}
tables:
  raw: {{ connection: lake, format: parquet, path: raw }}
  orders: {{ connection: lake, format: delta, path: orders }}
imports:
  orders: {{ source: raw, target: orders }}
code: [plain.py]
"""
PYTHON, LIBRARY, BARE, PLAIN, OURS = (
    "python -c pass",
    "python -c 'import dagster'",
    "materialize an @asset that does nothing",
    "the same, beside our definitions",
    "materialize an import of one row",
)


@dataclass
class _Taken:
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


def compare(ground: Ground, repeat: int) -> str:
    """Run each command in turn, so that a busy moment is shared, and return the tables."""
    with tempfile.TemporaryDirectory(prefix="benchmark-project-") as folder:
        project = _Project(ground, Path(folder))
        taken = {name: _Taken() for name in project.commands}
        for turn in range(repeat + 1):
            for name, command in project.commands.items():
                if name == OURS:
                    project.land(turn)
                wall, processor = project.run(command)
                # The first turn warms the caches, and makes the table.
                if turn:
                    taken[name].wall.append(wall)
                    taken[name].processor.append(processor)
        project.land(repeat + 1)
        loaded = project.loaded()
    return "\n\n".join([_commands(taken), _parts(taken), _libraries(loaded)])


class _Project:
    """A registry with one import, and a module of Dagster's own beside it."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        self._ground = ground
        self._folder = folder
        (folder / "home").mkdir()
        (folder / "home" / "dagster.yaml").write_text("telemetry: { enabled: false }\n")
        (folder / "plain.py").write_text(_PLAIN)
        (folder / "own.py").write_text(_OWN)
        (folder / "s3_assets.yaml").write_text(
            _REGISTRY.format(bucket=BUCKET, folder=_FOLDER, endpoint=ground.endpoint, region=REGION)
        )
        of_own = ["-f", str(folder / "own.py"), "--select", "plain"]
        self.commands = {
            PYTHON: [sys.executable, "-c", "pass"],
            LIBRARY: [sys.executable, "-c", "import dagster"],
            BARE: [DAGSTER, "asset", "materialize", *of_own],
            PLAIN: [DAGSTER, "asset", "materialize", "-m", "s3_assets.definitions", "--select", "plain"],
            OURS: [DAGSTER, "asset", "materialize", "-m", "s3_assets.definitions", "--select", "orders"],
        }

    def land(self, number: int) -> None:
        """Put a file with one row to the others."""
        body = BytesIO()
        pl.DataFrame({"id": [number], "name": [f"order {number}"]}).write_parquet(body)
        obstore.put(self._ground.store, f"{_FOLDER}/raw/{number:06d}.parquet", body.getvalue())

    def run(self, command: list[str], **more: str) -> tuple[float, float]:
        """Return the seconds that passed, and those of a processor."""
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        self._run(command, **more)
        wall = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def loaded(self) -> dict[str, float]:
        """Return the seconds of modules that an import loads and a plain asset does not, by library."""
        found = [
            _imports(self._run(self.commands[name], PYTHONPROFILEIMPORTTIME="1")) for name in (PLAIN, OURS)
        ]
        more: dict[str, float] = {}
        for module, seconds in found[1].items():
            if module not in found[0]:
                library = module.partition(".")[0]
                more[library] = more.get(library, 0.0) + seconds
        return more

    def _run(self, command: list[str], **more: str) -> str:
        variables = {
            "DAGSTER_HOME": str(self._folder / "home"),
            "S3_ASSETS_REGISTRY": str(self._folder / "s3_assets.yaml"),
            "LAKE_KEY": self._ground.key_id,
            "LAKE_SECRET": self._ground.secret,
            # As on a machine where it was installed: what is compiled once is kept.
            "PYTHONDONTWRITEBYTECODE": "",
            **more,
        }
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **variables},
            cwd=self._folder,
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stderr[-2000:]}")
        return done.stderr


def _imports(text: str) -> dict[str, float]:
    """Return the seconds of each module by itself, as `-X importtime` has written them."""
    found = {}
    for line in text.splitlines():
        own, bar, rest = line.removeprefix("import time:").partition("|")
        if line.startswith("import time:") and bar and own.strip().isdigit():
            found[rest.partition("|")[2].strip()] = int(own) / 1e6
    return found


def _commands(taken: dict[str, _Taken]) -> str:
    runs = len(taken[PYTHON].wall)
    lines = [
        f"### `dagster asset materialize` of one row, {runs} runs each",
        "",
        "| command | s, least | s, median | s of a processor, least |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {min(each.wall):.2f} | {statistics.median(each.wall):.2f} "
            f"| {min(each.processor):.2f} |"
            for name, each in taken.items()
        ),
    ]
    return "\n".join(lines)


def _parts(taken: dict[str, _Taken]) -> str:
    parts = {
        "the interpreter": (PYTHON, None),
        "importing Dagster": (LIBRARY, PYTHON),
        "its command, instance, run and events": (BARE, LIBRARY),
        "our definitions": (PLAIN, BARE),
        "our step": (OURS, PLAIN),
        "**ours together**": (OURS, BARE),
    }
    lines = ["| part | s, of least | % | % of medians | % of processor |", "|---|---:|---:|---:|---:|"]
    for part, (until, since) in parts.items():
        figures = [
            [reduce(of(taken[until])) - (reduce(of(taken[since])) if since else 0.0), reduce(of(taken[OURS]))]
            for reduce, of in (
                (min, lambda each: each.wall),
                (statistics.median, lambda each: each.wall),
                (min, lambda each: each.processor),
            )
        ]
        shares = " | ".join(f"{100 * took / whole:.1f}" for took, whole in figures)
        lines.append(f"| {part} | {figures[0][0]:.2f} | {shares} |")
    return "\n".join(lines)


def _libraries(loaded: dict[str, float]) -> str:
    most = sorted(loaded.items(), key=lambda each: -each[1])
    lines = ["| loaded by our step alone | ms |", "|---|---:|"]
    lines += [f"| {library} | {seconds * 1000:.0f} |" for library, seconds in most[:12]]
    others = sum(seconds for _, seconds in most[12:])
    return "\n".join([*lines, f"| {len(most[12:])} others | {others * 1000:.0f} |"])
