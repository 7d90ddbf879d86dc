"""`python -m benchmarks`: single benchmarks as Markdown tables; `suite` is all against everything else."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    appends,
    backfill,
    commits,
    data,
    definitions,
    distributed,
    distributed_mirrors,
    exports,
    formats_memory,
    ledger,
    listing,
    materialize,
    media,
    mirrors,
    newuser,
    scan,
    small_files,
    soak,
    speed,
    start,
    ticks,
)
from benchmarks.formats import FORMATS
from benchmarks.ground import Ground
from benchmarks.suite.command import main as suite
from s3_assets.embedded.server import EmbeddedServer

ROWS = 30_000_000
ALL = (
    "import",
    "memory",
    "ledger",
    "scan",
    "formats",
    "smallfiles",
    "commits",
    "appends",
    "exports",
    "media",
    "mirror",
    "distributed",
    "listing",
    "newuser",
    "start",
    "materialize",
    "definitions",
    "backfill",
    "tick",
)
SOAK = "soak"
"""Takes as long as one likes, and so is run only where it is named."""


def main() -> None:
    options = _options()
    if options.only == SOAK:
        soak.main(["--minutes", f"{options.minutes}"])
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, EmbeddedServer(folder) as server:
        ground = Ground(server.endpoint_url, catalog=f"{folder}/catalog.db")
        ground.make_bucket()
        tables: list[str] = []
        if options.only in (None, "import", "memory"):
            total = max(int(ROWS * options.size), data.DAYS)
            tables += imports(ground, total, options.repeat, options.only)
        if options.only in (None, "ledger"):
            tables.append(ledger.compare(ground, options.old_files, options.in_ledger))
        if options.only in (None, "scan"):
            tables += [
                scan.compare(
                    ground,
                    kind,
                    options.megabytes,
                    options.repeat,
                    rivals=options.rivals,
                    named=tuple(options.contestants.split(",")),
                )
                for kind in options.formats
            ]
        if options.only in (None, "formats"):
            tables.append(formats_memory.compare(ground, options.formats, options.megabytes, options.repeat))
        if options.only in (None, "commits"):
            tables.append(commits.compare(ground, options.commits))
        if options.only in (None, "smallfiles"):
            tables.append(
                small_files.compare(
                    ground, options.files, options.repeat, rows=options.rows_per_file, rivals=options.rivals
                )
            )
        if options.only in (None, "appends"):
            rows = max(int(5_000_000 * options.size), appends.COMMITS)
            tables.append(appends.compare(ground, rows, options.repeat, rivals=options.rivals))
        if options.only in (None, "exports"):
            rows = max(int(ROWS * options.size), data.DAYS)
            tables += exports.compare(ground, rows, options.repeat, rivals=options.rivals)
        tables += started(ground, options)
        tables += ticked(ground, options)
        tables += materialized(ground, options)
        tables += media_sets(ground, options)
        tables += mirrored(ground, options)
        tables += distributed_over_workers(ground, options)
        tables += listings(options)
        tables += new_user(ground, options)
        tables += defined(options)
    # It has servers of its own, and would tell of the others' load.
    tables += backfilled(options)
    text = "\n\n".join(tables) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text)


def started(ground: Ground, options: argparse.Namespace) -> list[str]:
    return [start.compare(ground, options.starts)] if options.only in (None, "start") else []


def materialized(ground: Ground, options: argparse.Namespace) -> list[str]:
    return [materialize.compare(ground, options.repeat)] if options.only in (None, "materialize") else []


def defined(options: argparse.Namespace) -> list[str]:
    if options.only not in (None, "definitions"):
        return []
    return definitions.compare(options.defined, options.repeat)


def ticked(ground: Ground, options: argparse.Namespace) -> list[str]:
    return [ticks.compare(ground, options.watched)] if options.only in (None, "tick") else []


def media_sets(ground: Ground, options: argparse.Namespace) -> list[str]:
    if options.only not in (None, "media"):
        return []
    return media.compare(ground, options.objects, options.copies, options.repeat, rivals=options.rivals)


def mirrored(ground: Ground, options: argparse.Namespace) -> list[str]:
    if options.only not in (None, "mirror"):
        return []
    return [mirrors.compare(ground, options.mirrored, options.repeat)]


def distributed_over_workers(ground: Ground, options: argparse.Namespace) -> list[str]:
    if options.only not in (None, "distributed"):
        return []
    rows = max(int(ROWS * options.size), data.DAYS)
    return [
        distributed.compare(ground, rows, options.repeat),
        distributed_mirrors.compare(ground, options.mirrored[0]),
    ]


def listings(options: argparse.Namespace) -> list[str]:
    if options.only not in (None, "listing"):
        return []
    counts = (options.keys // 1000, options.keys // 10, options.keys)
    return listing.compare(options.keys, counts, options.layouts, options.repeat, rivals=options.rivals)


def new_user(ground: Ground, options: argparse.Namespace) -> list[str]:
    if options.only not in (None, "newuser"):
        return []
    return [newuser.compare(ground, options.files)]


def backfilled(options: argparse.Namespace) -> list[str]:
    return [backfill.compare(options.assets, options.hours)] if options.only in (None, "backfill") else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=(*ALL, SOAK), help="one benchmark alone")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contestant")
    parser.add_argument("--output", type=Path, help="write the tables to this file, too")
    parser.add_argument(
        "--size",
        type=float,
        default=1.0,
        help="import, memory, exports: 1 is 30 million rows, 2.7 GB; appends: 5 million",
    )
    parser.add_argument(
        "--old-files", type=_counts, default=(100, 10_000), help="ledger: such as 100,10000,100000"
    )
    parser.add_argument("--in-ledger", type=int, default=1_000_000, help="ledger: files of the large one")
    parser.add_argument("--starts", type=int, default=20, help="start: runs of each command")
    parser.add_argument(
        "--defined", type=_counts, default=(1_000, 10_000), help="definitions: tables, such as 1000,10000"
    )
    parser.add_argument("--files", type=int, default=10_000, help="smallfiles, newuser: files")
    parser.add_argument(
        "--commits",
        type=_counts,
        default=(100, 10_000),
        help="commits: old ones, such as 100,10000,100000",
    )
    parser.add_argument(
        "--mirrored", type=_counts, default=(1_000_000, 4_000_000), help="mirror: rows of each source"
    )
    parser.add_argument("--rows-per-file", type=int, default=250, help="smallfiles: 6 KB, 46 KB unpacked")
    parser.add_argument("--objects", type=int, default=100_000, help="media: objects of the inventory")
    parser.add_argument("--keys", type=int, default=1_000_000, help="listing: keys of the bucket")
    parser.add_argument(
        "--layouts",
        type=lambda text: tuple(text.split(",")),
        default=tuple(listing.LAYOUTS),
        help=f"listing: some of {','.join(listing.LAYOUTS)}",
    )
    parser.add_argument("--assets", type=int, default=50, help="backfill: how many")
    parser.add_argument("--hours", type=int, default=720, help="backfill: partitions of each")
    parser.add_argument("--minutes", type=float, default=60.0, help="soak: how long")
    parser.add_argument("--watched", type=int, default=1000, help="tick: tables")
    parser.add_argument("--copies", type=int, default=1000, help="media: objects that are copied")
    parser.add_argument(
        "--contestants", default="", help="scan: only those whose names have one of these, such as s3,Polars"
    )
    parser.add_argument("--formats", type=_formats, default=FORMATS, help="scan, formats: parquet,delta,...")
    parser.add_argument("--megabytes", type=float, default=500, help="scan, formats: stored in each format")
    parser.add_argument(
        "--no-rivals",
        action="store_false",
        dest="rivals",
        help="without DuckDB and dlt, which are installed first",
    )
    return parser.parse_args()


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


def _formats(text: str) -> tuple[str, ...]:
    named = tuple(text.split(","))
    unknown = sorted({*named} - {*FORMATS})
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among {', '.join(FORMATS)}")
    return named


def imports(ground: Ground, total: int, repeat: int, only: str | None) -> list[str]:
    stored, memory = data.fill(ground.store, "x1/", total)
    print(f"{total:,} rows: {stored / 1e9:.2f} GB on the server, {memory / 1e9:.2f} GB in memory", flush=True)
    tables = []
    if only in (None, "import"):
        tables.append(speed.compare(ground, "x1/", total, memory, repeat))
    if only in (None, "memory"):
        for times in (2, 4):
            data.copy(ground.store, "x1/", f"x{times}/", times)
        tables.append(speed.growth(ground, total, repeat))
    return tables


if __name__ == "__main__":
    if sys.argv[1:2] == ["suite"]:
        suite(sys.argv[2:])
    else:
        main()
