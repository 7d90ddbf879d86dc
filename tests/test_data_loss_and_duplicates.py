"""What users of other tools complain of under "Data loss and duplicates", a line after the other.

Each test is named by the complaint, has data of the same shape, and shows what happens here instead. What is
there afterwards is read by delta-rs, PyIceberg or Polars alone.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable

from s3_assets.connection import AccessKeyAuth
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import CredentialsExpiredError, RowsOutsideWindowError, SourceRewrittenError
from s3_assets.incremental.append import append_new
from s3_assets.incremental.cursor_edit import open_stream
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.catalogs.kept import close_catalogs
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import FilesPosition
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from s3_assets.tables.table import Table
from s3_assets.windows import Every, Window
from tests.connection.recorder import recording
from tests.incremental import work
from tests.incremental.ground import Ground, parquet, rows
from tests.servers.session_keys import issue
from tests.support.crash import Crasher
from tests.support.proxy import RequestProxy
from tests.support.proxy_state import WRITES
from tests.support.zygote import Zygote
from tests.tables.formats import DELTA, Place
from tests.tables.iceberg_formats import SQLITE, sqlite_catalog

DAYS = [date(2026, 1, 5) + timedelta(days=number) for number in range(4)]
STREAM = "sales/orders"


@pytest.fixture
def place(s3_server: EmbeddedServer, s3_client: Any, bucket: str, tmp_path: Path) -> Iterator[Place]:
    yield Place(s3_server, s3_client, bucket, folder=tmp_path)
    close_catalogs()


@pytest.fixture(scope="module")
def crasher(s3_server: EmbeddedServer) -> Iterator[Crasher]:
    """Runs one import in a process that a proxy kills at a request."""
    modules = (
        "polars",
        "deltalake",
        "obstore",
        "pyarrow.parquet",
        "botocore.session",
        "tests.incremental.work",
    )
    with RequestProxy(s3_server.endpoint_url) as proxy, Zygote(modules) as zygote:
        yield Crasher(proxy, zygote, work.import_new, 60)


def window(first: date, days: int) -> Window:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return Window(start, start + timedelta(days=days), Every.DAY)


def wave(values: list[Any], dtype: pl.DataType, source: str) -> pl.LazyFrame:
    return pl.LazyFrame({"at": pl.Series(values, dtype=dtype), "source": [source] * len(values)})


class Landing:
    """A folder of files on the way into a Delta table."""

    def __init__(self, place: Place, **settings: Any) -> None:
        self.place = place
        self.settings = settings
        self.target = open_table("sales", DeltaSettings(connection="lake", path="sales"), place.connection())

    def put(self, name: str, *ids: int) -> datetime:
        """Put a file; return the time that the server gives it."""
        key = f"landing/{name}"
        buffer = parquet(ids)
        self.place.client.put_object(Bucket=self.place.bucket, Key=key, Body=buffer)
        modified: datetime = self.place.client.head_object(Bucket=self.place.bucket, Key=key)["LastModified"]
        return modified

    def delete(self, name: str) -> None:
        self.place.client.delete_object(Bucket=self.place.bucket, Key=f"landing/{name}")

    def source(self, **settings: Any) -> Table[Any]:
        told = ParquetSettings(connection="lake", path="landing", **{**self.settings, **settings})
        return open_table("orders", told, self.place.connection())

    def run(self, **settings: Any) -> Any:
        return append_new(self.target, STREAM, self.source(**settings))

    def ids(self) -> list[int]:
        """The target's rows as Polars and delta-rs have them."""
        return sorted(pl.read_delta(self.handle.table_uri, storage_options=self.place.options)["id"])

    @property
    def handle(self) -> DeltaTable:
        return DeltaTable(f"s3://{self.place.bucket}/sales", storage_options=self.place.options)


# dagster-deltalake: what goes wrong while the table is opened or the predicate built is swallowed, and the
# write goes on without a predicate: the whole table is replaced, and the run is green.


