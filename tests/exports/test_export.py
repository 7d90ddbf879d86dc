"""What an export leaves at its prefix, run after run, and what it refuses before anything is visible."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from deltalake import write_deltalake

from s3_assets.connection import AccessKeyAuth
from s3_assets.errors import (
    HistoryGapError,
    KeyTakenError,
    ObjectMissingError,
    RowsRefusedError,
    SettingError,
    ThrottledError,
    UnsupportedError,
)
from s3_assets.exports.export import Export
from s3_assets.exports.split import Split
from s3_assets.incremental.publishing import StreamMovedError
from s3_assets.object_options import ObjectOptions
from s3_assets.progress import Progress
from s3_assets.tables.numbered_log import KEPT
from s3_assets.tables.positions import Limit
from tests.exports import export_work
from tests.exports.ground import INTENTS, LOG, MANIFESTS, ExportGround, listed_rows
from tests.incremental import work
from tests.incremental.ground import Row, frame, parquet, row, rows
from tests.servers.gateway import Gateway
from tests.support.proxy import RequestProxy
from tests.support.unconditional import unconditional

FOREVER = 10_000


def make(ground: ExportGround, mode: str = "full", **settings: Any) -> Export:
    """An export of one file in a run, unless `rows` say how many rows a file has."""
    plain = {"prefix": ground.prefix, "rows": None, "success": False}
    return export_work.make(**{**ground.given(mode, 1), **plain, **settings})


def numbered(*numbers: int) -> list[Row]:
    return sorted(map(row, numbers))


def files(ground: ExportGround) -> list[str]:
    return [key for key in ground.keys(ground.prefix) if not key.startswith("_")]


@pytest.mark.parametrize("format_", ["parquet", "jsonl"])
def test_a_source_that_lost_a_file(ground: ExportGround, format_: str) -> None:
    """The file and a remedy are told, not Polars' own words."""
    bucket = f"lost-{uuid4().hex[:8]}"
    ground.client.create_bucket(Bucket=bucket)
    write_deltalake(f"s3://{bucket}/{work.SOURCE}", frame([1]).to_arrow(), storage_options=ground.options)
    listed = ground.client.list_objects_v2(Bucket=bucket)["Contents"]
    (lost,) = [each["Key"] for each in listed if each["Key"].endswith(".parquet")]
    ground.client.delete_object(Bucket=bucket, Key=lost)
    export = make(ground, source_bucket=bucket, source_format="delta", format_=format_)

    with pytest.raises(ObjectMissingError, match="there is no such object") as caught:
        export.run()

    assert caught.value.location == f"s3://{bucket}/{lost}"
    assert ground.open_uploads(ground.prefix) == []


# What is there afterwards


def test_a_manifest_says_what_its_unit_is_made_of(ground: ExportGround) -> None:
    export = make(ground, "partitions", source_bucket=ground.sources[1], rows=8, success=True)

    outcome = export.run(window=work.day_window(date(2026, 1, 1)), moment=export_work.MOMENT, run="run 7")

    expected = [each for each in rows(2) if each[1] == date(2026, 1, 1)]
    ground.require_rows(ground.prefix, expected)
    ground.require_clean(ground.prefix)
    ((name, document),) = ground.manifests(ground.prefix).items()
    assert name == "2026-01-01.json"
    (source,) = document.pop("sources")
    assert (source["table"], source["location"]) == ("orders", f"s3://{ground.sources[1]}/source/")
    assert datetime.fromisoformat(document.pop("created")) <= datetime.now(UTC)
    assert document.pop("attempt") > 0
    written = document.pop("files")
    assert [each["rows"] for each in written] == [8, 8, 8, 1]
    assert document == {
        "schema_version": 1,
        "export": "daily orders",
        "mode": "partitions",
        "unit": "2026-01-01",
        "number": 1,
        "previous": None,
        "run": "run 7",
        "moment": "2026-11-21T16:00:00.000+00:00",
        "partition": {
            "key": "2026-01-01",
            "from": "2026-01-01T00:00:00+00:00",
            "to": "2026-01-02T00:00:00+00:00",
        },
        "cursors": [],
        "format": "parquet",
        "schema": [
            {"name": "id", "type": "int64"},
            {"name": "day", "type": "date"},
            {"name": "text", "type": "string"},
        ],
        "totals": {"files": 4, "rows": 25, "bytes": sum(each["bytes"] for each in written)},
        "success": f"{ground.prefix}orders/day=2026-01-01/_SUCCESS",
    }
    (manifest,) = outcome.manifests
    assert [manifest] == export.manifests() == [export.manifest("2026-01-01")]
    assert (outcome.rows, outcome.bytes) == (manifest.rows, manifest.size)


