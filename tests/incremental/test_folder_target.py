"""Parquet folders as targets: the put that is the commit, what follows it, and several writers at once."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

import obstore
import pytest

from s3_assets.connection import AccessKeyAuth
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import CommitConflictError, CursorError, ServerFailureError, UnsupportedError
from s3_assets.incremental.append import append_new
from s3_assets.incremental.commit import commit_frame
from s3_assets.incremental.overwrite import overwrite
from s3_assets.objects import Objects
from s3_assets.tables.folder_log import KEPT, Entry, FolderLog
from s3_assets.tables.folder_writer import FolderWriter
from s3_assets.tables.table import WriteMode
from tests.incremental import folder_work, work
from tests.incremental.folder_ground import LOG, FolderGround, crash_at_the_commit, listed_rows
from tests.incremental.ground import Row, get_all, put_all, rows
from tests.servers.gateway import Gateway
from tests.support.crash import Crasher
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.proxy_state import WRITES
from tests.support.unconditional import unconditional
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(300)
RACES = 30 if EVERYTHING else 2


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any) -> FolderGround:
    ground = FolderGround(s3_server.endpoint_url, s3_client)
    ground.make_sources()
    return ground


def day_rows(day: str, first: int, count: int = 4) -> list[Row]:
    return [(number, date.fromisoformat(day), f"row {number}") for number in range(first, first + count)]


def entries(ground: FolderGround, prefix: str) -> list[str]:
    return [key for key in ground.keys(prefix) if key.startswith(f"{LOG}commit-") and key.endswith(".json")]


# The commit


@pytest.mark.parametrize("committed", [False, True])
def test_the_put_of_an_entry_is_the_commit(
    *, committed: bool, ground: FolderGround, proxy: RequestProxy, zygote: Zygote
) -> None:
    """Until it nothing is committed, and nobody sees a row; behind it, whoever writes next finishes it."""
    ground.run_folder("table/", 1)
    given = {
        "endpoint": proxy.endpoint,
        "bucket": ground.bucket,
        "source_bucket": ground.sources[1],
        "format_": "parquet",
    }
    crasher = Crasher(proxy, zygote, folder_work.import_new, 60)
    crash_at_the_commit(ground, crasher, given, committed=committed)

    ground.require_rows("table/", rows(1))
    staged = [key for key in ground.keys("table/") if "/staging/" in key]
    assert staged
    assert not any(key.endswith(".parquet") for key in staged)
    assert len(entries(ground, "table/")) == 1 + committed
    # Looking at the cursor finishes nothing.
    target = work.target(work.connection(ground.endpoint, ground.bucket), "table/", "parquet")
    number = target.committed(work.STREAM)
    stamps = [json.loads(ground.objects("table/")[key])["stamps"] for key in entries(ground, "table/")]
    assert number == stamps[-1][work.STREAM] == max(each[work.STREAM] for each in stamps)
    assert [key for key in ground.keys("table/") if "/staging/" in key] == staged

    # The next run has nothing new to write if the commit was made, and finishes it all the same.
    again = ground.run_folder("table/", 2)

    assert again["nothing_new"] == committed
    ground.require_rows("table/", rows(2))
    ground.require_clean_folder("table/")


def test_an_overwrite_takes_the_places_of_files(ground: FolderGround) -> None:
    """A reader that lists one file for a day finds either its old rows or its new ones."""
    where: dict[str, Any] = {"endpoint": ground.endpoint, "bucket": ground.bucket, "prefix": "table/"}
    for first in (0, 10):
        folder_work.append_rows(**where, day="2026-01-01", first=first, rows=4)
    work.overwrite_day(**where, format_="parquet", day="2026-01-02", first=20, rows=4)
    before = [key for key in ground.keys("table/") if key.startswith("day=")]
    assert len(before) == 3

    for day in ("2026-01-01", "2026-01-02"):
        work.overwrite_day(**where, format_="parquet", day=day, first=30, rows=4)

    after = [key for key in ground.keys("table/") if key.startswith("day=")]
    assert len(after) == 2
    assert set(after) < set(before)
    ground.require_rows("table/", sorted(day_rows("2026-01-01", 30) + day_rows("2026-01-02", 30)))


def test_each_stream_keeps_its_cursor(ground: FolderGround) -> None:
    target = work.target(work.connection(ground.endpoint, ground.bucket), "table/", "parquet")
    first, second = (
        work.source("parquet", work.connection(ground.endpoint, source)) for source in ground.sources[:2]
    )
    append_new(target, "a", first)
    append_new(target, "b", second)
    folder_work.append_rows(ground.endpoint, ground.bucket, "table/", "2026-01-01", 900, 1)

    assert append_new(target, "a", first).nothing_new
    assert append_new(target, "b", second).nothing_new
    expected = sorted([*rows(1), *rows(2), *day_rows("2026-01-01", 900, 1)])
    assert listed_rows(ground.objects("table/")) == expected


# The log


def test_the_log_is_bounded_and_a_stalled_writer_commits_nothing_behind_it(ground: FolderGround) -> None:
    connection = work.connection(ground.endpoint, ground.bucket)
    target = work.target(connection, "table/", "parquet")
    folder_work.append_rows(ground.endpoint, ground.bucket, "table/", "2026-01-01", 0, 1)
    stalled = target.writer()
    log = FolderLog(Objects(connection), target.location)
    # As far on as many others would have brought it; those between were never there, instead of taken away.
    log.commit(2 * KEPT - 1, Entry("append", 1, 1, "_s3_assets/staging/1/", (), (), {}, {}))
    for first in (1, 2):
        folder_work.append_rows(ground.endpoint, ground.bucket, "table/", "2026-01-01", first, 1)
    assert len(entries(ground, "table/")) == 4
    folder_work.append_rows(ground.endpoint, ground.bucket, "table/", "2026-01-01", 3, 1)

    kept = entries(ground, "table/")
    assert [int(key[-25:-5]) for key in kept] == [2 * KEPT + number for number in (-1, 0, 1, 2)]
    fresh = target.writer()
    assert fresh.pinned == 2 * KEPT + 2
    assert fresh.commits_since(1) is None
    assert len(fresh.commits_since(fresh.pinned - 3) or ()) == 3
    with pytest.raises(CommitConflictError, match="another write came first"):
        stalled.publish([], WriteMode.APPEND, window=None, stamps={"stalled": 17}, notes={})
    assert entries(ground, "table/") == kept
    assert target.writer().committed("stalled") is None

    commit_frame(target, stalled, folder_work.frame("2026-01-01", 4, 1), WriteMode.APPEND)
    assert listed_rows(ground.objects("table/")) == day_rows("2026-01-01", 0, 5)


def test_what_is_damaged_is_named(ground: FolderGround) -> None:
    ground.run_folder("table/", 1)
    objects = ground.objects("table/")
    (entry,) = entries(ground, "table/")

    # As if a process had been killed behind its commit, and somebody had cleared up in its place.
    data = next(key for key in objects if key.startswith("day="))
    obstore.delete(ground.store(), [f"table/{data}", f"table/{entry.replace('.json', '.done')}"])
    with pytest.raises(ServerFailureError, match=r"not there as it was committed, and its part is gone"):
        ground.run_folder("table/", 2)

    obstore.put(ground.store(), f"table/{entry}", b'{"schema_version": 2}')
    with pytest.raises(CursorError, match=r"commit-0+1\.json: .* is of version 2, this release reads 1"):
        ground.run_folder("table/", 2)


def test_a_server_that_ignores_conditions_is_refused(ground: FolderGround) -> None:
    with unconditional(ground.endpoint) as endpoint:
        target = work.target(work.connection(endpoint, ground.bucket), "table/", "parquet")
        for act in (
            lambda: append_new(
                target, "a", work.source("parquet", work.connection(endpoint, ground.sources[0]))
            ),
            lambda: overwrite(target, folder_work.frame("2026-01-01", 0, 1), window=None),
        ):
            with pytest.raises(UnsupportedError, match=r"ignores the condition 'If-None-Match: \*'"):
                act()
    assert ground.keys("table/") == [f"{LOG}format.json"]


@pytest.mark.parametrize("kind", ["lost_reply", "status"] if EVERYTHING else ["lost_reply"])
@pytest.mark.parametrize("retries", [3, 0] if EVERYTHING else [3])
def test_answers_that_lie(
    kind: Literal["lost_reply", "status"],
    retries: int,
    ground: FolderGround,
    proxy: RequestProxy,
    zygote: Zygote,
) -> None:
    """The server acted and did not answer, or said 503 and did not act; without retries our code meets it."""
    ground.run_folder("template/", 1)
    template = ground.objects("template/")
    given: dict[str, Any] = {"endpoint": proxy.endpoint, "bucket": ground.bucket}
    given |= {"source_bucket": ground.sources[1], "format_": "parquet", "retries": retries}
    crasher = Crasher(proxy, zygote, folder_work.import_new, 60)
    assert crasher.run({**given, "prefix": "template/"}).succeeded
    writes = sum(each.method in WRITES for each in proxy.requests())
    for k in range(1, writes + 1, 1 if EVERYTHING else 4):
        prefix = f"at-{k}/"
        put_all(ground.store(), prefix, template)
        child = zygote.spawn(folder_work.import_new, {**given, "prefix": prefix})
        proxy.reset()
        proxy.arm(kind, k, writes=True)
        child.go()
        outcome = child.wait(60)
        (hit,) = [request for request in proxy.requests() if request.action == kind]
        assert outcome.succeeded or retries == 0, f"{hit.method} {hit.path}: {outcome.describe()}"
        if not outcome.succeeded:
            ground.run_folder(prefix, 2)
        assert listed_rows(ground.objects(prefix)) == rows(2), f"{hit.method} {hit.path}"
        ground.run_folder(prefix, 3)
        ground.require_rows(prefix, rows(3))
        ground.require_clean_folder(prefix)


# Several writers


def race(zygote: Zygote, *runs: tuple[Callable[..., Any], Mapping[str, Any]]) -> list[Any]:
    """Start all at once; all must return."""
    children = [zygote.spawn(function, arguments) for function, arguments in runs]
    for child in children:
        child.go()
    outcomes = [child.wait(60) for child in children]
    for outcome in outcomes:
        assert outcome.succeeded, outcome.describe()
    return [outcome.result for outcome in outcomes]


def test_two_imports_of_one_stream_beside_a_foreign_writer(ground: FolderGround, zygote: Zygote) -> None:
    ground.run_folder("template/", 1)
    template = get_all(ground.store(), "template/")
    theirs = day_rows("2027-01-01", 900)
    again = 0
    for number in range(RACES):
        where = {"endpoint": ground.endpoint, "bucket": ground.bucket, "prefix": f"race-{number}/"}
        put_all(ground.store(), f"race-{number}/", template)
        run = folder_work.import_new, {**where, "source_bucket": ground.sources[1], "format_": "parquet"}
        foreign = folder_work.foreign_append, {**where, "first": 900, "rows": 4}
        results = race(zygote, run, run, foreign)[:2]

        assert sorted(result["rows"] for result in results) == [0, 20]
        assert listed_rows(ground.objects(f"race-{number}/")) == sorted(rows(2) + theirs)
        again += sum(result["rounds"] - 1 for result in results)
    ground.run_folder("race-0/", 3)
    ground.require_rows("race-0/", sorted(rows(3) + theirs))
    ground.require_clean_folder("race-0/")
    print(f"{RACES} races: {again} rounds were run again")  # noqa: T201
    if EVERYTHING:
        # Otherwise they never met, and nothing was shown.
        assert again


def test_two_overwrites_of_one_day_beside_an_append_to_it(ground: FolderGround, zygote: Zygote) -> None:
    """One overwrite comes last, and the append before it, behind it, or between the two."""
    where: dict[str, Any] = {"endpoint": ground.endpoint, "bucket": ground.bucket}
    for day, first in (("2026-01-01", 0), ("2026-01-02", 10)):
        folder_work.append_rows(**where, prefix="template/", day=day, first=first, rows=4)
    template = get_all(ground.store(), "template/")
    others, appended = day_rows("2026-01-01", 0), day_rows("2026-01-02", 300)
    allowed = [
        sorted(others + day_rows("2026-01-02", first) + more)
        for first in (100, 200)
        for more in ([], appended)
    ]
    for number in range(RACES):
        prefix = f"race-{number}/"
        given = {**where, "prefix": prefix, "day": "2026-01-02", "rows": 4}
        put_all(ground.store(), prefix, template)
        race(
            zygote,
            (work.overwrite_day, {**given, "format_": "parquet", "first": 100}),
            (work.overwrite_day, {**given, "format_": "parquet", "first": 200}),
            (folder_work.append_rows, {**given, "first": 300}),
        )

        assert listed_rows(ground.objects(prefix)) in allowed
        work.overwrite_day(**given, format_="parquet", first=500)
        ground.require_rows(prefix, sorted(others + day_rows("2026-01-02", 500)))
        ground.require_clean_folder(prefix, stream=False)


# Ceph


def test_on_ceph(rgw: Gateway, ground: FolderGround) -> None:
    """The gateway refuses a put over what must not be there, so that the same promise holds."""
    client = rgw.client()
    client.create_bucket(Bucket=ground.bucket)
    keys_ = AccessKeyAuth(access_key_id=rgw.admin.key_id, secret_access_key=rgw.admin.secret)
    connection = work.connection(rgw.endpoint, ground.bucket).model_copy(update={"auth": keys_})
    target = work.target(connection, "table/", "parquet")
    early = target.writer()
    assert isinstance(early, FolderWriter)
    for waves in (1, 2, 2):
        source = work.source("parquet", work.connection(ground.endpoint, ground.sources[waves - 1]))
        append_new(target, work.STREAM, source)
    new = folder_work.frame("2026-01-02", 500, 3)
    overwrite(target, new, window=work.day_window(date(2026, 1, 2)))

    pages = client.get_paginator("list_objects_v2").paginate(Bucket=ground.bucket, Prefix="table/")
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    found = {key: client.get_object(Bucket=ground.bucket, Key=key)["Body"].read() for key in keys}
    expected = [row for row in rows(2) if row[1] != date(2026, 1, 2)] + day_rows("2026-01-02", 500, 3)
    assert listed_rows({key.removeprefix("table/"): body for key, body in found.items()}) == sorted(expected)
    with pytest.raises(CommitConflictError, match="another write came first"):
        early.publish([], WriteMode.APPEND, window=None, stamps={"late": 17}, notes={})
    assert not any("/staging/" in key for key in keys)
