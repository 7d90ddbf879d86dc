"""Plans with a limit: one after the other they read every row once, whatever others write in between."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from s3_assets.errors import ChangeFeedMissingError, HistoryGapError, HistoryLostError, TableRewrittenError
from s3_assets.objects import Objects
from s3_assets.tables.delta_listing import LogListing
from s3_assets.tables.iceberg import IcebergTable
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import Limit, Partly, Position, VersionPosition
from s3_assets.tables.table import Plan, ReadMode, Table
from tests.support.proxy import RequestProxy
from tests.tables.foreign_iceberg import ForeignTable, column
from tests.tables.formats import DELTA, PATH, Place
from tests.tables.iceberg_formats import SQLITE, namespace, sqlite_catalog

FEED = {"delta.enableChangeDataFeed": "true"}
TWO = Limit(files=2)
NUMBERS = [column(1, "number", "long"), column(2, "name", "string")]


def delta(place: Place, proxy: RequestProxy | None = None) -> Table[Any]:
    way = {} if proxy is None else {"endpoint": proxy.endpoint}
    return open_table("sales", DELTA.settings(), place.connection(**way))


def write(place: Place, *found: int, **options: Any) -> None:
    """One file for each number."""
    rows = pl.DataFrame({"number": found, "part": [number % 10 for number in found]})
    told = {"mode": "append", "partition_by": ["part"], **options}
    write_deltalake(place.url, rows, storage_options=place.options, **told)


def handle(place: Place) -> DeltaTable:
    return DeltaTable(place.url, storage_options=place.options)


def vacuum(place: Place) -> None:
    handle(place).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)


def plans(
    table: Table[Any], since: Position | None, limit: Limit, mode: ReadMode = ReadMode.ADDED
) -> Iterator[Plan]:
    while True:
        plan = table.plan(mode, since=since, limit=limit)
        yield plan
        if not plan.more:
            return
        since = plan.until


def numbers_of(plan: Plan) -> list[int]:
    return sorted(plan.frame.collect()["number"].to_list())


def at(plan: Plan) -> VersionPosition:
    assert isinstance(plan.until, VersionPosition)
    return plan.until


# Delta


def test_a_first_load_is_cut_and_pinned_to_its_version(place: Place) -> None:
    write(place, 1, 2, 3, configuration=FEED)
    write(place, 4, 5)
    found, table = [], delta(place)
    for plan in plans(table, None, TWO):
        found.append((numbers_of(plan), plan.files, at(plan).version, at(plan).partly))
        if len(found) == 1:
            # What others do in between is not of this version.
            write(place, 6, 7)
            write(place, 8)
            handle(place).delete("number = 5")

    assert found == [
        ([1, 2], 2, 1, Partly(2, of_snapshot=True)),
        ([3, 4], 2, 1, Partly(4, of_snapshot=True)),
        ([5], 1, 1, None),
        ([6, 7], 2, 2, None),
        ([8], 1, 4, None),
    ]
    assert "version 4 (DELETE)" in plan.notes[0]
    assert table.plan(ReadMode.ADDED, since=plan.until, limit=TWO).empty


def test_a_commit_that_is_larger_than_the_limit_is_read_in_parts(place: Place) -> None:
    write(place, 0)
    table = delta(place)
    start = table.plan(ReadMode.ADDED).until
    write(place, 1, 2, 3, 4, 5)
    write(place, 6)
    found = []
    for count, plan in enumerate(plans(table, start, TWO)):
        found.append((numbers_of(plan), at(plan).version, at(plan).partly))
        if count == 0:
            handle(place).optimize.compact()

    assert found == [
        ([1, 2], 1, Partly(2, of_snapshot=False)),
        ([3, 4], 1, Partly(4, of_snapshot=False)),
        ([5, 6], 2, None),
    ] + ([([], 3, None)] if len(found) == 4 else [])
    # A limit of bytes that each file exceeds: one at a time.
    small = [numbers_of(each) for each in plans(table, start, Limit(bytes=1))]
    assert [number for part in small for number in part] == [1, 2, 3, 4, 5, 6]
    # Without a limit the rest of the commit, and all that came after it.
    partly = VersionPosition(1, at(plan).table_id, Partly(2, of_snapshot=False))
    assert numbers_of(table.plan(ReadMode.ADDED, since=partly)) == [3, 4, 5, 6]


def test_added_rows_of_a_table_without_a_feed(place: Place) -> None:
    write(place, 1, 2)
    table = delta(place)
    start = table.plan(ReadMode.ADDED).until
    write(place, 3, 4)
    handle(place).update(predicate="number = 1", updates={"number": "11"})
    handle(place).delete("number = 3")

    plan = table.plan(ReadMode.ADDED, since=start)

    assert numbers_of(plan) == [3, 4]
    assert [note.partition(" changed")[0] for note in plan.notes] == [
        "version 2 (UPDATE)",
        "version 3 (DELETE)",
    ]
    behind = VersionPosition(1, at(plan).table_id)
    assert table.plan(ReadMode.ADDED, since=behind).empty
    (
        handle(place)
        .merge(pl.DataFrame({"number": [4, 5], "part": [4, 5]}), "t.number = s.number", "s", "t")
        .when_matched_update_all()
        .when_not_matched_insert_all()
        .execute()
    )
    # What was appended before comes first; of what the MERGE inserted only a feed would tell.
    write(place, 6)
    start = VersionPosition(0, behind.table_id)
    assert numbers_of(table.plan(ReadMode.ADDED, since=start, limit=Limit(files=9))) == [3, 4]
    with pytest.raises(ChangeFeedMissingError, match="table 'sales'"):
        table.plan(ReadMode.ADDED, since=behind)


def test_changes_are_cut_between_commits_alone(place: Place) -> None:
    write(place, 1, 2, 3, configuration=FEED)
    table = delta(place)
    first = list(plans(table, None, TWO, ReadMode.CHANGES))
    assert [numbers_of(each) for each in first] == [[1, 2], [3]]
    assert {kind for each in first for kind in each.frame.collect()["_change_type"]} == {"insert"}
    handle(place).update(predicate="number > 0", updates={"number": "number + 10"})
    handle(place).delete("number = 11")
    write(place, 4)

    behind = list(plans(table, first[-1].until, Limit(files=1), ReadMode.CHANGES))

    rows = [each.frame.collect().sort("_change_type", "number").rows() for each in behind]
    told = [[(row[0], row[2]) for row in part] for part in rows]
    assert told == [
        [(number + 10, "update_postimage") for number in (1, 2, 3)]
        + [(number, "update_preimage") for number in (1, 2, 3)],
        [(11, "delete")],
        [(4, "insert")],
    ]
    assert [at(each).version for each in behind] == [1, 2, 3]


def test_what_is_gone_before_it_was_read_to_its_end_is_a_gap(place: Place) -> None:
    write(place, 1, 2, 3)
    table = delta(place)
    snapshot = table.plan(ReadMode.ADDED, limit=TWO).until
    start = VersionPosition(0, snapshot.table_id)  # type: ignore[union-attr]  # of versions
    write(place, 14, 25, 36)
    commit = table.plan(ReadMode.ADDED, since=start, limit=TWO).until
    write(place, 24)
    handle(place).delete("part = 3")
    handle(place).delete("part = 6")
    vacuum(place)

    for since in (snapshot, commit):
        with pytest.raises(HistoryLostError, match=r"table 'sales'.*vacuumed.*on_gap: full_refresh"):
            table.plan(ReadMode.ADDED, since=since, limit=TWO)
    # A commit that replaced rows is met when those before it have been read.
    write(place, 9, mode="overwrite")
    newer = VersionPosition(1, start.table_id)
    assert numbers_of(table.plan(ReadMode.ADDED, since=newer, limit=TWO)) == [24]
    with pytest.raises(HistoryGapError):
        list(plans(table, newer, TWO))


def test_a_column_of_another_type_is_a_gap_in_its_changes(place: Place) -> None:
    write(place, 1, configuration=FEED)
    table = delta(place)
    start = table.plan(ReadMode.CHANGES).until
    write(place, 2)
    write_deltalake(
        place.url,
        pl.DataFrame({"number": [3], "part": ["x"]}),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=["part"],
        storage_options=place.options,
    )

    first = table.plan(ReadMode.CHANGES, since=start, limit=Limit(files=1))
    assert first.frame.collect().select("number", "part").rows() == [(2, 2)]
    for since in (start, first.until):
        with pytest.raises(TableRewrittenError, match="column 'part' became string, and was long"):
            table.plan(ReadMode.CHANGES, since=since)


def test_a_table_made_anew_with_fewer_versions_is_told(place: Place) -> None:
    for number in range(3):
        write(place, number)
    table = delta(place)
    since = table.plan(ReadMode.ADDED).until
    for key in place.objects():
        place.client.delete_object(Bucket=place.bucket, Key=key)
    write(place, 7)

    with pytest.raises(TableRewrittenError, match="dropped and made anew: the cursor stands at version 2"):
        table.plan(ReadMode.ADDED, since=since)


def test_no_more_of_a_long_log_is_read_than_is_taken(place: Place) -> None:
    write(place, 0)
    start = delta(place).plan(ReadMode.ADDED).until
    name = next(key for key in place.objects() if key.endswith(".parquet")).removeprefix(f"{PATH}/")
    template = handle(place).get_add_actions(flatten=True)
    size = pl.DataFrame(template)["size_bytes"][0]
    add = {
        "path": name,
        "size": size,
        "partitionValues": {"part": "0"},
        "dataChange": True,
        "modificationTime": 1,
    }
    for version in range(1, 41):
        place.put(f"_delta_log/{version:020d}.json", json.dumps({"add": add}).encode())
    handle(place).create_checkpoint()

    with RequestProxy(place.server.endpoint_url) as proxy:
        table = delta(place, proxy)
        plan = table.plan(ReadMode.ADDED, since=start, limit=Limit(files=3))
        entries = {each.path for each in proxy.requests() if each.path.endswith(".json")}
        assert (at(plan).version, plan.files, plan.more) == (3, 3, True)
        proxy.reset()
        newest = table.plan(ReadMode.ADDED, since=VersionPosition(40, at(plan).table_id))
        assert newest.empty
        assert proxy.count() == 2
        assert newest.frame.collect_schema() == table.schema()

    assert {each[-10:] for each in entries if "0000" in each} == {
        f"{version:05d}.json" for version in (1, 2, 3)
    }


@pytest.mark.parametrize("count", [0, 4, 5, 29])
def test_the_end_of_a_log_is_found_without_listing_it(place: Place, count: int) -> None:
    for version in range(count):
        place.put(f"_delta_log/{version:020d}.json", b"{}")
    place.put("_delta_log/00000000000000000002.checkpoint.parquet", b"")
    place.put("_delta_log/_sidecars/x.parquet", b"")
    listing = LogListing(Objects(place.connection()), f"{PATH}/_delta_log/", page=4)

    assert listing.newest() == (count - 1 if count else None)


# Iceberg


def rows(*found: int) -> list[dict[str, Any]]:
    return [{"number": number, "name": f"n{number}"} for number in found]


def opened(place: Place) -> IcebergTable:
    return IcebergTable(
        "numbers", IcebergSettings(connection="lake", warehouse_path=PATH), place.connection()
    )


def test_an_iceberg_first_load_is_cut_and_pinned_to_its_snapshot(place: Place) -> None:
    foreign = ForeignTable(place, NUMBERS)
    files = [foreign.file(rows(number)) for number in (1, 2, 3)]
    foreign.commit("append", files)
    gone = foreign.commit("delete", [foreign.positions([(files[2], 0)], limited=True)])
    foreign.save()
    table = opened(place)
    found = []
    for count, plan in enumerate(plans(table, None, TWO)):
        found.append((numbers_of(plan), at(plan).version, at(plan).partly))
        if count == 0:
            foreign.commit("append", [foreign.file(rows(4))])
            foreign.save()

    assert found == [
        ([1, 2], gone, Partly(2, of_snapshot=True)),
        ([], gone, None),
        ([4], gone + 1, None),
    ]

    foreign.snapshots = foreign.snapshots[2:]
    foreign.save()
    with pytest.raises(
        HistoryLostError, match=rf"of snapshot {gone} 2 files were read.*expired.*full_refresh"
    ):
        table.plan(
            ReadMode.ADDED, since=VersionPosition(gone, at(plan).table_id, Partly(2, of_snapshot=True))
        )


def test_iceberg_snapshots_are_taken_whole_or_in_parts(place: Place) -> None:
    foreign = ForeignTable(place, NUMBERS)
    foreign.commit("append", [foreign.file(rows(0))])
    foreign.save()
    table = opened(place)
    start = table.plan(ReadMode.ADDED).until
    five = [foreign.file(rows(number)) for number in range(1, 6)]
    large = foreign.commit("append", five)
    foreign.commit("append", [foreign.file(rows(6))])
    foreign.save()
    found = []
    for count, plan in enumerate(plans(table, start, TWO)):
        found.append((numbers_of(plan), at(plan).partly))
        if count == 0:
            foreign.commit("replace", [foreign.file(rows(1, 2, 3, 4, 5))], five)
            foreign.commit("append", [foreign.file(rows(7)), foreign.file(rows(8))])
            foreign.save()

    assert found == [
        ([1, 2], Partly(2, of_snapshot=False)),
        ([3, 4], Partly(4, of_snapshot=False)),
        ([5, 6], None),
        ([7, 8], None),
    ]
    assert large != at(plan).version
    rewriting = foreign.commit("overwrite", [foreign.file(rows(10))], [next(iter(foreign.live.values()))])
    foreign.commit("append", [foreign.file(rows(11))])
    foreign.save()
    with pytest.raises(TableRewrittenError, match=rf"{rewriting} \(overwrite\).*on_gap: full_refresh"):
        table.plan(ReadMode.ADDED, since=plan.until, limit=TWO)
    assert numbers_of(table.plan(ReadMode.ADDED, since=start, limit=Limit(files=9))) == list(range(1, 9))


def test_iceberg_changes_are_those_of_its_files(place: Place) -> None:
    foreign = ForeignTable(place, NUMBERS)
    first = foreign.file(rows(1, 2, 2))
    foreign.commit("append", [first])
    foreign.save()
    table = opened(place)
    start = table.plan(ReadMode.CHANGES)
    assert start.frame.collect()["_change_type"].to_list() == ["insert"] * 3
    second = foreign.file([*rows(1, 2), {"number": 3, "name": None}])
    foreign.commit("append", [foreign.file(rows(9))])
    foreign.commit("overwrite", [second], [first])
    foreign.commit("replace", [foreign.file([*rows(1, 2), {"number": 3, "name": None}])], [second])
    foreign.save()

    plan = table.plan(ReadMode.CHANGES, since=start.until)

    found = plan.frame.collect().select("number", "name", "_change_type", "_commit_version")
    assert found.sort("_commit_version", "_change_type").rows() == [
        (9, "n9", "insert", 2),
        (2, "n2", "delete", 3),
        (3, None, "insert", 3),
    ]
    assert plan.frame.collect_schema() == start.frame.collect_schema()
    assert [at(each).version for each in plans(table, start.until, Limit(files=1), ReadMode.CHANGES)] == [
        1001,
        1002,
        1003,
    ]
    live = next(iter(foreign.live.values()))
    deleting = foreign.commit("delete", [foreign.positions([(live, 0)], limited=True)])
    foreign.save()
    with pytest.raises(ChangeFeedMissingError, match=rf"{deleting} \(delete\).*on_gap: full_refresh"):
        table.plan(ReadMode.CHANGES, since=start.until)


def test_pyiceberg_appends_whose_manifests_were_merged(place: Place) -> None:
    catalog = sqlite_catalog(place)
    catalog.create_namespace(namespace(place))
    merging = {"commit.manifest-merge.enabled": "true", "commit.manifest.min-count-to-merge": "2"}
    schema = pa.schema([("number", pa.int64())])
    table = catalog.create_table(f"{namespace(place)}.sales", schema, properties=merging)

    def append(*found: int) -> None:
        table.append(pa.table({"number": list(found)}, schema=schema))

    append(0)
    ours = open_table(
        "sales", SQLITE.settings(**SQLITE.placed(place)), place.connection(**SQLITE.reach(place))
    )
    start = ours.plan(ReadMode.ADDED).until
    for number in range(1, 8):
        append(number)

    assert numbers_of(ours.plan(ReadMode.ADDED, since=start)) == list(range(1, 8))
    parts = list(plans(ours, start, Limit(files=3)))
    assert [numbers_of(each) for each in parts] == [[1, 2, 3], [4, 5, 6], [7]]
    table.delete("number = 4")
    changes = ours.plan(ReadMode.CHANGES, since=parts[-1].until).frame.collect()
    assert changes.select("number", "_change_type").rows() == [(4, "delete")]
    catalog.close()