def test_a_date_in_the_key_keeps_a_snapshot_a_day(ground: ExportGround) -> None:
    export = make(ground, key="{iso_date}/{part}.{extension}", success=True)
    for numbers, day in ((range(20), 1), (range(10, 14), 2), (range(5), 1)):
        export.write(frame(numbers).lazy(), moment=datetime(2026, 3, day, 9, tzinfo=UTC))

    assert files(ground) == [
        f"2026-03-0{day}/{name}" for day in (1, 2) for name in ("00000.parquet", "_SUCCESS")
    ]
    ground.require_rows(ground.prefix, numbered(*range(5), *range(10, 14)))
    ground.require_clean(ground.prefix)
    assert [(each.unit, each.number, each.previous) for each in export.manifests()] == [
        ("2026-03-02/.parquet", 2, None),
        ("2026-03-01/.parquet", 3, 1),
    ]


@pytest.mark.parametrize("empty", ["none", "file"])
def test_a_unit_without_rows_has_a_manifest(empty: str, ground: ExportGround) -> None:
    export = make(ground, empty=empty, rows=8)
    export.write(frame(range(10)).lazy())

    outcome = export.write(frame([]).lazy())

    assert (outcome.rows, len(outcome.files)) == (0, 1 if empty == "file" else 0)
    assert outcome.removed_files == 2 - len(outcome.files)
    ground.require_rows(ground.prefix, [])
    ground.require_clean(ground.prefix)
    (document,) = ground.manifests(ground.prefix).values()
    assert [each["name"] for each in document["schema"]] == ["id", "day", "text"]


def test_increments_go_on_where_the_last_one_ended(ground: ExportGround) -> None:
    limited = {"limit": Limit(files=1), "success": True}

    outcome = make(ground, "incremental", **limited).run()
    later = {**limited, "source_bucket": ground.sources[1]}
    once = make(ground, "incremental", **later, max_batches=1).run()
    rest = make(ground, "incremental", **later).run()

    assert [each.rows for each in outcome.manifests] == [20, 20]
    assert (once.rows, once.more, rest.rows, rest.more) == (10, True, 10, False)
    assert once.remarks[-1] == "1 batches were exported (max_batches), and there is more for the next run"
    assert make(ground, "incremental", **later).run().nothing_new
    documents = ground.manifests(ground.prefix)
    assert list(documents) == [f"{number:020}.json" for number in range(1, 5)]
    assert [each["previous"] for each in documents.values()] == [None, 1, 2, 3]
    first, second, *_ = (each["cursors"][0] for each in documents.values())
    assert (first["stream"], first["from"], first["to"]) == ("daily orders/orders", None, {"files": 1})
    assert (second["from"], second["to"]) == ({"files": 1}, {"files": 2})
    parts = [f"orders/part-0000{number}.parquet" for number in range(4)]
    assert files(ground) == ["orders/_SUCCESS", *parts]
    ground.require_rows(ground.prefix, rows(2))
    ground.require_clean(ground.prefix)


def test_a_gap_fails_or_replaces_all_that_was_exported(ground: ExportGround) -> None:
    bucket = f"source-{uuid4().hex[:8]}"
    ground.client.create_bucket(Bucket=bucket)

    def write(numbers: Iterable[int], mode: Any = "append") -> None:
        place = f"s3://{bucket}/{work.SOURCE}"
        write_deltalake(place, frame(numbers), mode=mode, storage_options=ground.options)

    delta = {"source_bucket": bucket, "source_format": "delta"}
    for numbers in (range(20), range(20, 30)):
        write(numbers)
        make(ground, "incremental", **delta).run()
    write(range(5), "overwrite")
    with pytest.raises(HistoryGapError, match="on_gap: full_refresh"):
        make(ground, "incremental", **delta).run()
    ground.require_rows(ground.prefix, numbered(*range(30)))

    export = make(ground, "incremental", **delta, on_gap="full_refresh")
    outcome = export.run()

    assert "all that was exported was replaced by the rows of 'orders'" in outcome.remarks[-1]
    assert [each.previous for each in outcome.manifests] == [None]
    ground.require_rows(ground.prefix, numbered(*range(5)))
    write([70])
    assert export.run().rows == 1
    ground.require_rows(ground.prefix, numbered(*range(5), 70))
    ground.require_clean(ground.prefix)