@pytest.mark.parametrize(
    ("values", "dtype", "format_"),
    [
        (DAYS, pl.Date(), None),
        ([datetime(day.year, day.month, day.day, 7) for day in DAYS], pl.Datetime("us"), None),  # noqa: DTZ001
        ([int(f"{day:%Y%m%d}") for day in DAYS], pl.Int64(), "%Y%m%d"),
    ],
    ids=["static range in one run", "naive timestamp", "integer"],
)
def test_a_partition_write_replaced_the_whole_table(
    place: Place, values: list[Any], dtype: pl.DataType, format_: str | None
) -> None:
    table = DELTA.table(place, Partitions(column="at", start=DAYS[0], format=format_))
    overwrite(table, wave(values, dtype, "old"), window=window(DAYS[0], 4))

    overwrite(table, wave(values[1:3], dtype, "new"), window=window(DAYS[1], 2))

    found = pl.read_delta(place.url, storage_options=place.options).sort("at")
    assert found["at"].to_list() == values
    assert found["source"].to_list() == ["old", "new", "new", "old"]


def test_an_expired_token_while_opening_replaced_the_table(place: Place, tmp_path: Path) -> None:
    old = wave(DAYS, pl.Date(), "old")
    partitions = Partitions(column="at", start=DAYS[0])
    overwrite(DELTA.table(place, partitions), old, window=window(DAYS[0], 4))
    over = issue(-60)
    auth = AccessKeyAuth(access_key_id=over.key_id, secret_access_key=over.secret, session_token=over.token)

    with recording(place.server.endpoint_url, tmp_path) as front:
        table = DELTA.table(place, partitions, connection={"endpoint": front.endpoint, "auth": auth})
        with pytest.raises(CredentialsExpiredError):
            overwrite(table, old.head(1), window=window(DAYS[0], 1))
        assert {seen.method for seen in front.seen} <= {"GET", "HEAD"}

    assert pl.read_delta(place.url, storage_options=place.options).height == 4


# dagster-iceberg: rows outside of the partition are accepted, and doubled by each rerun; each write deletes
# properties, drops columns that the batch lacks, and strips identity partition fields.


def test_rows_outside_the_partition_were_doubled_by_each_rerun(place: Place) -> None:
    table = SQLITE.table(place, Partitions(column="at", start=DAYS[0]))
    overwrite(table, wave(DAYS, pl.Date(), "old"), window=window(DAYS[0], 4))
    stray = wave([DAYS[1], DAYS[2], DAYS[3]], pl.Date(), "stray")

    for _ in range(2):
        with pytest.raises(RowsOutsideWindowError) as refused:
            overwrite(table, stray, window=window(DAYS[1], 1))
        assert (refused.value.count, refused.value.smallest, refused.value.largest) == (
            2,
            str(DAYS[2]),
            str(DAYS[3]),
        )
        overwrite(table, wave([DAYS[1]], pl.Date(), "new"), window=window(DAYS[1], 1))

    found = SQLITE.read(place, pl.Schema()).sort("at")
    assert found.rows() == [(DAYS[0], "old"), (DAYS[1], "new"), (DAYS[2], "old"), (DAYS[3], "old")]


def test_properties_columns_and_identity_partitions_vanished(place: Place) -> None:
    whole = wave(DAYS[:2], pl.Date(), "old").with_columns(region=pl.lit("eu"), amount=pl.lit(5)).collect()
    SQLITE.write(place, whole, ["region", "at"])
    theirs = sqlite_catalog(place)
    name = SQLITE.placed(place)["table"]
    with theirs.load_table(name).transaction() as change:
        change.set_properties({"owner": "sales", "write.target-file-size-bytes": "1000000"})
    table = SQLITE.table(place, Partitions(column="at", start=DAYS[0]))

    overwrite(
        table,
        wave([DAYS[1]], pl.Date(), "new").with_columns(region=pl.lit("us")),
        window=window(DAYS[1], 1),
    )

    after = theirs.load_table(name)
    assert after.properties["owner"] == "sales"
    assert after.properties["write.target-file-size-bytes"] == "1000000"
    assert [field.name for field in after.schema().fields] == ["at", "source", "region", "amount"]
    assert [str(field.transform) for field in after.spec().fields] == ["identity", "identity"]
    assert sorted(pl.DataFrame(after.scan().to_arrow())["amount"].to_list(), key=str) == [5, None]
    theirs.close()


