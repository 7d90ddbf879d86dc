"""A target that is mirrored equals its source: delta-rs, PyIceberg and Polars alone are the judges."""

import io
import math
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

import obstore
import polars as pl
import pytest
from deltalake import DeltaTable, Schema, write_deltalake
from deltalake import Field as Column
from deltalake.schema import PrimitiveType
from pyiceberg.table import StaticTable

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.engines.engine import Rows
from s3_assets.errors import (
    HistoryGapError,
    RowKeyError,
    RowsRefusedError,
    SchemaMismatchError,
    SettingError,
)
from s3_assets.incremental.append import PASSED, append_new
from s3_assets.incremental.comparison import compare
from s3_assets.incremental.mirror import mirror
from s3_assets.incremental.outcome import Outcome
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from s3_assets.tables.shares import ROWS_AT_ONCE
from s3_assets.tables.table import Table
from tests.incremental import mirror_work, work
from tests.incremental.ground import Ground
from tests.incremental.iceberg_ground import own_files
from tests.incremental.mirror_ground import MirrorGround, state
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(300)
SEEDS = range(60) if EVERYTHING else (0, 3)
SCHEMA: dict[str, Any] = {
    "id": pl.Int64,
    "day": pl.Date,
    "price": pl.Float64,
    "tags": pl.List(pl.String),
    "place": pl.Struct({"city": pl.String, "code": pl.Int32}),
}
PRICES = (1.5, math.nan, None, 0.0)
TAGS: tuple[list[str | None] | None, ...] = (["a", None], [], None, ["b"])
PLACES = ({"city": "x", "code": None}, {"city": None, "code": 1}, None)


@dataclass
class Field:
    """A source and a target in one bucket, and what delta-rs or PyIceberg alone say of them."""

    ground: Ground
    source_format: str = "delta"
    target_format: str = "delta"
    feed: bool = True
    names: Iterator[int] = field(default_factory=count)

    def table(self, name: str, format_: str, **settings: Any) -> Table[Any]:
        where = work.connection(self.ground.endpoint, self.ground.bucket)
        kinds: dict[str, Any] = {
            "delta": DeltaSettings,
            "parquet": ParquetSettings,
            "iceberg": IcebergSettings,
        }
        place = {"warehouse_path" if format_ == "iceberg" else "path": f"{name}/"}
        return open_table(name, kinds[format_](connection="s3", **place, **settings), where)

    def mirror(self, **options: Any) -> Outcome:
        partitions = Partitions(column="day", start=date(2026, 1, 1))
        target = self.table("target", self.target_format, partitions=partitions)
        source = self.table("source", self.source_format)
        return mirror(target, "stream", source, **{"keys": ["id"], **options})

    def url(self, name: str) -> str:
        return f"s3://{self.ground.bucket}/{name}"

    @property
    def source(self) -> DeltaTable:
        return DeltaTable(self.url("source"), storage_options=self.ground.options)

    def append(self, frame: pl.DataFrame, name: str = "source", **options: Any) -> None:
        configuration = {"delta.enableChangeDataFeed": "true"} if self.feed and name == "source" else None
        write_deltalake(
            self.url(name),
            frame,
            mode=options.pop("mode", "append"),
            configuration=configuration,
            storage_options=self.ground.options,
            **options,
        )

    def put(self, frame: pl.DataFrame, name: str) -> None:
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        obstore.put(self.ground.store(), f"source/{name}.parquet", buffer.getvalue())

    def write_as_others(self, frame: pl.DataFrame) -> None:
        """Append to the target what another program would."""
        if self.target_format == "delta":
            self.append(frame, "target")
            return
        table = self.table("target", "iceberg").open()  # type: ignore[attr-defined]
        table.append(frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(table.schema().as_arrow()))

    def read(self, name: str, format_: str = "delta") -> pl.DataFrame:
        if format_ == "parquet":
            folder = "day=*/" if name == "target" else ""
            return pl.read_parquet(
                self.url(f"{name}/{folder}*.parquet"),
                hive_partitioning=True,
                storage_options=self.ground.options,
            )
        if format_ == "delta":
            handle = DeltaTable(self.url(name), storage_options=self.ground.options)
            batches = [pl.DataFrame(batch) for batch in handle.scan()]
            return pl.concat(batches) if batches else pl.DataFrame(schema=pl.Schema(handle.schema()))
        keys = [key for key in self.ground.keys(f"{name}/metadata/") if key.endswith(".metadata.json")]
        newest = max(keys, key=lambda key: int(key.removeprefix("v").partition(".")[0]))
        table = StaticTable.from_metadata(
            self.url(f"{name}/metadata/{newest}"), own_files(self.ground.endpoint)
        )
        return pl.DataFrame(table.scan().to_arrow())

    def require_equal(self) -> None:
        source, target = (
            self.read("source", self.source_format),
            self.read("target", self.target_format),
        )
        assert canonical(target.select(source.columns)) == canonical(source)


