"""Cursors that are moved by hand, in each kind of target: as sound as any commit of a run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import CursorError
from s3_assets.incremental.append import append_new, read_stream
from s3_assets.incremental.commit import StreamMovedError, commit_frame
from s3_assets.incremental.cursor_edit import look_at, open_stream, streams_of
from s3_assets.incremental.run_notes import read_reads
from s3_assets.tables.catalogs.kept import close_catalogs
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import ParquetSettings
from s3_assets.tables.table import Table, WriteMode
from tests.incremental import cursor_work
from tests.incremental.ground import Ground, get_all, parquet, put_all, rows
from tests.support.crash import KillVariant, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote
from tests.tables.formats import DELTA, PARQUET, Format, Place
from tests.tables.iceberg_formats import PLACED, SQLITE

STREAM = "sales/orders"


@pytest.fixture
def place(s3_server: EmbeddedServer, s3_client: Any, bucket: str, tmp_path: Path) -> Iterator[Place]:
    yield Place(s3_server, s3_client, bucket, folder=tmp_path)
    close_catalogs()


def land(place: Place, *numbers: int) -> Table[Any]:
    for number in numbers:
        key = f"landing/{number}.parquet"
        place.client.put_object(Bucket=place.bucket, Key=key, Body=parquet([number]))
    return open_table("orders", ParquetSettings(connection="lake", path="landing"), place.connection())


def ids(target: Table[Any]) -> list[int]:
    return sorted(target.scan().collect()["id"].to_list())


@pytest.mark.parametrize(
    "kind", [DELTA, SQLITE, PLACED, PARQUET], ids=["delta", "iceberg", "iceberg-no-catalog", "folder"]
)
def test_a_move_is_a_commit_of_the_stream(kind: Format, place: Place) -> None:
    source, target = land(place, 0, 1), kind.table(place)
    first = append_new(target, STREAM, source)
    assert first.until is not None
    version = target.history(1)[0].version

    # A run that reads its cursor before the move and commits behind it begins again.
    writer = target.writer()
    plan, read = read_stream(target, writer, STREAM, land(place, 2))
    moved = open_stream(target, STREAM).move(None, notes={"by": "a person"})
    with pytest.raises(StreamMovedError):
        commit_frame(target, writer, plan.frame, WriteMode.APPEND, streams=[read])
    assert ids(target) == [0, 1]

    # The commit carries the stamp and a note, and no rows.
    newest = target.history(1)[0]
    assert newest.version != version
    assert (newest.rows, newest.files, newest.notes["by"]) == (0, 0, "a person")
    assert [(each.name, each.since, each.until) for each in read_reads(newest.notes)] == [
        (STREAM, "2 files", "beginning")
    ]
    assert newest.streams[STREAM] == moved.after.number == target.committed(STREAM)
    assert streams_of(target) == [STREAM]
    # One who opened the stream before a run moves nothing.
    opened = open_stream(target, STREAM)
    assert append_new(target, STREAM, source).rows == 3
    assert ids(target) == [0, 0, 1, 1, 2]
    with pytest.raises(StreamMovedError):
        opened.move(first.until.position)

    state = look_at(target, STREAM)
    assert state.current is not None
    assert state.earlier() == [moved.after.number]
    with pytest.raises(CursorError, match="has no earlier cursor"):
        state.position_of(first.until.number)
    assert append_new(target, STREAM, source).nothing_new


def test_a_ledger_is_set_back_whole(place: Place) -> None:
    source, target = land(place, *range(5)), DELTA.table(place)
    append_new(target, STREAM, source)
    before = look_at(target, STREAM)
    assert before.current is not None
    for position in (None, None, before.current.position):
        open_stream(target, STREAM).move(position)
    assert before.current.number in look_at(target, STREAM).earlier()

    land(place, 7)

    assert append_new(target, STREAM, source).rows == 1
    assert append_new(target, STREAM, source).nothing_new


# Behind each write always; before each request, reads among them, with EVERYTHING=1.
@pytest.mark.parametrize("variant", ["kill_after", *(["kill_before"] if EVERYTHING else [])])
def test_a_crash_in_a_move(
    variant: KillVariant, s3_server: EmbeddedServer, s3_client: Any, proxy: RequestProxy, zygote: Zygote
) -> None:
    """The cursor stands where it stood, or at the beginning: the rows come as often as it was moved."""
    ground = Ground(s3_server.endpoint_url, s3_client)
    ground.make_sources()
    ground.run("template/", 1)
    template = get_all(ground.store(), "template/")

    def prepare(label: str) -> dict[str, Any]:
        put_all(ground.store(), f"{label}/", template)
        return {"prefix": f"{label}/"}

    def check(given: dict[str, Any]) -> None:
        prefix = given["prefix"]
        ground.run(prefix, 1)
        assert ground.read_delta(prefix) == sorted([*rows(1), *rows(1)])
        ground.run(prefix, 2)
        assert ground.read_delta(prefix) == sorted([*rows(1), *rows(2)])
        ground.require_clean(prefix)

    given = {"endpoint": proxy.endpoint, "bucket": ground.bucket}
    report = crash_matrix(proxy, zygote, cursor_work.reset, given, prepare, check, variants=[variant])

    assert not report.failures, report.summary()
    assert report.killed(variant)