def test_what_an_asset_made_of_a_stream_is_committed_with_its_cursor(ground: ExportGround) -> None:
    source = export_work.source(ground.endpoint, ground.sources[0], "parquet")
    export = make(ground, "incremental", source_bucket=None)
    plan, read = export.read_stream("daily orders/orders", source)
    made = plan.frame.filter(pl.col("id") < 3)

    outcome = export.write(made, streams=[read], sources=[(source, plan)])

    assert (outcome.rows, outcome.since) == (3, None)
    assert export.read_stream("daily orders/orders", source)[0].empty
    assert export.committed("daily orders/orders") == outcome.manifests[0].document["attempt"]
    with pytest.raises(StreamMovedError, match="another run has committed the stream 'daily orders/orders'"):
        export.write(made, streams=[read])
    ground.require_rows(ground.prefix, numbered(0, 1, 2))
    ground.require_clean(ground.prefix)


def test_requests_do_not_grow_but_with_the_files(ground: ExportGround, proxy: RequestProxy) -> None:
    """Of a rerun: three for each file, beside a fixed number, among them one for each side's listing."""
    counts = {}
    for many in (2, 6):
        export = make(ground, prefix=f"{ground.prefix}{many}/", endpoint=proxy.endpoint, rows=8)
        for _ in range(2):
            proxy.reset()
            export.write(frame(range(many * 8)).lazy())
        counts[many] = proxy.count()

    assert counts[6] - counts[2] == 3 * 4
    assert counts[2] - 3 * 2 <= 14


def test_the_log_is_bounded(ground: ExportGround) -> None:
    export = make(ground)
    export.write(frame([0]).lazy())
    # As far on as many others would have brought it.
    entry = ground.objects(ground.prefix)[f"{LOG}commit-{1:020}.json"]
    for kind, body in (("json", entry), ("done", b"")):
        key = f"{ground.prefix}{LOG}commit-{2 * KEPT - 1:020}.{kind}"
        ground.client.put_object(Bucket=ground.bucket, Key=key, Body=body)
    for number in (1, 2, 3):
        export.write(frame([number]).lazy())

    log = [
        key for key in ground.keys(ground.prefix) if key.startswith(f"{LOG}commit-") and key.endswith(".json")
    ]
    assert [int(key[-25:-5]) for key in log] == [2 * KEPT + number for number in (-1, 0, 1, 2)]
    ground.require_rows(ground.prefix, numbered(3))


