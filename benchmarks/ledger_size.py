"""The ledger of a million files: its bytes on S3, and time and memory to load, compare and extend it."""

import io
import random
from collections.abc import Mapping
from datetime import UTC, datetime

import obstore
import polars as pl

from benchmarks import child
from benchmarks.ground import Ground
from s3_assets.incremental.cursor import Cursor, Cursors
from s3_assets.object_listings import empty_listing
from s3_assets.tables.positions import FilesPosition
from s3_assets.tables.unread import Unread

FOLDER = "large-ledger/"
LISTING = f"{FOLDER}listing.parquet"
STREAM = "target/source"
MEGABYTE = 1e6
FILES_PER_DAY = 10_000
# As many commits leave their segments behind: each is less than half of the one before.
SHARES = (0.6, 0.25, 0.1, 0.04, 0.009, 0.001)
START = datetime(2023, 1, 1, tzinfo=UTC)

Place = Mapping[str, str]


def measure(ground: Ground, count: int) -> str:
    """Write a ledger of so many files in a few commits, and use it in fresh processes."""
    files = listing(count)
    number = fill(ground, files)
    sizes = [
        int(item["size"])
        for chunk in obstore.list(ground.store, FOLDER)
        for item in chunk
        if item["path"].endswith(".ledger")
    ]
    buffer = io.BytesIO()
    pl.concat([files, listing(1, seed=1)]).sort("key").write_parquet(buffer)
    obstore.put(ground.store, LISTING, buffer.getvalue())
    works = {
        "list": "the listing itself, as a frame",
        "load": "load the ledger",
        "compare": "load it, and compare it with a listing that has one file more (in memory, too)",
        "add": "load it, and commit one file more",
    }
    stored = sum(sizes)
    lines = [
        f"The ledger of {count:,} files: {stored / MEGABYTE:.1f} MB on S3 in {len(sizes)} segments:",
        "",
        "| | s | processor s | MB of memory at most |",
        "|---|---:|---:|---:|",
    ]
    written = 0
    for work, told in works.items():
        done = child.run(
            f"benchmarks.ledger_size:{work}_files",
            {"place": ground.place, "number": number},
            libraries=("obstore", "polars", "boto3", "s3_assets.incremental.cursor"),
        )
        expected = {"list": count + 1, "load": count, "compare": [1, 0, 0]}.get(work, done.answer)
        if done.answer != expected:
            raise RuntimeError(f"{work}: {done.answer}, not {expected}")
        written = int(done.answer) if work == "add" else 0
        memory = (done.peak - done.imported) / MEGABYTE
        lines.append(f"| {told} | {done.seconds:.2f} | {done.processor:.2f} | {memory:.0f} |")
    ground.clear(FOLDER)
    return "\n".join([*lines, "", f"The commit of one file more writes {written:,} bytes."])


def listing(count: int, seed: int = 0) -> pl.DataFrame:
    """Files as Spark names them, in the folders of days; sizes and ETags do not compress."""
    chance = random.Random(seed)  # noqa: S311 - names, not secrets
    number = pl.int_range(count, dtype=pl.Int64)
    return pl.select(
        pl.format(
            "landing/orders/day={}/part-{}-{}-c000.snappy.parquet",
            (pl.lit(START.date()) + pl.duration(days=number // FILES_PER_DAY)).cast(pl.Date),
            (number % FILES_PER_DAY).cast(pl.String).str.zfill(5),
            pl.Series([f"{chance.randbytes(4).hex()}-{chance.randbytes(6).hex()}" for _ in range(count)]),
        ).alias("key"),
        (number.hash(seed=seed + 1) % 200_000_000).cast(pl.Int64).alias("size"),
        pl.Series("etag", [f'"{chance.randbytes(16).hex()}"' for _ in range(count)]),
        (pl.lit(START) + pl.duration(seconds=number * 8 + (number.hash(seed=seed) % 60).cast(pl.Int64)))
        .cast(empty_listing().schema["modified"])
        .alias("modified"),
    )


def fill(ground: Ground, files: pl.DataFrame) -> int:
    """Commit the files as a stream does that was large from the first day; return the last number."""
    cursors = _cursors(ground)
    since: Cursor | None = None
    begin = 0
    for number, share in enumerate(SHARES, 1):
        end = files.height if number == len(SHARES) else begin + int(files.height * share)
        since = cursors.save(number, FilesPosition(files[begin:end]), since)
        begin = end
    return len(SHARES)


def list_files(place: Place, number: int) -> int:
    del number
    return _listing(place).height


def load_files(place: Place, number: int) -> int:
    return _load(place, number)[1].height


def compare_files(place: Place, number: int) -> list[int]:
    found = Unread.of(_listing(place), _load(place, number)[1])
    return [found.new.height, found.rewritten.height, found.gone]


def add_files(place: Place, number: int) -> int:
    """Return the bytes that were written."""
    cursor, _ = _load(place, number)
    ground = Ground(**place)
    _cursors(ground).save(number + 1, FilesPosition(listing(1, seed=1)), cursor)
    written = [item for chunk in obstore.list(ground.store, FOLDER) for item in chunk]
    return sum(int(item["size"]) for item in written if f"/{number + 1}." in item["path"])


def _listing(place: Place) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(obstore.get(Ground(**place).store, LISTING).bytes()))


def _load(place: Place, number: int) -> tuple[Cursor, pl.DataFrame]:
    cursor = _cursors(Ground(**place)).load(number)
    if not isinstance(cursor.position, FilesPosition):
        raise TypeError(cursor)
    return cursor, cursor.position.files


def _cursors(ground: Ground) -> Cursors:
    return Cursors(ground.connection, ground.connection.location.folder(FOLDER), STREAM)
