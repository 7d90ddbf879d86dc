"""`python -m benchmarks suite`: all jobs side by side with everything else, as tables and plots."""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.child import REPOSITORY
from benchmarks.ground import Ground
from benchmarks.suite import growth, homes, measure, table
from benchmarks.suite.homes import Home
from benchmarks.suite.jobs import JOBS
from benchmarks.suite.measure import Measured
from s3_assets.embedded.server import EmbeddedServer

# The growth curves begin at a quarter of the suite's own rows.
_GROWTH_SHARE = 0.25
_GROWING = ("import-parquet-delta", "export-csv-gz")


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    jobs = {name: JOBS[name]() for name in options.only or JOBS}
    with tempfile.TemporaryDirectory(prefix="suite-") as folder, EmbeddedServer(folder) as server:
        ground = Ground(server.endpoint_url, catalog=f"{folder}/catalog.db")
        ground.make_bucket()
        measured = []
        entered = [*jobs.values()]
        for each in measure.run(
            ground, entered, options.size, options.repeat, rivals=options.rivals, say=_say
        ):
            # At once: who stops the suite keeps what has been measured.
            _say(f"\n{table.details(each)}\n")
            measured.append(each)
        growing = [JOBS[name]() for name in _GROWING if name in jobs and options.growth]
        size = options.size * _GROWTH_SHARE
        curves = growth.measure(ground, growing, size, options.growth, rivals=options.rivals, say=_say)
    text = table.markdown(measured, options.size, options.repeat) + "\n" + growth.markdown(curves)
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "suite.md").write_text(text.rstrip() + "\n")
        results = options.output / "results.json"
        told = {"jobs": [_told(each) for each in measured], "growth": [asdict(each) for each in curves]}
        results.write_text(json.dumps(told, indent=1) + "\n")
        if options.rivals:
            _plot(results)


def _say(text: str) -> None:
    print(text, flush=True)


def _told(measured: Measured) -> dict[str, Any]:
    return {
        "name": measured.job.name,
        "what": measured.job.what,
        "bare_seconds": measured.bare_seconds,
        "contestants": [
            {
                "name": each.contestant.name,
                "kind": each.contestant.kind,
                "best": each.best if each.runs else None,
                "runs": [asdict(run) for run in each.runs],
                "traffic": asdict(each.traffic) if each.traffic else None,
                "failed": each.failed,
            }
            for each in measured.found
        ],
    }


def _plot(results: Path) -> None:
    command = [str(homes.python(Home.DAGSTER)), "-m", "benchmarks.suite.plots"]
    subprocess.run(
        [*command, str(results.absolute()), str(results.parent.absolute())], cwd=REPOSITORY, check=True
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks suite", description=__doc__)
    parser.add_argument("--output", type=Path, help="a folder for suite.md, results.json and the plots")
    parser.add_argument(
        "--size",
        type=float,
        default=0.05,
        help="1 is 30 million rows, 20,000 files, 1,000,000 keys, 1,000 watched and 10,000 defined tables",
    )
    parser.add_argument("--repeat", type=int, default=2, help="timed runs of each contestant")
    parser.add_argument("--only", type=_jobs, help=f"some of {','.join(JOBS)}")
    parser.add_argument(
        "--growth",
        type=_times,
        default=(1, 2, 4, 8, 16),
        help="multiples of a quarter of the rows; 0 for none",
    )
    parser.add_argument(
        "--no-rivals",
        action="store_false",
        dest="rivals",
        help="without those that live in environments of their own, which are installed first",
    )
    return parser.parse_args(arguments)


def _jobs(text: str) -> list[str]:
    named = text.split(",")
    unknown = sorted({*named} - {*JOBS})
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among {', '.join(JOBS)}")
    return named


def _times(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(",") if int(each))
