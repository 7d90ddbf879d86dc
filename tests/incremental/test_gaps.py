"""Sources that no longer tell what came since a cursor: an error that says what is missing, or all anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import HistoryGapError, HistoryLostError, SettingError, TableRewrittenError
from s3_assets.incremental.append import append_new
from s3_assets.incremental.batches import append_in_batches
from s3_assets.tables.open import open_table
from s3_assets.tables.positions import Limit
from s3_assets.tables.table import Table
from tests.incremental import work
from tests.incremental.versioned_ground import Tables
from tests.tables.formats import DELTA, Place
from tests.tables.iceberg_formats import SQLITE, namespace, sqlite_catalog

STREAM = work.STREAM


@pytest.fixture
def tables(s3_server: EmbeddedServer, s3_client: Any) -> Tables:
    return Tables(s3_server.endpoint_url, s3_client)


def overwritten(tables: Tables) -> None:
    tables.write(5, mode="overwrite")


def made_anew(tables: Tables) -> None:
    tables.drop_source()
    tables.write(5)


def vacuumed(tables: Tables) -> None:
    tables.write(4, 5)
    tables.source_handle().delete("id <= 4")
    tables.source_handle().vacuum(
        retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True
    )


def cleaned_up(tables: Tables) -> None:
    tables.write(4)
    tables.source_handle().delete("id <= 4")
    tables.write(5)
    tables.source_handle().create_checkpoint()
    tables.forget_log(3)


GAPS: tuple[tuple[Callable[[Tables], None], type[HistoryGapError], str], ...] = (
    (overwritten, TableRewrittenError, "version 1 .* replaced rows"),
    (made_anew, TableRewrittenError, "dropped and made anew"),
    (vacuumed, HistoryLostError, "files with added rows were vacuumed"),
    (cleaned_up, HistoryLostError, "log of versions 1 to 2 is gone"),
)


@pytest.mark.parametrize(("happened", "kind", "said"), GAPS, ids=[each[0].__name__ for each in GAPS])
def test_a_gap_fails_or_begins_anew_in_one_commit(
    tables: Tables, happened: Callable[[Tables], None], kind: type[HistoryGapError], said: str
) -> None:
    tables.write(1, 2)
    append_new(tables.target, STREAM, tables.source)
    happened(tables)

    with pytest.raises(kind, match=rf"table 'orders'.*{said}.*on_gap: full_refresh"):
        append_new(tables.target, STREAM, tables.source)
    assert tables.rows() == [1, 2]
    before = tables.target_handle().version()
    outcome = append_new(tables.target, STREAM, tables.source, on_gap="full_refresh")

    assert tables.rows() == [5]
    assert tables.target_handle().version() == before + 1
    assert outcome.rows == 1
    assert "all rows of 'sales' were replaced by those of 'orders' as they are now" in outcome.notes[-1]
    # From there on it goes on as ever.
    tables.write(6)
    assert append_new(tables.target, STREAM, tables.source).rows == 1
    assert append_new(tables.target, STREAM, tables.source).nothing_new
    assert tables.rows() == [5, 6]


def test_a_gap_amid_batches(tables: Tables) -> None:
    tables.write(1, 2, 3)
    append_in_batches(tables.target, STREAM, tables.source, limit=Limit(files=1), max_batches=1)
    tables.write(7, 8, mode="overwrite")
    tables.source_handle().vacuum(
        retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True
    )

    with pytest.raises(HistoryLostError, match="vacuumed"):
        append_in_batches(tables.target, STREAM, tables.source, limit=Limit(files=1))
    outcome = append_in_batches(
        tables.target, STREAM, tables.source, limit=Limit(files=1), on_gap="full_refresh"
    )

    assert tables.rows() == [7, 8]
    assert (outcome.commits, outcome.plan.more) == (1, False)


def test_rows_of_others_are_not_replaced(tables: Tables) -> None:
    tables.write(1)
    append_new(tables.target, STREAM, tables.source)
    append_new(tables.target, "sales/others", tables.source)
    tables.write(5, mode="overwrite")
    before = tables.rows()

    with pytest.raises(SettingError, match=r"version 1 .*full_refresh would replace.*sales/others") as met:
        append_new(tables.target, STREAM, tables.source, on_gap="full_refresh")

    assert isinstance(met.value.__cause__, TableRewrittenError)
    assert tables.rows() == before == [1, 1]


@pytest.mark.parametrize("target_format", ["delta", "iceberg"])
def test_an_iceberg_delete_in_between(
    s3_server: EmbeddedServer, s3_client: Any, bucket: str, tmp_path: Path, target_format: str
) -> None:
    place = Place(s3_server, s3_client, bucket, folder=tmp_path)
    catalog = sqlite_catalog(place)
    catalog.create_namespace(namespace(place))
    schema = pa.schema([("number", pa.int64())])
    foreign = catalog.create_table(f"{namespace(place)}.orders", schema)
    connection = place.connection(**SQLITE.reach(place))

    def iceberg(name: str) -> Table[Any]:
        return open_table(name, SQLITE.settings(table=f"{namespace(place)}.{name}"), connection)

    source, target = iceberg("orders"), iceberg("sales")
    if target_format == "delta":
        target = open_table("sales", DELTA.settings(), connection)
    foreign.append(pa.table({"number": [1, 2]}, schema=schema))
    append_new(target, STREAM, source)
    foreign.delete("number = 1")
    deleting = foreign.current_snapshot()
    foreign.append(pa.table({"number": [3]}, schema=schema))

    assert deleting is not None
    with pytest.raises(TableRewrittenError, match=rf"snapshot {deleting.snapshot_id} \(.*full_refresh"):
        append_new(target, STREAM, source)
    outcome = append_new(target, STREAM, source, on_gap="full_refresh")

    assert f"snapshot {deleting.snapshot_id}" in outcome.notes[-1]
    assert append_new(target, STREAM, source).nothing_new
    if target_format == "delta":
        found = [pl.DataFrame(each) for each in DeltaTable(place.url, storage_options=place.options).scan()]
    else:
        found = [pl.DataFrame(catalog.load_table(f"{namespace(place)}.sales").scan().to_arrow())]
    assert sorted(number for each in found for number in each["number"].to_list()) == [2, 3]
    catalog.close()