def test_a_canned_acl_is_that_of_the_manifest_as_well(ground: ExportGround) -> None:
    ground.client.put_bucket_ownership_controls(
        Bucket=ground.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    make(ground, options=ObjectOptions(canned_acl="public-read"), success=True).write(frame([1]).lazy())

    shown = [
        *(f"{ground.prefix}{key}" for key in files(ground)),
        *(f"{ground.prefix}{key}" for key in ground.keys(ground.prefix) if key.startswith(MANIFESTS)),
    ]
    assert len(shown) == 3
    for key in shown:
        grants = ground.client.get_object_acl(Bucket=ground.bucket, Key=key)["Grants"]
        assert ("http://acs.amazonaws.com/groups/global/AllUsers", "READ") in [
            (each["Grantee"].get("URI"), each["Permission"]) for each in grants
        ]


# What is refused


@pytest.mark.parametrize("part", [0, 1])
def test_a_foreign_object_is_never_overwritten(part: int, ground: ExportGround) -> None:
    name = f"orders/part-0000{part}.parquet"
    key = f"{ground.prefix}{name}"
    ground.client.put_object(Bucket=ground.bucket, Key=key, Body=b"theirs")

    with pytest.raises(
        KeyTakenError, match=rf"{key}: the key .* is taken: .* no export of s3-assets\. Give the export a"
    ):
        make(ground, rows=8).write(frame(range(10)).lazy())

    assert files(ground) == [name]
    assert ground.objects(ground.prefix)[name] == b"theirs"
    assert ground.open_uploads(ground.prefix) == []
    assert not [key for key in ground.keys(ground.prefix) if key.startswith((INTENTS, MANIFESTS))]


def test_an_exports_keys_are_its_own(ground: ExportGround) -> None:
    make(ground).write(frame([1]).lazy())

    with pytest.raises(KeyTakenError, match="written by the export 'daily orders'"):
        make(ground, name="other orders").write(frame([2]).lazy())

    ground.require_rows(ground.prefix, numbered(1))


def test_a_unit_whose_manifest_is_lost_knows_its_files(ground: ExportGround) -> None:
    make(ground, rows=8).write(frame(range(20)).lazy())
    (name,) = ground.manifests(ground.prefix)
    ground.client.delete_object(Bucket=ground.bucket, Key=f"{ground.prefix}{MANIFESTS}{name}")

    outcome = make(ground, rows=8).write(frame(range(30, 42)).lazy())

    assert outcome.removed_files == 1
    ground.require_rows(ground.prefix, numbered(*range(30, 42)))
    ground.require_clean(ground.prefix)


def test_two_partitions_with_one_key_are_refused(ground: ExportGround) -> None:
    export = make(ground, "partitions", key="orders.{extension}", rows=None)
    export.write(frame([0]).lazy(), partition_key="a")

    with pytest.raises(KeyTakenError, match=r"another unit of this export\. Have the key tell units apart"):
        export.write(frame([1]).lazy(), partition_key="b")
    with pytest.raises(SettingError, match=r"has no \{part\}"):
        replace(export, split=Split(rows=1)).write(frame([0, 1]).lazy(), partition_key="a")

    ground.require_rows(ground.prefix, numbered(0))
    ground.require_clean(ground.prefix)


def test_partitions_are_named_where_they_have_to_be(ground: ExportGround) -> None:
    week = work.day_window(date(2026, 1, 1), days=7)
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: make(ground, "partitions").run(), "no window was given"),
        (lambda: make(ground, "partitions").run(window=week), "has 7 partitions"),
        (lambda: make(ground, "full").run(window=week), r"the window .* was given"),
        (lambda: make(ground, "partitions").write(frame([1]).lazy()), "no partition was named"),
        (lambda: make(ground, "full").write(frame([1]).lazy(), partition_key="a"), "a partition was named"),
        (lambda: make(ground, source_bucket=None).run(), "has no source"),
    ]
    for act, said in refused:
        with pytest.raises(SettingError, match=said):
            act()
    assert ground.keys(ground.prefix) == []


def test_a_server_that_ignores_conditions_is_refused(ground: ExportGround) -> None:
    with unconditional(ground.endpoint) as endpoint, pytest.raises(UnsupportedError, match="If-None-Match"):
        make(ground, endpoint=endpoint).write(frame([1]).lazy())


# What goes wrong on the way


@pytest.fixture
def requests_of(proxy: RequestProxy) -> Callable[[Export], list[str]]:
    """The requests of a run of one export that is not disturbed, as method and path without numbers."""

    def run(export: Export) -> list[str]:
        proxy.reset()
        export.write(frame(range(20)).lazy())
        return [f"{each.method} {each.path}" for each in proxy.requests()]

    return run


def first(requests: list[str], *texts: str) -> int:
    """The number of the first request that has all of the texts."""
    return next(number for number, each in enumerate(requests, 1) if all(text in each for text in texts))


@pytest.fixture
def disturbed(
    ground: ExportGround, proxy: RequestProxy, requests_of: Callable[[Export], list[str]]
) -> Iterator[Callable[..., list[str]]]:
    """Have a run of an export fail: from one request on, found by texts in it, the server does not answer."""

    def disturb(*texts: str, times: int = FOREVER, behind: int = 0) -> list[str]:
        settings: dict[str, Any] = {"endpoint": proxy.endpoint, "retries": 0, "rows": 8, "success": True}
        rehearsed = make(ground, prefix=f"rehearsal/{ground.prefix}", **settings)
        at = first(requests_of(rehearsed), *texts) + behind
        proxy.reset()
        proxy.arm("status", at, times=times)
        with pytest.raises(ThrottledError):
            make(ground, **settings).write(frame(range(20)).lazy())
        sent = [f"{each.method} {each.path}" for each in proxy.requests()]
        proxy.reset()
        return sent

    yield disturb
    proxy.reset()