def canonical(frame: pl.DataFrame) -> list[str]:
    """The rows as text, in which NaN equals itself."""
    return sorted(repr(row) for row in frame.rows())


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any) -> Ground:
    return Ground(s3_server.endpoint_url, s3_client)


@pytest.fixture
def plain(ground: Ground) -> Field:
    return Field(ground)


class Chance:
    """A source that changes by chance, with delta-rs alone."""

    def __init__(self, seed: int, place: Field) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test
        self.place = place
        self.new = count(1)
        self.place.append(self.rows(self.fresh(30)))

    def fresh(self, number: int) -> list[int]:
        return [next(self.new) for _ in range(number)]

    def there(self, number: int) -> list[int]:
        ids = sorted(self.place.read("source")["id"].to_list())
        return self.random.sample(ids, min(number, len(ids)))

    def rows(self, ids: list[int]) -> pl.DataFrame:
        choice = self.random.choice
        rows = [
            (each, date(2026, 1, choice([1, 2, 3])), choice(PRICES), choice(TAGS), choice(PLACES))
            for each in ids
        ]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def change(self) -> str:
        name = self.random.choice(
            ["insert", "delete", "update", "renumber", "merge", "overwrite", "compact", "again", "replaced"]
        )
        getattr(self, name)()
        return name

    def insert(self) -> None:
        self.place.append(self.rows(self.fresh(5)))

    def delete(self) -> None:
        self._where(lambda source, ids: source.delete(f"id in ({ids})"))

    def update(self) -> None:
        self._where(
            lambda source, ids: source.update({"price": "7.5", "tags": "null"}, predicate=f"id in ({ids})")
        )

    def renumber(self) -> None:
        """Rows change their key, some to one that another row had: in one commit."""
        self._where(
            lambda source, ids: source.update({"id": "id + 1000"}, predicate=f"id in ({ids}) and id < 1000")
        )
        ids = self.there(3)
        if len(ids) == 3:
            one, two, three = ids
            turn = f"case when id = {one} then {two} when id = {two} then {three} else {one} end"
            self.place.source.update({"id": turn}, predicate=f"id in ({one}, {two}, {three})")

    def merge(self) -> None:
        rows = self.rows([*self.there(4), *self.fresh(3)])
        gone = self.random.choice(rows["id"].to_list())
        merger = self.place.source.merge(rows, "t.id = s.id", source_alias="s", target_alias="t")
        merger.when_matched_delete(
            f"s.id = {gone}"
        ).when_matched_update_all().when_not_matched_insert_all().execute()

    def overwrite(self) -> None:
        self.place.append(self.rows([*self.there(10), *self.fresh(2)]), mode="overwrite")

    def compact(self) -> None:
        self.place.source.optimize.compact()

    def again(self) -> None:
        """The same keys go and come back."""
        ids = self.there(3)
        if ids:
            self.place.source.delete(f"id in ({', '.join(map(str, ids))})")
            self.place.append(self.rows(ids))

    def replaced(self) -> None:
        """A second row of a key comes, and then the first one goes: never two between commits of a mirror."""
        for each in self.there(1):
            self.place.source.update({"day": "DATE '2026-01-01'"}, predicate=f"id = {each}")
            self.place.append(self.rows([each]).with_columns(day=date(2026, 1, 9)))
            self.place.source.delete(f"id = {each} and day = DATE '2026-01-01'")

    def _where(self, act: Any) -> None:
        ids = self.there(4)
        if ids:
            act(self.place.source, ", ".join(map(str, ids)))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_to_the_source(seed: int, ground: Ground) -> None:
    """With a feed and without, into Delta and Iceberg, mirrored at random points."""
    place = Field(ground, target_format=("delta", "iceberg")[seed % 2], feed=seed % 4 < 2)
    chance = Chance(seed, place)
    done: list[list[str]] = []
    for _ in range(5 if EVERYTHING else 2):
        outcome = place.mirror()
        place.require_equal()
        assert place.mirror().nothing_new, (done, outcome.notes)
        done.append([chance.change() for _ in range(chance.random.choice([1, 1, 3]))])
        if not place.feed and chance.random.random() < 0.3:
            place.source.vacuum(0, dry_run=False, enforce_retention_duration=False)
            done.append(["vacuum"])
    place.mirror()
    place.require_equal()


