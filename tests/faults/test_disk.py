"""A local disk that takes no more, by a limit of file sizes: an error of ours, and a table as it was."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import LocalDiskError
from s3_assets.incremental.overwrite import overwrite
from s3_assets.io_managers.returned import Returned
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings
from s3_assets.tables.shares import shares
from s3_assets.tables.table import Table
from s3_assets.tables.text_settings import CsvSettings
from tests.tables.formats import Place


@contextmanager
def limited(most: int) -> Iterator[None]:
    """Let no file of this process grow longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def delta(place: Place) -> Table[Any]:
    return open_table("sales", DeltaSettings(connection="lake", path="sales"), place.connection())


def read(place: Place) -> list[int]:
    found = pl.read_delta(f"s3://{place.bucket}/sales", storage_options=place.options)
    return sorted(found["id"].to_list())


def batches() -> Iterator[pl.DataFrame]:
    for start in range(0, 40_000, 10_000):
        yield pl.DataFrame({"id": range(start, start + 10_000)})


def test_what_an_asset_returns_finds_no_room(place: Place) -> None:
    """Nothing of it is committed, also if the rows are asked for a second time."""
    overwrite(delta(place), pl.LazyFrame({"id": [1, 2]}), window=None)

    with Returned.of(batches(), "sales").opened() as frame, limited(16_384):
        for _ in range(2):
            with pytest.raises(Exception, match="takes no more"):
                overwrite(delta(place), frame, window=None)
    with pytest.raises(LocalDiskError, match="Make room"), limited(16_384):  # noqa: SIM117 - the limit ends first
        with Returned.of(batches(), "sales").opened() as frame:
            overwrite(delta(place), frame, window=None)
    assert read(place) == [1, 2]

    with Returned.of(batches(), "sales").opened() as frame:
        overwrite(delta(place), frame, window=None)
    assert read(place) == list(range(40_000))


def test_keys_that_are_compared_find_no_room() -> None:
    frame = pl.LazyFrame({"id": range(20_000)})

    # So many that they are shared out.
    with pytest.raises(LocalDiskError, match="set TMPDIR"), limited(1024):
        list(shares([frame], ["id"], 1_100_000, 0))

    found = pl.concat([each.collect() for each in shares([frame], ["id"], 1_100_000, 0)])
    assert sorted(found["id"]) == list(range(20_000))


def test_bad_rows_find_no_room(place: Place) -> None:
    bad = b"no number,%s\n" % (b"x" * 100_000)
    place.put("rows.csv", b"id,word\n1,one\n" + bad * 50 + b"2,two\n")
    settings = CsvSettings(
        connection="lake",
        path=place.path,
        columns={"id": "int64", "word": "string"},
        on_bad_row="quarantine",
        quarantine_path="quarantine",
    )
    source = open_table("rows", settings, place.connection())

    with pytest.raises(LocalDiskError, match="takes no more of the bad rows"), limited(1_000_000):
        Import("rows", source, delta(place), ImportMode.APPEND).run()
    assert not place.objects("sales/_delta_log") or read(place) == []

    Import("rows", source, delta(place), ImportMode.APPEND).run()
    assert read(place) == [1, 2]