def test_a_run_that_fails_leaves_nothing(ground: ExportGround, disturbed: Callable[..., list[str]]) -> None:
    sent = disturbed("PUT", "part-00001.parquet", "partNumber", times=1)

    assert sum("?uploads" in each for each in sent) == 2
    assert ground.open_uploads(ground.prefix) == []
    assert [key for key in ground.keys(ground.prefix) if not key.startswith(LOG)] == []


def test_rows_that_are_refused_leave_nothing(ground: ExportGround) -> None:
    strange = pl.LazyFrame({"a": [1.0, float("inf")]})
    export = make(ground, format_="jsonl.gz", rows=1)

    with pytest.raises(RowsRefusedError):
        export.write(strange)

    assert ground.open_uploads(ground.prefix) == []
    assert [key for key in ground.keys(ground.prefix) if not key.startswith(LOG)] == []


def test_a_run_that_is_overtaken_begins_again(ground: ExportGround) -> None:
    """Its uploads are aborted under its hands by the faster one, whose files it then replaces."""
    settings: dict[str, Any] = {"format_": "jsonl.gz", "rows": 4}
    faster: list[int] = []

    def overtake(line: str) -> None:
        if not faster:
            assert ground.open_uploads(ground.prefix), line
            faster.append(make(ground, **settings).write(frame(range(30, 39)).lazy()).rows)

    progress = Progress("an export", show=overtake, interval=-1.0)
    outcome = make(ground, **settings).write(frame(range(8)).lazy(), progress=progress)

    assert (faster, outcome.rounds, outcome.removed_files) == ([9], 2, 1)
    ground.require_rows(ground.prefix, numbered(*range(8)))
    ground.require_clean(ground.prefix)


def test_what_may_be_alive_is_left_alone_until_it_is_given_up(
    ground: ExportGround, disturbed: Callable[..., list[str]]
) -> None:
    disturbed("PUT", "part-00001.parquet", "partNumber")
    left = ground.open_uploads(ground.prefix)
    assert len(left) == 2

    # Of another lane, which says nothing of that run.
    other = make(ground, "partitions")
    other.write(frame([90]).lazy(), partition_key="a")
    assert ground.open_uploads(ground.prefix) == left
    replace(other, abandon_after=timedelta(0)).write(frame([91]).lazy(), partition_key="a")

    ground.require_rows(ground.prefix, numbered(91))
    ground.require_clean(ground.prefix)


def test_what_a_dead_run_left_at_other_keys_is_found(
    ground: ExportGround, disturbed: Callable[..., list[str]]
) -> None:
    disturbed("PUT", "part-00001.parquet", "partNumber")

    make(ground, key="{date_time}/{part}.{extension}").write(frame([1]).lazy())

    ground.require_rows(ground.prefix, numbered(1))
    ground.require_clean(ground.prefix)


@pytest.mark.parametrize("answer", ["status", "lost_reply"])
def test_a_commit_of_which_the_answer_is_lost(
    answer: Any, ground: ExportGround, proxy: RequestProxy, requests_of: Callable[[Export], list[str]]
) -> None:
    rehearsed = make(ground, prefix=f"rehearsal/{ground.prefix}", endpoint=proxy.endpoint, retries=0)
    at = first(requests_of(rehearsed), "PUT", "commit-", ".json")
    proxy.reset()
    proxy.arm(answer, at)

    outcome = make(ground, endpoint=proxy.endpoint, retries=0).write(frame(range(20)).lazy())

    assert [each.number for each in outcome.manifests] == [1]
    ground.require_rows(ground.prefix, numbered(*range(20)))
    ground.require_clean(ground.prefix)


def void(ground: ExportGround) -> list[str]:
    return [key.removeprefix(LOG) for key in ground.keys(ground.prefix) if key.endswith(".void")]


def test_a_commit_whose_uploads_were_aborted_is_void(
    ground: ExportGround, disturbed: Callable[..., list[str]]
) -> None:
    """As by a lifecycle rule, while nobody came to carry it out."""
    make(ground, rows=8, success=True).write(frame(range(30, 40)).lazy())
    # The rehearsal had no files before: its commit is followed by other requests than this one's.
    disturbed("PUT", "commit-", ".json", behind=1)
    for key, upload in ground.open_uploads(ground.prefix):
        ground.client.abort_multipart_upload(Bucket=ground.bucket, Key=key, UploadId=upload)
    ground.require_rows(ground.prefix, numbered(*range(30, 40)))

    outcome = make(ground).write(frame(range(7)).lazy())

    assert "could not be carried out, and is void" in outcome.remarks[0]
    assert void(ground) == [f"commit-{2:020}.void"]
    ground.require_rows(ground.prefix, numbered(*range(7)))
    assert ground.open_uploads(ground.prefix) == []
    assert not [key for key in ground.keys(ground.prefix) if key.startswith(INTENTS)]