# dlt and dagster-dlt: the cursor is saved after the data. A crash between the two, and the disk of a new pod,
# double the rows.


def test_a_crash_between_data_and_cursor_doubled_the_rows(crasher: Crasher, s3_client: Any) -> None:
    ground = Ground(crasher.proxy.server, s3_client)
    ground.make_sources()
    given = {
        "endpoint": crasher.proxy.endpoint,
        "bucket": ground.bucket,
        "source_bucket": ground.sources[0],
        "format_": "parquet",
    }
    assert crasher.run({**given, "prefix": "rehearsal/"}).succeeded
    sent = crasher.proxy.requests()
    killed = []
    for variant in ("kill_before", "kill_after"):
        # Of the requests that a killer counts, the one by which rows and cursor become visible.
        counted = [each for each in sent if variant == "kill_before" or each.method in WRITES]
        commits = [
            number
            for number, each in enumerate(counted, 1)
            if each.method == "PUT" and "_delta_log/00000000000000000001.json" in each.path
        ]
        prefix = f"{variant}/"
        killed.append(crasher.run({**given, "prefix": prefix}, variant, commits[0]).killed)
        crasher.proxy.reset()

        # Nothing but the bucket is left: this process has never heard of that run.
        ground.run(prefix, 1)
        assert ground.read_delta(prefix) == rows(1)
        assert ground.run(prefix, 1)["nothing_new"]
        ground.run(prefix, 2)
        assert ground.read_delta(prefix) == rows(2)
        ground.require_clean(prefix)
    assert any(killed)


# File cursors of dlt, Airbyte, Sling and dagster-aws.


@pytest.mark.parametrize("way", ["exact", "modified_time"])
def test_files_of_the_same_second_were_lost(place: Place, way: str) -> None:
    landing = Landing(place, incremental=way)
    while landing.put("1/a.parquet", 1) != landing.put("2/b.parquet", 2):
        pass
    # Of one second, and a listing between the two.
    assert landing.run(path_prefix="1/").rows == 1

    assert landing.run().rows == 1

    assert landing.ids() == [1, 2]


@pytest.mark.parametrize("way", ["exact", "modified_time"])
def test_a_file_that_became_visible_late_was_never_read(place: Place, way: str) -> None:
    landing = Landing(place, incremental=way)
    older = landing.put("1/a.parquet", 1)
    while landing.put("2/b.parquet", 2) == older:
        pass
    assert landing.run(path_prefix="2/").rows == 1

    assert landing.run().rows == 1

    assert landing.ids() == [1, 2]


def test_a_rewritten_or_deleted_file_reread_or_skipped_everything(place: Place) -> None:
    landing = Landing(place)
    for number in range(3):
        landing.put(f"{number}.parquet", number)
    landing.run()

    # The newest one, whose key a cursor would be.
    landing.put("2.parquet", 20)
    with pytest.raises(SourceRewrittenError, match=r"2\.parquet"):
        landing.run()
    assert landing.run(on_rewritten="ignore").nothing_new
    assert landing.run(on_rewritten="reread").rows == 1
    landing.delete("2.parquet")
    landing.put("3.parquet", 3)
    outcome = landing.run()

    assert outcome.rows == 1
    assert any("gone" in note for note in outcome.notes)
    assert landing.ids() == [0, 1, 2, 3, 20]


def test_nothing_new_returned_everything(place: Place) -> None:
    landing = Landing(place)
    landing.put("a.parquet", 1, 2)
    landing.run()
    version = landing.handle.version()

    outcome = landing.run()

    assert outcome.nothing_new
    assert (outcome.rows, landing.handle.version(), landing.ids()) == (0, version, [1, 2])


