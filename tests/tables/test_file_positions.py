"""How the new files of a folder are told: by a ledger, by the order of their names, by the time of writing.

A consumer keeps its position as a cursor beside a target does, through the same files on S3. What it has to
read is computed in plain Python from what was put into the bucket.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
import pytest

from s3_assets.errors import CursorError, DataFilesMissingError, SourceRewrittenError, UnsupportedError
from s3_assets.incremental.cursor import Cursor, Cursors
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import (
    FilesPosition,
    Limit,
    ModifiedPosition,
    PathPosition,
    Position,
    StatePosition,
    VersionPosition,
)
from s3_assets.tables.settings import ParquetSettings, Partitions
from s3_assets.tables.table import Plan, ReadMode, Table
from s3_assets.tables.text_settings import JsonLinesSettings
from s3_assets.windows import Window
from tests.support.dated_front import DatedFront
from tests.support.extent import EVERYTHING
from tests.tables.formats import PARQUET, PATH, Format, Place
from tests.tables.row_formats import AVRO, CSV, JSON, JSONL, TSV

EXACT, BY_PATH, BY_TIME = WAYS = ("exact", "path_order", "modified_time")
FOLDERS = (PARQUET, AVRO, CSV, TSV, JSONL, JSON)
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def front(place: Place) -> Iterator[DatedFront]:
    with DatedFront(place.server.endpoint_url) as front:
        yield front


@dataclass
class Consumer:
    """One who reads what is new, and keeps how far as a cursor."""

    place: Place
    endpoint: str
    settings: dict[str, Any]
    name: str = "orders"
    since: Cursor | None = None
    number: int = 0
    rows: list[int] = field(default_factory=list)
    """All that was ever read."""

    @property
    def table(self) -> Table[Any]:
        told = {"connection": "lake", "path": PATH, "columns": {"id": "int64"}, **self.settings}
        return open_table("orders", JsonLinesSettings(**told), self.place.connection(endpoint=self.endpoint))

    def plan(self, limit: Limit | None = None) -> Plan:
        return self.table.plan(ReadMode.ADDED, since=self.since.position if self.since else None, limit=limit)

    def read(self, limit: Limit | None = None) -> Plan:
        """Read once, and commit if there was anything."""
        plan = self.plan(limit)
        if not plan.empty:
            self.rows += plan.frame.collect()["id"].to_list()
            self.commit(plan.until)
        return plan

    def run(self, limit: Limit | None = None) -> list[int]:
        """Read until there is no more; return what was read."""
        before = len(self.rows)
        while self.read(limit).more:
            pass
        return sorted(self.rows[before:])

    def commit(self, position: Position | None) -> None:
        connection = self.place.connection()
        cursors = Cursors(connection, connection.location.folder("target/"), f"target/{self.name}")
        self.number += 1
        saved = cursors.save(self.number, position, self.since)
        cursors.discard(cursors.survey(saved))
        self.since = cursors.load(self.number)


@dataclass
class Source:
    """A folder whose files have one row each, and whose times the test chooses."""

    place: Place
    front: DatedFront
    consumers: int = 0

    def consumer(self, way: str, **settings: Any) -> Consumer:
        self.consumers += 1
        told = {"incremental": way, **settings}
        return Consumer(self.place, self.front.endpoint, told, f"orders {self.consumers}")

    def put(self, name: str, row: int, at: datetime = NOON) -> None:
        self.place.put(name, b'{"id": %d}\n' % row)
        self.front.times[f"{PATH}/{name}"] = at

    def delete(self, name: str) -> None:
        self.place.client.delete_object(Bucket=self.place.bucket, Key=f"{PATH}/{name}")


@pytest.fixture
def source(place: Place, front: DatedFront) -> Source:
    return Source(place, front)


# Every format


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("folder", FOLDERS, ids=[each.name for each in FOLDERS])
def test_every_folder_format(folder: Format, way: str, place: Place) -> None:
    first, second = (pl.DataFrame({"number": [number]}) for number in (1, 2))
    folder.write(place, first, [])
    table = folder.table(place, schema=first.schema, incremental=way)
    since = table.plan(ReadMode.ADDED).until
    assert table.plan(ReadMode.ADDED, since=since).empty
    folder.write(place, second, [])

    plan = table.plan(ReadMode.ADDED, since=since)

    assert plan.frame.collect()["number"].to_list() == [2]
    assert (plan.files, plan.more) == (1, False)
    assert table.plan(ReadMode.CURRENT).files == 2


# Random histories


class Put(NamedTuple):
    """One state of a file, told by its row."""

    name: str
    row: int
    at: datetime


@dataclass
class History:
    """Waves of files by a seed: late ones, rewritten ones, deleted ones, several of the same second."""

    source: Source
    chance: random.Random
    now: datetime = NOON
    row: int = 0
    there: dict[str, Put] = field(default_factory=dict)
    """What listings show, by name."""
    coming: list[Put] = field(default_factory=list)
    """Files that were written and that no listing shows yet."""

    def wave(self) -> None:
        self.now += self.chance.choice([timedelta(seconds=1), 10 * MINUTE, HOUR])
        for _ in range(self.chance.randint(0, 4)):
            self.put(f"{self.chance.choice('abc')}-{self.row + 1:03}.jsonl")
        for name in self.some(0.1):
            self.put(name)
        for name in self.some(0.1):
            del self.there[name]
            self.source.delete(name)
        if self.chance.random() < 0.5:
            self.put(f"late-{self.row + 1:03}.jsonl", hidden=True)
        for late in [each for each in self.coming if self.chance.random() < 0.5]:
            self.coming.remove(late)
            self.there[late.name] = late
            self.source.front.hidden.discard(f"{PATH}/{late.name}")

    def put(self, name: str, *, hidden: bool = False) -> None:
        self.row += 1
        put = Put(name, self.row, self.now)
        if hidden:
            self.source.front.hidden.add(f"{PATH}/{name}")
            self.coming.append(put)
        else:
            self.there[name] = put
        self.source.put(name, put.row, put.at)

    def some(self, share: float) -> list[str]:
        return [name for name in sorted(self.there) if self.chance.random() < share]


class Expected:
    """What each way has to read, by a memory of everything that it has read."""

    def __init__(self, look_back: timedelta) -> None:
        self.look_back = look_back
        self.read: list[Put] = []

    def exact(self, there: dict[str, Put]) -> list[Put]:
        return [put for put in there.values() if put not in self.read]

    def path_order(self, there: dict[str, Put]) -> list[Put]:
        last = max((put.name for put in self.read), default="")
        return [put for put in there.values() if put.name > last]

    def modified_time(self, there: dict[str, Put]) -> list[Put]:
        newest = max((put.at for put in self.read), default=NOON)
        return [put for put in self.exact(there) if put.at >= newest - self.look_back]


@pytest.mark.parametrize("seed", range(40 if EVERYTHING else 2))
@pytest.mark.parametrize("way", WAYS)
def test_every_row_comes_exactly_once(way: str, seed: int, source: Source) -> None:
    chance = random.Random(f"{way} {seed}")  # noqa: S311 - a seed
    look_back = chance.choice([timedelta(0), 10 * MINUTE, HOUR, 24 * HOUR])
    of_way: dict[str, dict[str, Any]] = {
        EXACT: {"on_rewritten": "reread"},
        BY_PATH: {},
        BY_TIME: {"on_rewritten": "reread", "look_back": look_back},
    }
    history, expected = History(source, chance), Expected(look_back)
    history.put("a-000.jsonl")
    consumer = source.consumer(way, **of_way[way])

    for _ in range(12 if EVERYTHING else 6):
        new = getattr(expected, way)(history.there)
        limit = chance.choice([None, Limit(files=2), Limit(bytes=35)])
        assert consumer.run(limit) == sorted(put.row for put in new)
        expected.read += new
        history.wave()
    assert len(set(consumer.rows)) == len(consumer.rows)
    if way == EXACT:
        consumer.run()
        assert {put.row for put in history.there.values()} <= set(consumer.rows)


# Names


def test_names_before_the_last_one_are_not_seen(source: Source) -> None:
    source.put("b.jsonl", 1)
    consumer = source.consumer(BY_PATH)
    assert consumer.run() == [1]
    source.put("a.jsonl", 2)
    source.put("b.jsonl", 3)
    source.put("c.jsonl", 4)

    plan = consumer.read()

    assert consumer.rows == [1, 4]
    assert plan.until == PathPosition("c.jsonl")
    assert plan.notes == ("only names behind b.jsonl were listed: what came or changed before is not seen",)
    assert (plan.total_files, plan.files) == (None, 1)


def test_a_server_that_lists_in_another_order(source: Source) -> None:
    for name in "abc":
        source.put(f"{name}.jsonl", ord(name))
    source.front.shuffled = True

    with pytest.raises(UnsupportedError, match="not list objects in the order of their names"):
        source.consumer(BY_PATH).run()
    assert source.consumer(EXACT).run() == sorted(map(ord, "abc"))


def test_folders_whose_names_begin_alike(place: Place) -> None:
    for number, path in enumerate((PATH, f"{PATH}-2", f"{PATH}-3")):
        place.client.put_object(Bucket=place.bucket, Key=f"{path}/a.jsonl", Body=b'{"id": %d}\n' % number)
    settings = JsonLinesSettings(
        connection="lake", path=PATH, columns={"id": "int64"}, incremental="path_order"
    )
    table = open_table("orders", settings, place.connection(match_subfolder_exactly=False))

    found, since = [], None
    for _ in range(3):
        plan = table.plan(ReadMode.ADDED, since=since, limit=Limit(files=1))
        found += plan.frame.collect()["id"].to_list()
        since = plan.until

    assert sorted(found) == [0, 1, 2]
    assert table.plan(ReadMode.ADDED, since=since).empty


# Times


def test_files_inside_the_look_back(source: Source) -> None:
    """Late ones, and those of the same second, are read once and told; older ones are not seen."""
    source.put("m.jsonl", 1, NOON)
    consumer = source.consumer(BY_TIME)
    assert consumer.run() == [1]
    source.put("same-second.jsonl", 2, NOON)
    source.put("late.jsonl", 3, NOON - HOUR)
    source.put("too-late.jsonl", 4, NOON - HOUR - timedelta(seconds=1))
    source.put("new.jsonl", 5, NOON + MINUTE)

    plan = consumer.read()

    assert consumer.rows[0] == 1
    assert sorted(consumer.rows[1:]) == [2, 3, 5]
    moment = "the newest that was read before (2020-01-01T12:00:00Z)"
    assert plan.notes == (
        f"1 file came late: older than {moment}; the first is {PATH}/late.jsonl",
        f"1 file was written at the moment of {moment}; the first is {PATH}/same-second.jsonl",
    )
    assert isinstance(plan.until, ModifiedPosition)
    assert plan.until.modified == NOON + MINUTE
    assert sorted(plan.until.files["key"]) == [f"{PATH}/{name}.jsonl" for name in ("m", "new", "same-second")]
    assert consumer.run() == []


def test_a_longer_look_back_reads_nothing_twice(source: Source) -> None:
    source.put("a.jsonl", 1, NOON - 3 * HOUR)
    source.put("b.jsonl", 2, NOON)
    consumer = source.consumer(BY_TIME)
    assert consumer.run() == [1, 2]
    consumer.settings["look_back"] = "1d"

    assert consumer.run() == []
    source.put("c.jsonl", 3, NOON - 59 * MINUTE)
    assert consumer.run() == [3]


def test_a_server_whose_clock_is_ahead(source: Source) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    source.put("ahead.jsonl", 1, now + 5 * HOUR)
    consumer = source.consumer(BY_TIME)
    assert consumer.run() == [1]
    source.put("right.jsonl", 2, now)

    assert consumer.run() == [2]
    assert consumer.run() == []


def test_oldest_first(source: Source) -> None:
    for number, name in enumerate("bac"):
        source.put(f"{name}.jsonl", number, NOON + number * MINUTE)

    for way, expected in ((EXACT, [0, 1, 2]), (BY_TIME, [0, 1, 2]), (BY_PATH, [1, 0, 2])):
        consumer = source.consumer(way)
        while consumer.read(Limit(files=1)).more:
            assert len(consumer.rows) < len(expected)
        assert consumer.rows == expected


# Policies


@pytest.mark.parametrize("way", [EXACT, BY_TIME])
def test_files_that_changed_or_went(way: str, source: Source) -> None:
    for number, name in enumerate(("a", "b", "c", "d", "e")):
        source.put(f"{name}.jsonl", number)
    consumer = source.consumer(way)
    consumer.run()
    source.put("a.jsonl", 10, NOON + MINUTE)
    source.put("b.jsonl", 11, NOON + 40 * MINUTE)
    source.put("f.jsonl", 12, NOON + MINUTE)

    with pytest.raises(SourceRewrittenError, match=rf"'orders'.*2 files were changed .* {PATH}/a.jsonl"):
        consumer.run()
    ignoring = source.consumer(way, on_rewritten="ignore")
    ignoring.since, ignoring.name, ignoring.number = consumer.since, consumer.name, 100
    plan = ignoring.read()
    assert (ignoring.rows, plan.files) == ([12], 1)
    told = "changed after having been read, and"
    assert plan.notes == (f"2 files {told} stayed out (on_rewritten: ignore); the first is {PATH}/a.jsonl",)
    # The old state of the ignored file leaves the look-back before its new one does.
    source.put("g.jsonl", 13, NOON + 70 * MINUTE)
    assert ignoring.run() == [13]
    assert ignoring.run() == []

    consumer.settings["on_rewritten"] = "reread"
    source.delete("g.jsonl")
    plan = consumer.read()
    assert sorted(consumer.rows[5:]) == [10, 11, 12]
    assert plan.notes == (f"2 files {told} came again (on_rewritten: reread); the first is {PATH}/a.jsonl",)


@pytest.mark.parametrize("way", [EXACT, BY_TIME])
def test_deleted_files(way: str, source: Source) -> None:
    for number, name in enumerate(("a", "b", "c")):
        source.put(f"{name}.jsonl", number)
    consumer = source.consumer(way)
    consumer.run()
    for name in ("b", "c"):
        source.delete(f"{name}.jsonl")

    plan = consumer.read()
    assert plan.empty
    (note,) = plan.notes
    assert note.startswith("2 files that were read before are gone, their rows stay (on_deleted: ignore)")
    assert note.endswith(f"; the first is {PATH}/b.jsonl")
    consumer.settings["on_deleted"] = "fail"
    with pytest.raises(SourceRewrittenError, match=rf"2 files that were read before are gone.*{PATH}/b"):
        consumer.read()
    source.put("b.jsonl", 1)
    source.put("c.jsonl", 2)
    assert consumer.run() == [], "restored as they were, they are the files that were read"


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_that_was_emptied(way: str, source: Source) -> None:
    consumer = source.consumer(way)
    with pytest.raises(DataFilesMissingError):
        consumer.run()
    source.put("a.jsonl", 1)
    assert consumer.run() == [1]
    source.delete("a.jsonl")

    assert consumer.run() == []


# Limits


def test_a_limit_and_max_files(source: Source) -> None:
    for number in range(6):
        source.put(f"{number}.jsonl", number, NOON - number * MINUTE)

    for way in WAYS:
        most = source.consumer(way, max_files=4)
        plan = most.read()
        assert not plan.more, "the next run takes the next files"
        by = "oldest first" if way == BY_TIME else "by path"
        of = "" if way == BY_PATH else " of 6"
        assert plan.notes == (f"the first 4{of} files are read, {by} (max_files)",)
        both = source.consumer(way, max_files=4).read(Limit(files=3))
        assert (both.files, both.more) == (3, True)
        least = source.consumer(way, max_files=2).read(Limit(files=3))
        assert (least.files, least.more) == (2, False)
        one = source.consumer(way).read(Limit(bytes=1))
        assert (one.files, one.more) == (1, True), "one file is taken, however large"
        all_ = source.consumer(way).read(Limit(files=6, bytes=10**9))
        assert (all_.files, all_.more) == (6, False)


# Cursors of another kind


KINDS: dict[str, Callable[[Place], Position]] = {
    EXACT: lambda place: PARQUET.table(place).plan().until,
    BY_PATH: lambda _: PathPosition("a"),
    BY_TIME: lambda place: PARQUET.table(place, incremental=BY_TIME).plan().until,
    "version": lambda _: VersionPosition(3, "table"),
    "state": lambda _: StatePosition("x"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_cursor_of_another_kind(way: str, place: Place) -> None:
    PARQUET.write(place, pl.DataFrame({"number": [1]}), [])
    table = PARQUET.table(place, incremental=way)

    assert table.plan(ReadMode.ADDED, since=KINDS[way](place)).files <= 1
    for kind in sorted({*KINDS} - {way}):
        with pytest.raises(CursorError, match=rf"holds .*incremental: {way}.*reset the cursor"):
            table.plan(ReadMode.ADDED, since=KINDS[kind](place))


@pytest.mark.parametrize("way", WAYS)
def test_behind_what_is_there_now(way: str, place: Place) -> None:
    """A read of all files ends where the next one of new files can begin."""
    PARQUET.write(place, pl.DataFrame({"number": [1]}), [])
    PARQUET.write(place, pl.DataFrame({"number": [2]}), [])
    table = PARQUET.table(place, incremental=way)
    since = table.plan(ReadMode.CURRENT).until
    assert table.plan(ReadMode.ADDED, since=since).empty
    PARQUET.write(place, pl.DataFrame({"number": [3]}), [])

    assert table.plan(ReadMode.ADDED, since=since).frame.collect()["number"].to_list() == [3]


@pytest.mark.parametrize("way", WAYS)
def test_a_window_of_new_files(way: str, place: Place) -> None:
    days = [date(2026, 1, 1), date(2026, 1, 2)]
    rows = pl.DataFrame({"day": days, "number": [1, 2]})
    PARQUET.write(place, rows.head(1), ["day"])
    table = PARQUET.table(place, Partitions(column="day", start=days[0]), incremental=way)
    since = table.plan(ReadMode.ADDED).until
    PARQUET.write(place, rows, ["day"])
    window = Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))

    plan = table.plan(ReadMode.ADDED, since=since, window=window)

    assert plan.frame.collect()["number"].to_list() == [2]
    until = plan.until
    if isinstance(since, FilesPosition) and isinstance(until, FilesPosition):
        until = FilesPosition(pl.concat([since.files, until.files]))
    assert table.plan(ReadMode.ADDED, since=until, window=window).empty


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"look_back": "1h"}, "look_back is for incremental: modified_time"),
        ({"incremental": BY_PATH, "on_rewritten": "fail"}, "cannot honour on_rewritten"),
        ({"incremental": BY_PATH, "on_deleted": "ignore"}, "cannot honour on_deleted"),
        ({"incremental": BY_TIME, "look_back": "-PT1H"}, "greater than or equal"),
        ({"incremental": BY_TIME, "look_back": "soon"}, "valid timedelta"),
    ],
    ids=["look back", "rewritten", "deleted", "negative", "no duration"],
)
def test_settings_that_are_wrong(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ParquetSettings(connection="lake", path=PATH, **settings)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", timedelta(seconds=90)), ("15m", 15 * MINUTE), ("2d", 48 * HOUR), ("PT1H", HOUR), (60, MINUTE)],
)
def test_durations(text: str | float, expected: timedelta) -> None:
    told: dict[str, Any] = {"look_back": text}
    settings = ParquetSettings(connection="lake", path=PATH, incremental="modified_time", **told)

    assert settings.look_back == expected


def test_positions_are_kept_whole(source: Source) -> None:
    """A position is the same after its way through a cursor's files."""
    source.put("a.jsonl", 1, NOON)
    for way in WAYS:
        consumer = source.consumer(way)
        until = consumer.read().until
        kept = consumer.since.position if consumer.since else None
        if isinstance(until, PathPosition):
            assert kept == until
        else:
            assert isinstance(until, FilesPosition | ModifiedPosition)
            assert isinstance(kept, type(until))
            assert kept.files.equals(until.files)
        if isinstance(until, ModifiedPosition):
            assert isinstance(kept, ModifiedPosition)
            assert (kept.modified, kept.known_from) == (NOON, NOON - HOUR)