def test_an_increment_that_is_void_is_exported_again(ground: ExportGround, proxy: RequestProxy) -> None:
    ground.export(ground.prefix, "incremental", 1)
    settings: dict[str, Any] = {"source_bucket": ground.sources[1], "endpoint": proxy.endpoint, "retries": 0}
    ground.export(f"rehearsal/{ground.prefix}", "incremental", 1)
    proxy.reset()
    make(ground, "incremental", prefix=f"rehearsal/{ground.prefix}", **settings).run()
    sent = [f"{each.method} {each.path}" for each in proxy.requests()]
    proxy.reset()
    proxy.arm("status", first(sent, "PUT", "commit-", ".json") + 1, times=FOREVER)
    with pytest.raises(ThrottledError):
        make(ground, "incremental", **settings).run()
    proxy.reset()
    for key, upload in ground.open_uploads(ground.prefix):
        ground.client.abort_multipart_upload(Bucket=ground.bucket, Key=key, UploadId=upload)

    ground.export(ground.prefix, "incremental", 3)

    assert void(ground) == [f"commit-{2:020}.void"]
    ground.require_rows(ground.prefix, rows(3))
    assert [each["previous"] for each in ground.manifests(ground.prefix).values()] == [None, 1]


def test_a_key_that_is_taken_behind_the_commit_makes_it_void(
    ground: ExportGround, disturbed: Callable[..., list[str]]
) -> None:
    make(ground, rows=8, success=True).write(frame(range(30, 40)).lazy())
    disturbed("PUT", "commit-", ".json", behind=1)
    theirs = f"{ground.prefix}orders/part-00002.parquet"
    ground.client.put_object(Bucket=ground.bucket, Key=theirs, Body=parquet([99]))

    with pytest.raises(KeyTakenError, match="no export of s3-assets"):
        make(ground, rows=8).write(frame(range(20)).lazy())

    # The unit is as it was, its flag included, and so is the foreign object.
    assert void(ground) == [f"commit-{2:020}.void"]
    assert ground.followed_rows(ground.prefix) == numbered(*range(30, 40))
    assert listed_rows(ground.objects(ground.prefix)) == numbered(*range(30, 40), 99)
    (document,) = ground.manifests(ground.prefix).values()
    assert document["success"].removeprefix(ground.prefix) in ground.keys(ground.prefix)
    assert ground.open_uploads(ground.prefix) == []


def test_on_ceph(rgw: Gateway, ground: ExportGround) -> None:
    """Increments, files that are replaced, and keys that are taken, on a gateway that keeps to conditions."""
    client = rgw.client()
    client.create_bucket(Bucket=ground.bucket)
    keys = AccessKeyAuth(access_key_id=rgw.admin.key_id, secret_access_key=rgw.admin.secret)
    there = work.connection(rgw.endpoint, ground.bucket).model_copy(update={"auth": keys})
    for waves in (1, 2):
        source = ground.sources[waves - 1]
        replace(make(ground, "incremental", source_bucket=source), connection=there).run()
    whole = replace(make(ground, rows=8, name="all orders", key="all/{part}.parquet"), connection=there)
    for numbers in (range(20), range(30, 42)):
        whole.write(frame(numbers).lazy())
    with pytest.raises(KeyTakenError, match="written by the export 'all orders'"):
        replace(whole, name="other orders").write(frame([1]).lazy())

    pages = client.get_paginator("list_objects_v2").paginate(Bucket=ground.bucket)
    found = {
        item["Key"].removeprefix(ground.prefix): client.get_object(Bucket=ground.bucket, Key=item["Key"])
        for page in pages
        for item in page["Contents"]
    }
    bodies = {key: answer["Body"].read() for key, answer in found.items()}
    assert listed_rows(bodies) == sorted(rows(2) + numbered(*range(30, 42)))
    assert not [key for key in bodies if "/intents/" in key]
    assert "Uploads" not in client.list_multipart_uploads(Bucket=ground.bucket)
