"""The exact ledger: what is new is found among all that is old, at a cost in proportion to what is new."""

import io
import json
import math
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import obstore
import polars as pl
import pytest

from s3_assets.connection import S3Connection
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import CursorError, SourceRewrittenError
from s3_assets.incremental.append import append_new
from s3_assets.incremental.cursor import Cursor, Cursors
from s3_assets.object_listings import empty_listing
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import FilesPosition, Limit, PathPosition, Position
from s3_assets.tables.settings import ParquetSettings
from s3_assets.tables.table import ReadMode
from s3_assets.tables.unread import Unread
from tests.incremental import work
from tests.incremental.ground import Ground, parquet, put_all, row, rows
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.proxy_state import RecordedRequest

OLD = 10_000 if EVERYTHING else 1_600


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any) -> Ground:
    ground = Ground(s3_server.endpoint_url, s3_client)
    ground.make_sources()
    return ground


def put(ground: Ground, name: str, *numbers: int, bucket: int = 0) -> None:
    obstore.put(ground.store(ground.sources[bucket]), f"{work.SOURCE}{name}", parquet(numbers))


def kind(request: RecordedRequest) -> str:
    query = parse_qs(urlsplit(request.path).query)
    return "LIST" if "list-type" in query else request.method


@pytest.fixture(scope="module")
def thousands(s3_server: EmbeddedServer, s3_client: Any) -> str:
    """A bucket with so many files that their listing has pages."""
    ground = Ground(s3_server.endpoint_url, s3_client)
    body = parquet([1])
    store = ground.store()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: obstore.put(store, f"{work.SOURCE}old-{n:05d}.parquet", body), range(OLD)))
    return ground.bucket


def source_listings(requests: list[RecordedRequest]) -> int:
    return sum(kind(each) == "LIST" and "prefix=source" in each.path for each in requests)


@pytest.mark.timeout(280)
def test_one_new_file_among_thousands(
    ground: Ground, thousands: str, proxy: RequestProxy, record_property: Any
) -> None:
    ground.sources[0] = thousands
    started = time.monotonic()
    assert ground.run("target/", 1)["rows"] == OLD
    first = time.monotonic() - started
    counted = {}
    for name, new in (("nothing new", 0), ("one new", 1)):
        if new:
            # Its name sorts before all the old ones.
            put(ground, "late.parquet", 2)
        proxy.reset()
        started = time.monotonic()
        assert (
            work.import_new(proxy.endpoint, ground.bucket, ground.sources[0], "parquet", "target/")["rows"]
            == new
        )
        seconds = time.monotonic() - started
        requests = proxy.requests()
        counted[name] = Counter(map(kind, requests))
        record_property(name, str(dict(counted[name])))
        print(f"{name}: {dict(counted[name])} in {seconds:.2f} s")  # noqa: T201 - the counts are the result
        assert not [request.path for request in requests if "/old-" in request.path]
        assert sum(counted[name].values()) < 60
        # One page for each thousand of files: nothing else grows with what is old.
        assert source_listings(requests) == math.ceil((OLD + new) / 1000)
    print(f"first import of {OLD:,} files: {first:.1f} s")  # noqa: T201
    obstore.delete(ground.store(thousands), [f"{work.SOURCE}late.parquet"])


@pytest.mark.parametrize(
    ("way", "settings", "since", "limit", "pages", "files"),
    [
        ("path_order", {}, None, Limit(files=10), 1, 10),
        ("path_order", {}, None, Limit(bytes=1), 1, 1),
        ("path_order", {}, None, Limit(files=1_500), 2, 1_500),
        ("path_order", {"max_files": 7}, None, None, 1, 7),
        ("path_order", {}, PathPosition(f"old-{OLD - 2:05d}.parquet"), None, 1, 1),
        ("exact", {}, None, Limit(files=10), math.ceil(OLD / 1000), 10),
        ("modified_time", {}, None, Limit(files=10), math.ceil(OLD / 1000), 10),
    ],
    ids=["few", "bytes", "more than a page", "most", "behind", "exact", "time"],
)
def test_pages_that_are_listed(
    way: Any,
    settings: dict[str, Any],
    since: Position | None,
    limit: Limit | None,
    pages: int,
    files: int,
    thousands: str,
    proxy: RequestProxy,
) -> None:
    """By path no more is listed than is new or wanted; in the other ways all that is there."""
    told = ParquetSettings(
        connection="s3",
        path=work.SOURCE,
        incremental=way,
        columns={"id": "int64", "day": "date", "text": "string"},
        **settings,
    )
    table = open_table("orders", told, work.connection(proxy.endpoint, thousands))

    plan = table.plan(ReadMode.ADDED, since=since, limit=limit)

    assert (proxy.count(), source_listings(proxy.requests())) == (pages, pages)
    assert (plan.files, plan.more) == (files, limit is not None)