def few(*rows: tuple[int, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(number, date(2026, 1, 1), price) for number, price in rows],
        schema={"id": pl.Int64, "day": pl.Date, "price": pl.Float64},
        orient="row",
    )


@pytest.mark.parametrize("format_", ["delta", "parquet"])
def test_rows_that_share_a_key_are_refused_before_anything_is_written(format_: str, ground: Ground) -> None:
    place = Field(ground, source_format=format_)
    double = few((1, 1.0), (2, 2.0), (2, 3.0), (None, 1.0))  # type: ignore[arg-type]
    write = place.append if format_ == "delta" else lambda frame: place.put(frame, f"{frame.height}")
    write(double)
    with pytest.raises(RowKeyError, match=r"table 'source': 1 row has a null in the key, such as id = None"):
        place.mirror()
    if format_ == "parquet":
        place.put(double.drop_nulls(), "4")
        with pytest.raises(
            RowKeyError, match="1 key is shared by several rows, such as id = 2 by 2"
        ) as caught:
            place.mirror()
        assert caught.value.count == 1
    assert ground.keys("target/") == []


@pytest.mark.parametrize("feed", [True, False], ids=["feed", "files"])
def test_a_second_row_of_a_key_that_comes_later_is_refused(feed: bool, ground: Ground) -> None:
    """No new file holds the key twice: the target's rows, and then the source's, tell it."""
    place = Field(ground, feed=feed)
    place.append(few((1, 1.0), (2, 2.0)))
    place.mirror()
    before = ground.keys("target/")
    place.append(few((2, 3.0), (3, 3.0)))

    with pytest.raises(RowKeyError, match="1 key is shared by several rows, such as id = 2 by 2"):
        place.mirror()

    assert ground.keys("target/") == before
    place.source.delete("id = 2 and price = 2.0")
    place.mirror()
    place.require_equal()


@pytest.mark.parametrize("target", ["delta", "iceberg"])
def test_what_others_wrote_into_the_target_is_told_and_goes_with_a_comparison(
    target: str, ground: Ground
) -> None:
    place = Field(ground, source_format="parquet", target_format=target)
    place.put(few((1, 1.0), (2, 2.0), (3, 3.0)), "a")
    place.mirror()
    place.write_as_others(few((2, 9.0), (77, 7.0)))
    place.put(few((4, 4.0)), "b")

    outcome = place.mirror()

    assert "another writer has changed the target" in " ".join(outcome.notes)
    assert outcome.rows == 2
    assert canonical(place.read("target", target)) == canonical(place.read("source", "parquet"))
    assert place.mirror().nothing_new


@pytest.mark.parametrize("target", ["delta", "iceberg"])
def test_a_commit_of_others_in_between(target: str, ground: Ground) -> None:
    """The run has looked at the target: what it replaces is looked for again, in the state that it meets."""
    place = Field(ground, target_format=target)
    place.append(few((1, 1.0), (2, 2.0), (3, 3.0)))
    place.mirror()
    place.source.update({"price": "5.0"}, predicate="id = 1")
    place.source.delete("id = 2")
    foreign = [few((1, 9.0), (2, 9.0), (77, 7.0))]

    def meanwhile(frame: pl.LazyFrame) -> pl.LazyFrame:
        while foreign:
            place.write_as_others(foreign.pop())
        return frame

    outcome = place.mirror(transform=meanwhile)

    assert outcome.written is not None
    assert outcome.written.tries == 2
    assert sorted(place.read("target", target).select("id", "price").rows()) == [
        (1, 5.0),
        (3, 3.0),
        (77, 7.0),
    ]


def test_a_target_with_a_generated_column_and_a_constraint(plain: Field) -> None:
    kinds = {"id": "long", "day": "date", "price": "double"}
    formula = {"delta.generationExpression": "price * 2"}
    generated = Column("double", PrimitiveType("double"), metadata=formula)
    schema = Schema([*(Column(name, PrimitiveType(kind)) for name, kind in kinds.items()), generated])
    DeltaTable.create(plain.url("target"), schema, storage_options=plain.ground.options)
    plain.append(few((1, 1.0), (2, 2.0)))
    plain.mirror()
    handle = DeltaTable(plain.url("target"), storage_options=plain.ground.options)
    handle.alter.add_constraint({"cheap": "price < 50"})
    plain.source.update({"price": "5.0"}, predicate="id = 1")
    plain.source.delete("id = 2")
    plain.append(few((3, 3.0)))

    plain.mirror()

    assert sorted(plain.read("target").select("id", "double").rows()) == [(1, 10.0), (3, 6.0)]
    plain.source.update({"price": "70.0"}, predicate="id = 1")
    with pytest.raises(RowsRefusedError, match="price < 50"):
        plain.mirror()