def test_a_history_of_10_000_files_forgot_the_oldest(place: Place) -> None:
    landing = Landing(place)
    landing.put("a.parquet", 1)
    landing.run()
    read = landing.source().plan().until
    assert isinstance(read, FilesPosition)
    numbers = pl.Series("number", range(20_000))
    more = read.files.drop("key").join(
        pl.DataFrame({"key": "landing/z" + numbers.cast(pl.String)}), how="cross"
    )
    open_stream(landing.target, STREAM).move(
        FilesPosition(pl.concat([more.select(read.files.columns), read.files]))
    )

    landing.put("b.parquet", 2)
    outcome = landing.run()

    # The first file that was ever read sorts before all others, and is still known.
    assert outcome.rows == 1
    assert landing.ids() == [1, 2]
    held = open_stream(landing.target, STREAM).current
    assert held is not None
    assert isinstance(held.position, FilesPosition)
    assert held.position.files.height == 20_002


# Exports of Airbyte and Sling: the folders that are written here.


def test_a_crash_left_extra_files(crasher: Crasher, s3_client: Any) -> None:
    ground = Ground(crasher.proxy.server, s3_client)
    given = {"bucket": ground.bucket, "format_": "parquet", "day": "2026-01-02"}
    direct: dict[str, Any] = {**given, "endpoint": ground.endpoint}
    work.overwrite_day(**direct, prefix="again/", first=0, rows=3)
    clean = len(ground.keys("again/"))
    swap = Crasher(crasher.proxy, crasher.zygote, work.overwrite_day, 60)
    for k in (1, 3):
        prefix = f"killed at {k}/"
        work.overwrite_day(**direct, prefix=prefix, first=0, rows=3)
        export = {**given, "endpoint": crasher.proxy.endpoint, "prefix": prefix, "first": 10, "rows": 5}
        assert swap.run(export, "kill_after", k).killed
        crasher.proxy.reset()

        work.overwrite_day(**direct, prefix=prefix, first=10, rows=5)

        place = f"s3://{ground.bucket}/{prefix}day=*/*.parquet"
        assert sorted(pl.read_parquet(place, storage_options=ground.options)["id"]) == [10, 11, 12, 13, 14]
        assert len([key for key in ground.keys(prefix) if key.endswith(".parquet")]) == 1
        assert len(ground.keys(prefix)) <= clean + 4


def test_an_overwrite_left_files_of_another_stream_or_took_them(place: Place) -> None:
    folders = [
        open_table(name, ParquetSettings(connection="lake", path=f"exports/{name}"), place.connection())
        for name in ("orders", "orders_eu")
    ]
    for folder in folders:
        overwrite(folder, wave(DAYS, pl.Date(), folder.name), window=None)
    other = place.objects("exports/orders_eu")

    overwrite(folders[0], wave(DAYS[:1], pl.Date(), "again"), window=None)

    assert place.objects("exports/orders_eu") == other
    url = f"s3://{place.bucket}/exports/orders/**/*.parquet"
    own = [key for key in place.objects("exports/orders") if key.endswith(".parquet")]
    assert len(own) == 1
    assert pl.read_parquet(url, storage_options=place.options)["source"].to_list() == ["again"]


def test_a_reset_of_one_connection_deleted_the_data_of_others(place: Place) -> None:
    landing = Landing(place)
    landing.put("a.parquet", 1)
    landing.run()
    other = append_new(landing.target, "sales/others", landing.source())
    before = place.objects("sales")

    open_stream(landing.target, STREAM).move(None)

    after = place.objects("sales")
    assert before.items() <= after.items()
    held = open_stream(landing.target, "sales/others").current
    assert held is not None
    assert other.until is not None
    assert held.number == other.until.number
    # Only the stream that was reset reads again.
    assert append_new(landing.target, "sales/others", landing.source()).nothing_new
    assert landing.run().rows == 1