def test_late_files_are_found_whatever_their_names_or_times(ground: Ground) -> None:
    ground.run("target/", 1)
    put(ground, "a-name-before-all.parquet", 100)
    put(ground, "day=2020-01-01.parquet", 101)
    put(ground, "zzz.parquet", 102)

    assert ground.run("target/", 1)["rows"] == 3
    assert ground.read_delta("target/") == sorted([*rows(1), row(100), row(101), row(102)])
    assert ground.run("target/", 1)["nothing_new"]


def test_many_files_in_one_commit(ground: Ground) -> None:
    for number in range(200, 320):
        put(ground, f"many-{number}.parquet", number)

    assert ground.run("target/", 1)["rows"] == 40 + 120
    assert ground.handle("target/").version() == 1
    assert ground.read_delta("target/") == sorted([*rows(1), *map(row, range(200, 320))])


@pytest.mark.parametrize(("policy", "expected"), [("fail", None), ("reread", 2), ("ignore", 1)])
def test_a_rewritten_file(policy: str, expected: int | None, ground: Ground) -> None:
    ground.run("target/", 1)
    put(ground, "part-1-0.parquet", 300)
    put(ground, "new.parquet", 301)
    connection = work.connection(ground.endpoint, ground.sources[0])
    settings = ParquetSettings(connection="s3", path=work.SOURCE, on_rewritten=policy)  # type: ignore[arg-type]  # one of the three
    target = work.target(work.connection(ground.endpoint, ground.bucket), "target/")
    source = open_table("orders", settings, connection)
    if expected is None:
        with pytest.raises(SourceRewrittenError, match=r"part-1-0\.parquet"):
            append_new(target, work.STREAM, source)
        assert ground.read_delta("target/") == rows(1)
        return

    outcome = append_new(target, work.STREAM, source)
    assert outcome.rows == expected
    assert append_new(target, work.STREAM, source).nothing_new
    assert any("changed" in note for note in outcome.notes)


def test_a_deleted_file_keeps_its_rows_and_is_noted(ground: Ground) -> None:
    ground.run("target/", 1)
    obstore.delete(ground.store(ground.sources[0]), [f"{work.SOURCE}part-1-0.parquet"])
    put(ground, "new.parquet", 400)
    where = work.connection(ground.endpoint, ground.sources[0])
    target = work.target(work.connection(ground.endpoint, ground.bucket), "target/")
    outcome = append_new(target, work.STREAM, work.source("parquet", where))

    assert outcome.rows == 1
    assert any("gone" in note for note in outcome.notes)
    assert ground.read_delta("target/") == sorted([*rows(1), row(400)])


def listing(files: dict[str, int]) -> pl.DataFrame:
    """Files by name, each in a state of which the ETag tells."""
    names = sorted(files)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    told = {
        "key": names,
        "size": [1] * len(names),
        "etag": [f'"{files[name]}"' for name in names],
        "modified": [moment] * len(names),
    }
    return pl.DataFrame(told, schema=empty_listing().schema)