def test_a_folder_of_files_gets_all_rows_anew(ground: Ground) -> None:
    place = Field(ground, target_format="parquet")
    place.append(few((1, 1.0), (2, 2.0)))
    place.mirror()
    place.source.delete("id = 1")
    place.append(few((3, 3.0)))

    assert place.mirror().rows == 2

    place.require_equal()
    assert place.mirror().nothing_new


def test_columns_that_the_source_gets_in_between(plain: Field) -> None:
    plain.append(few((1, 1.0), (2, 2.0)))
    plain.mirror()
    plain.append(few((3, 3.0)).with_columns(more=pl.lit("x")), schema_mode="merge")
    plain.source.update({"more": "'y'"}, predicate="id = 1")
    plain.source.delete("id = 2")

    plain.mirror()

    assert sorted(plain.read("target").select("id", "more").rows()) == [(1, "y"), (3, "x")]


def test_filters_may_rename_keys_and_leave_rows_out(plain: Field) -> None:
    def filters(frame: pl.LazyFrame) -> pl.LazyFrame:
        kept = frame.filter(pl.col("price") < 5).rename({"id": "number"})
        return kept.with_columns(loaded=pl.lit(next(runs)))

    runs = count()
    plain.append(few((1, 1.0), (2, 2.0), (3, 9.0)))
    options = {"keys": ["number"], "transform": filters, "uncompared": ["loaded"]}
    plain.mirror(**options)
    plain.source.update({"price": "9.0"}, predicate="id = 1")
    plain.source.update({"price": "3.0"}, predicate="id = 3")

    assert plain.mirror(**options).rows == 1

    assert sorted(plain.read("target").select("number", "price").rows()) == [(2, 2.0), (3, 3.0)]


def test_a_cursor_that_no_mirror_committed_says_nothing_of_the_rows(plain: Field) -> None:
    plain.append(few((1, 1.0), (2, 2.0)))
    target = plain.table("target", "delta", partitions=Partitions(column="day", start=date(2026, 1, 1)))
    append_new(target, "stream", plain.table("source", "delta"))
    plain.source.delete("id = 1")
    assert append_new(target, "stream", plain.table("source", "delta")).rows == 0

    plain.mirror()

    plain.require_equal()
    assert plain.mirror().nothing_new


def test_versions_without_a_change_leave_no_gap_behind(plain: Field) -> None:
    """The log of the source is kept for a while: the cursor has to move on before it is gone."""
    plain.append(few((1, 1.0)))
    first = plain.mirror().until
    for number in range(PASSED):
        plain.source.alter.set_table_properties({"about": str(number)}, raise_if_not_exists=False)

    outcome = plain.mirror()

    assert outcome.nothing_new
    assert (outcome.since, outcome.until) != (first, first)
    assert plain.mirror().since == outcome.until
    plain.require_equal()


def test_a_target_that_other_streams_write_is_refused(plain: Field) -> None:
    plain.append(few((1, 1.0)))
    target = plain.table("target", "delta", partitions=Partitions(column="day", start=date(2026, 1, 1)))
    append_new(target, "target/other", plain.table("source", "delta"))

    with pytest.raises(SettingError, match="others have written here: target/other"):
        plain.mirror()

    assert plain.read("target").height == 1


@pytest.mark.parametrize("keys", [[], ["nothing"], ["price"]])
def test_columns_that_are_no_keys(keys: list[str], plain: Field) -> None:
    plain.append(few((1, 1.0)))
    with pytest.raises((ValueError, SchemaMismatchError), match=r"table 'source': .*key"):
        plain.mirror(keys=keys)


def test_a_feed_that_does_not_reach_back(plain: Field) -> None:
    plain.append(few((1, 1.0), (2, 2.0)))
    plain.mirror()
    plain.source.delete("id = 1")
    plain.append(few((3, 3.0)))
    plain.source.create_checkpoint()
    for version in (0, 1):
        obstore.delete(plain.ground.store(), f"source/_delta_log/{version:020d}.json")
    with pytest.raises(HistoryGapError):
        plain.mirror()

    outcome = plain.mirror(on_gap="full_refresh")

    assert "all rows were compared (on_gap: full_refresh)" in " ".join(outcome.notes)
    plain.require_equal()


