"""Definitions of many tables: seconds and memory of loading them, beside as many plain `@asset` functions.

Each is loaded in a fresh process, as every command, run and code server of Dagster does.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CHILD = "benchmarks.definitions_child"
PLAIN, OURS = "plain @asset", "s3-assets"
PHASES = {
    "imports": "our modules",
    "yaml": "YAML into nodes",
    "registry": "values, models, checks",
    "specs": "asset specs",
    "assets": "asset definitions",
    "others": "sensors, the rest",
    "repository": "Dagster's repository and graph",
}


def compare(counts: tuple[int, ...], repeat: int) -> list[str]:
    """Load so many tables in turn, the contestants one after the other, and return the tables."""
    found: dict[tuple[int, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="definitions-") as folder:
        for count in counts:
            file = Path(folder) / f"{count}.yaml"
            file.write_text(registry(count))
            for _ in range(repeat):
                for name in (PLAIN, OURS):
                    found.setdefault((count, name), []).append(_load(name, count, file))
    return [_sides(found, counts, repeat), _apart(found, counts)]


def registry(count: int) -> str:
    """Return the text of a registry: half of the tables are sources, half are written by imports of these."""
    lines = ["connections:", "  lake: {url: s3://lake/}", "tables:"]
    for number in range(count // 2):
        partitions = "    partitions: {column: date, every: day, start: 2026-01-01}"
        lines += [f"  landing/t{number}:", "    connection: lake", "    format: parquet"]
        lines += [f"    path: landing/t{number}", partitions]
        lines += [f"  lake/t{number}:", "    connection: lake", "    format: delta"]
        lines += [f"    path: lake/t{number}", f"    description: Table {number} of the lake.", partitions]
    lines.append("imports:")
    for number in range(count // 2):
        mode = "replace" if number % 2 else "append"
        lines += [f"  t{number}:", f"    source: landing/t{number}", f"    target: lake/t{number}"]
        lines.append(f"    mode: {mode}")
    return "\n".join(lines) + "\n"


def _load(name: str, count: int, file: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", CHILD, name, str(count), str(file)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _sides(found: dict[tuple[int, str], list[dict[str, Any]]], counts: tuple[int, ...], repeat: int) -> str:
    lines = [
        f"### Definitions, {repeat} loads each, processor seconds (median) without the import of Dagster",
        "",
        "| | assets | load s | repository s | all s | peak MB | without Dagster's MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for count in counts:
        for name in (PLAIN, OURS):
            runs = found[count, name]
            load = statistics.median(sum(each["seconds"].values()) for each in runs)
            repository = statistics.median(each["seconds"]["repository"] for each in runs)
            peak = statistics.median(each["peak"] for each in runs)
            own = statistics.median(each["peak"] - each["bare"] for each in runs)
            lines.append(
                f"| {name} | {runs[0]['assets']:,} | {load - repository:.2f} | {repository:.2f} | {load:.2f} "
                f"| {peak:.0f} | {own:.0f} |"
            )
    return "\n".join(lines)


def _apart(found: dict[tuple[int, str], list[dict[str, Any]]], counts: tuple[int, ...]) -> str:
    lines = [
        "### Taken apart: processor seconds (median) and resident MB of the large parts",
        "",
        "| | " + " | ".join(PHASES.values()) + " |",
        "|---|" + "---:|" * len(PHASES),
    ]
    for count in counts:
        for name in (PLAIN, OURS):
            runs = found[count, name]
            cells = []
            for phase in PHASES:
                if phase not in runs[0]["seconds"]:
                    cells.append("")
                    continue
                cell = f"{statistics.median(each['seconds'][phase] for each in runs):.2f} s"
                if phase in runs[0]["grown"]:
                    cell += f", {statistics.median(each['grown'][phase] for each in runs):.0f} MB"
                cells.append(cell)
            lines.append(f"| {name}, {count:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