def test_a_large_folder_is_compared_piece_by_piece() -> None:
    chance = random.Random(7)  # noqa: S311 - a seed
    states = {f"{number * 7919 % 110_017:06d}": chance.randrange(3) for number in range(110_017)}
    before, now = ({name: states[name] for name in states if chance.random() < 0.999} for _ in range(2))
    rewritten = set(chance.sample(sorted({*before} & {*now}), 200))
    now |= dict.fromkeys(rewritten, 9)
    segments = [
        listing(dict(part)) for part in (list(before.items())[:60_000], list(before.items())[60_000:])
    ]

    found = Unread.of(listing(now), pl.concat(segments))

    assert set(found.new["key"]) == {*now} - {*before}
    assert set(found.rewritten["key"]) == rewritten
    gone = sorted({*before} - {*now})
    assert (found.gone, found.first_gone) == (len(gone), gone[0])
    assert min(len(found.new), len(gone)) > 50
    assert Unread.of(listing(now).reverse(), pl.concat(segments)).new.equals(found.new)
    assert Unread.of(listing({}), listing(before)).gone == len(before)
    assert Unread.of(listing(now), listing({})).new.height == len(now)


class Ledger:
    """Commits of a stream that read one file each, without a table."""

    def __init__(self, connection: S3Connection) -> None:
        self.cursors = Cursors(connection, connection.location.folder("ledger/"), "stream")
        self.committed: Cursor | None = None
        self.number = 0

    def commit(self) -> Cursor:
        self.number += 1
        files = pl.DataFrame(
            {"key": [f"file-{self.number:04d}"], "size": [1], "etag": ["x"], "modified": [None]},
            schema=empty_listing().schema,
        )
        self.committed = self.cursors.save(self.number, FilesPosition(files), self.committed)
        self.cursors.discard(self.cursors.survey(self.committed))
        return self.committed


def test_nothing_new_writes_no_segment(ground: Ground) -> None:
    ledger = Ledger(work.connection(ground.endpoint, ground.bucket))
    before = ledger.commit()
    kept = ledger.cursors.save(2, FilesPosition(empty_listing()), before)

    assert kept.segments == before.segments
    assert [key for key in ground.keys(ledger.cursors.folder) if key.endswith(".ledger")] == ["1.ledger"]
    position = ledger.cursors.load(2).position
    assert isinstance(position, FilesPosition)
    assert position.files["key"].to_list() == ["file-0001"]


ETAGS = (
    '"d41d8cd98f00b204e9800998ecf8427e"',
    '"D41D8CD98F00B204E9800998ECF8427E"',
    '"d41d8cd98f00b204e9800998ecf8427e-12"',
    "d41d8cd98f00b204e9800998ecf8427e",
    '"0x8DC1"',
    "",
)


def test_every_etag_is_kept_as_it_is(ground: Ground) -> None:
    connection = work.connection(ground.endpoint, ground.bucket)
    cursors = Cursors(connection, connection.location.folder("ledger/"), "stream")
    files = pl.DataFrame(
        [
            (f"file-{number}", number, etag, datetime(2026, 1, 1, tzinfo=UTC))
            for number, etag in enumerate(ETAGS)
        ],
        schema=empty_listing().schema,
        orient="row",
    )
    cursors.save(1, FilesPosition(files.reverse()), None)

    position = cursors.load(1).position
    assert isinstance(position, FilesPosition)
    assert position.files.equals(files)


def write_first_release(ground: Ground, folder: str) -> pl.DataFrame:
    """A cursor as the first release wrote it: ETags are text, and the version is 1."""
    files = pl.DataFrame(
        {"key": ["a"], "size": [1], "etag": [ETAGS[0]], "modified": [datetime(2026, 1, 1, tzinfo=UTC)]},
        schema=empty_listing().schema,
    )
    body = io.BytesIO()
    files.write_parquet(body)
    document = {
        "schema_version": 1,
        "stream": "stream",
        "previous": None,
        "position": {"kind": "files"},
        "segments": [{"number": 1, "files": 1}],
    }
    put_all(ground.store(), folder, {"1.ledger": body.getvalue(), "1.json": json.dumps(document).encode()})
    return files