def test_an_iceberg_source_is_compared_by_its_files(ground: Ground) -> None:
    place = Field(ground, source_format="iceberg")
    source = place.table("source", "iceberg")
    source.create(few().schema)
    table = source.open()  # type: ignore[attr-defined]

    def arrow(frame: pl.DataFrame) -> Any:
        return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(table.schema().as_arrow())

    for rows in (few((1, 1.0), (2, 2.0)), few((3, 3.0), (4, math.nan))):
        table.append(arrow(rows))
    place.mirror()
    place.require_equal()
    table.refresh()
    table.delete("id = 3")
    table.append(arrow(few((5, None))))

    outcome = place.mirror()

    assert outcome.rows == 1
    assert outcome.plan.files == 3
    place.require_equal()
    assert place.mirror().nothing_new


@pytest.mark.parametrize(("format_", "most"), [("delta", 16), ("parquet", 12)])
def test_nothing_new_costs_a_few_requests(
    format_: str, most: int, ground: Ground, proxy: RequestProxy
) -> None:
    """So many for a table with a feed, and for a folder: the target's log, the cursor, the source."""
    place = Field(ground, source_format=format_)
    if format_ == "delta":
        place.append(few((1, 1.0)))
    else:
        place.put(few((1, 1.0)), "a")
    place.mirror()
    ground.endpoint = proxy.endpoint

    assert place.mirror().nothing_new

    assert 0 < proxy.count() <= most, [f"{each.method} {each.path}" for each in proxy.requests()]


def test_many_rows_are_compared_a_share_at_a_time() -> None:
    before = pl.LazyFrame({"a": range(1000), "b": ["x"] * 1000})
    after = before.with_columns(b=pl.when(pl.col("a") % 100 == 0).then(pl.lit("y")).otherwise("b"))
    after = after.filter(pl.col("a") != 7).with_columns(a=pl.col("a").replace(9, 2000))
    for rows in (1000, 9 * ROWS_AT_ONCE):
        found = compare(Rows(before), Rows(after), ["a"], table="t", count=rows, size=0)

        assert found is not None
        assert sorted(found.put["a"]) == [*range(0, 1000, 100), 2000]
        assert sorted(found.gone["a"]) == [7, 9]
        assert found.fresh["a"].to_list() == [2000]
        doubled = Rows(pl.concat([before, before]))
        with pytest.raises(RowKeyError, match="1,000 keys are shared by several rows, such as a = 0 by 2"):
            compare(Rows(before), doubled, ["a"], table="t", count=1000, size=0)
        assert compare(Rows(before), Rows(after), ["a"], table="t", count=rows, size=0, most=11) is None


@pytest.mark.parametrize("free", [2**50, 0], ids=["on disk", "without room on disk"])
def test_keys_without_a_value_are_refused_though_nothing_has_changed(
    free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    rows = pl.LazyFrame({"a": ["1", "2", None], "b": [1, 2, 3]})
    for many in (3, 9 * ROWS_AT_ONCE):
        with pytest.raises(RowKeyError, match="1 row has a null in the key"):
            compare(Rows(rows), Rows(rows), ["a"], table="t", count=many, size=0)
        whole = Rows(rows.drop_nulls())
        found = compare(whole, whole, ["a"], table="t", count=many, size=0)
        assert found is not None
        assert found.put.is_empty()
        assert found.gone.is_empty()


@pytest.mark.parametrize("target", ["delta", "iceberg"] if EVERYTHING else ["delta"])
def test_two_mirrors_at_once(target: str, s3_server: EmbeddedServer, s3_client: Any, zygote: Zygote) -> None:
    ground = MirrorGround(s3_server.endpoint_url, s3_client, "delta")
    ground.make_sources()
    iceberg = target == "iceberg"
    for number in range(20 if EVERYTHING else 1):
        prefix = f"race-{number}/"
        ground.restore({})
        given: dict[str, Any] = {
            "endpoint": ground.endpoint,
            "bucket": ground.bucket,
            "format_": "delta",
            "prefix": prefix,
            "iceberg": iceberg,
        }
        for waves in (1, 2, 3) if EVERYTHING else (1, 2):
            where = {**given, "source_bucket": ground.source(waves)}
            children = [zygote.spawn(mirror_work.run, where) for _ in range(2)]
            for child in children:
                child.go()
            outcomes = [child.wait(60) for child in children]
            assert all(each.succeeded for each in outcomes), [each.describe() for each in outcomes]
            assert sorted(each.result["nothing_new"] for each in outcomes) == [False, True]
            found = ground.read_iceberg() if iceberg else ground.read_delta(prefix)
            assert found == state(waves)