def test_a_ledger_of_the_first_release(ground: Ground) -> None:
    ledger = Ledger(work.connection(ground.endpoint, ground.bucket))
    files = write_first_release(ground, ledger.cursors.folder)

    ledger.committed = ledger.cursors.load(1)
    assert isinstance(ledger.committed.position, FilesPosition)
    assert ledger.committed.position.files.equals(files)
    ledger.number = 1
    ledger.commit()
    position = ledger.cursors.load(2).position
    assert isinstance(position, FilesPosition)
    assert position.files["etag"].to_list() == [ETAGS[0], "x"]


@pytest.mark.parametrize(("body", "found"), [(b"PAR1 and no more", "damaged"), (None, "gone")])
def test_a_segment_that_is_lost(body: bytes | None, found: str, ground: Ground) -> None:
    ledger = Ledger(work.connection(ground.endpoint, ground.bucket))
    ledger.commit()
    key = f"{ledger.cursors.folder}1.ledger"
    obstore.delete(ground.store(), [key])
    if body is not None:
        obstore.put(ground.store(), key, body)

    with pytest.raises(CursorError, match=rf"a part of its file ledger is {found}.*s3-assets cursor reset"):
        ledger.cursors.load(1)


@pytest.mark.parametrize("way", ["path_order", "modified_time"])
def test_an_import_without_a_ledger_of_all_files(way: Any, ground: Ground) -> None:
    settings = ParquetSettings(connection="s3", path=work.SOURCE, incremental=way)
    source = open_table("orders", settings, work.connection(ground.endpoint, ground.sources[0]))
    target = work.target(work.connection(ground.endpoint, ground.bucket), "target/")
    assert append_new(target, work.STREAM, source).rows == len(rows(1))
    assert append_new(target, work.STREAM, source).nothing_new
    put(ground, "part-9.parquet", 600)

    outcome = append_new(target, work.STREAM, source)

    assert ground.read_delta("target/") == sorted([*rows(1), row(600)])
    assert outcome.until is not None
    told = outcome.until.describe()
    assert told["path"] == "part-9.parquet" if way == "path_order" else told["files"] == 3
    assert append_new(target, work.STREAM, source).nothing_new
    ground.require_clean("target/")


def test_segments_stay_few(ground: Ground) -> None:
    ledger = Ledger(work.connection(ground.endpoint, ground.bucket))
    for _ in range(200):
        committed = ledger.commit()
        assert len(committed.segments) <= math.log2(ledger.number) + 1

    position = ledger.cursors.load(200).position
    assert isinstance(position, FilesPosition)
    assert position.files["key"].sort().to_list() == [f"file-{number:04d}" for number in range(1, 201)]
    assert len(ground.keys("ledger/")) <= 2 * (2 + math.log2(200) + 1)


def test_a_number_is_never_given_twice(ground: Ground) -> None:
    from s3_assets.incremental.cursor import NumberTakenError

    ledger = Ledger(work.connection(ground.endpoint, ground.bucket))
    ledger.commit()
    ledger.number = 0
    with pytest.raises(NumberTakenError):
        ledger.commit()


def test_a_clock_that_runs_backwards(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.run("target/", 1)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now - 86_400)
    ground.run("target/", 2)
    monkeypatch.setattr("time.time", lambda: now - 2 * 86_400)
    ground.run("target/", 3)

    assert ground.read_delta("target/") == rows(3)
    ground.require_clean("target/")


def test_rows_that_are_all_filtered_out_move_the_cursor(ground: Ground) -> None:
    where = work.connection(ground.endpoint, ground.bucket)
    source = work.source("parquet", work.connection(ground.endpoint, ground.sources[0]))
    outcome = append_new(
        work.target(where, "target/"),
        work.STREAM,
        source,
        transform=lambda frame: frame.filter(pl.lit(False)),  # noqa: FBT003 - a literal
    )

    assert not outcome.nothing_new
    assert outcome.rows == 0
    assert append_new(work.target(where, "target/"), work.STREAM, source).nothing_new
    put_all(ground.store(ground.sources[0]), work.SOURCE, {"new.parquet": parquet([500])})
    assert ground.run("target/", 1)["rows"] == 1
    assert ground.read_delta("target/") == [row(500)]
