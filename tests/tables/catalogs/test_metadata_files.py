"""Tables without a catalog: every layout of metadata that others leave, and commits that race."""

import gzip
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from pydantic import PrivateAttr
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, TableAlreadyExistsError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import AssertTableUUID, SetPropertiesUpdate
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

from s3_assets.errors import CommitConflictError, DataFileBrokenError, TableMissingError, UnsupportedError
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.catalogs.metadata_files import MetadataFilesCatalog
from tests.tables.formats import Place

HINT = "metadata/version-hint.text"
COLUMNS = Schema(
    NestedField(1, "number", LongType()), NestedField(2, "word", StringType()), identifier_field_ids=[]
)
BY_WORD = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "word"))
Document = dict[str, Any]


@pytest.fixture(scope="module")
def lineages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], list[Document]]:
    """Metadata of new tables, four versions of each, as PyIceberg writes them for a catalog of its own."""
    folder = tmp_path_factory.mktemp("lineages")
    catalog = SqlCatalog("lineages", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    catalog.create_namespace("db")
    made: list[Table] = []

    def lineage() -> list[Document]:
        table = catalog.create_table(f"db.t{len(made)}", COLUMNS, properties={"version": "0"})
        made.append(table)
        for version in "123":
            with table.transaction() as transaction:
                transaction.set_properties(version=version)
        files = (folder / "db" / f"t{len(made) - 1}" / "metadata").glob("*.json")
        found: list[Document] = sorted(
            (json.loads(file.read_text()) for file in files), key=lambda each: each["properties"]["version"]
        )
        # A later table was changed later, whatever the clock's resolution.
        for number, document in enumerate(found):
            document["last-updated-ms"] += len(made) * 10_000 + number
        return found

    return lineage


def lay(place: Place, documents: Sequence[Document], names: Sequence[str]) -> None:
    """Put versions of a table under these names, each listing those before it as its past."""
    for position, (document, name) in enumerate(zip(documents, names, strict=True)):
        past = [
            {"metadata-file": f"{place.url}/metadata/{before}", "timestamp-ms": each["last-updated-ms"]}
            for before, each in zip(names[:position], documents[:position], strict=True)
        ]
        body = json.dumps({**document, "location": place.url, "metadata-log": past}).encode()
        place.put(f"metadata/{name}", gzip.compress(body) if ".gz" in name else body)


def load(place: Place) -> Table:
    catalog = MetadataFilesCatalog(place.connection(), place.path)
    return catalog.load_table(catalog.identifier)


def said(table: Table) -> tuple[str, str]:
    return str(table.metadata.table_uuid), table.properties["version"]


def uuids(*numbers: int, suffix: str = "") -> list[str]:
    return [
        f"{number:05d}-{number:08d}-0000-4000-8000-000000000000{suffix}.metadata.json" for number in numbers
    ]


LAYOUTS = {
    "counted": (["v1.metadata.json", "v2.metadata.json", "v3.metadata.json", "v4.metadata.json"], None),
    "counted past nine": ([f"v{number}.metadata.json" for number in (8, 9, 10, 11)], None),
    "the hint is late": ([f"v{number}.metadata.json" for number in (1, 2, 3, 4)], "2\n"),
    "the hint is of a file that is gone": ([f"v{number}.metadata.json" for number in (5, 6, 7, 8)], "2"),
    "compressed": ([f"v{number}.gz.metadata.json" for number in (1, 2, 3, 4)], "4"),
    "compressed, as once": ([f"v{number}.metadata.json.gz" for number in (1, 2, 3, 4)], None),
    "of a catalog": (uuids(0, 1, 2, 3), None),
    "of a catalog, compressed": (uuids(0, 1, 2, 3, suffix=".gz"), None),
    "the hint is a name": (uuids(0, 1, 2, 3), uuids(3)[0]),
    "the hint is a stem": (uuids(0, 1, 2, 3), uuids(3)[0].removesuffix(".metadata.json")),
    "first counted, then of a catalog": (["v1.metadata.json", "v2.metadata.json", *uuids(0, 1)], None),
}


@pytest.mark.parametrize(("names", "hint"), LAYOUTS.values(), ids=LAYOUTS)
def test_the_newest_of_every_layout_is_found(
    place: Place, lineages: Callable[[], list[Document]], names: list[str], hint: str | None
) -> None:
    documents = lineages()
    lay(place, documents, names)
    if hint is not None:
        place.put(HINT, hint.encode())

    table = load(place)

    assert said(table) == (documents[-1]["table-uuid"], "3")
    assert table.metadata_location == f"{place.url}/metadata/{names[-1]}"


def test_a_table_that_was_made_anew_hides_the_one_before(
    place: Place, lineages: Callable[[], list[Document]]
) -> None:
    old, new = lineages(), lineages()
    lay(place, new[:2], [name.replace("-0000", "-1111", 1) for name in uuids(0, 1)])
    lay(place, old, uuids(0, 1, 2, 3))

    assert said(load(place)) == (new[0]["table-uuid"], "1")


def test_a_gap_after_the_hint_ends_the_count(place: Place, lineages: Callable[[], list[Document]]) -> None:
    old, new = lineages(), lineages()
    lay(place, old, [f"v{number}.metadata.json" for number in (6, 7, 8, 9)])
    lay(place, new[:2], ["v1.metadata.json", "v2.metadata.json"])
    place.put(HINT, b"1")

    assert said(load(place)) == (new[0]["table-uuid"], "1")


def test_what_a_failed_commit_left_is_not_the_table(
    place: Place, lineages: Callable[[], list[Document]]
) -> None:
    documents = lineages()
    lay(place, documents, uuids(0, 1, 2, 3))
    left = {**documents[2], "properties": {"version": "never"}}
    lay(place, [left], [uuids(2)[0].replace("-0000", "-1111", 1)])

    assert said(load(place))[1] == "3"


def test_a_hint_of_no_file_is_told(place: Place, lineages: Callable[[], list[Document]]) -> None:
    lay(place, lineages(), uuids(0, 1, 2, 3))
    place.put(HINT, b"00009-gone")

    with pytest.raises(DataFileBrokenError, match=r"names '00009-gone', and there is no such file"):
        load(place)


def test_a_folder_without_metadata_is_no_table(place: Place) -> None:
    place.put("data/part.parquet", b"PAR1")

    missing = pytest.raises(TableMissingError, match="table 'orders', connection 'lake'")
    with missing, catalog_errors(place.connection(), "orders"):
        load(place)


def test_a_table_lives_without_a_catalog(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")
    catalog = MetadataFilesCatalog(place.connection(), place.path)
    table = catalog.create_table(
        catalog.identifier, COLUMNS, partition_spec=BY_WORD, properties={"format-version": "2"}
    )
    table.append(rows(1, 2))
    table.append(rows(3))
    table.overwrite(rows(4), overwrite_filter="number = 1")

    names = sorted(key.rpartition("/")[2] for key in place.objects() if "/metadata/v" in key)
    assert names[-1] == "version-hint.text"
    assert len(names) - 1 == int(place.get(f"{place.path}/{HINT}"))
    # As others see it: by the file that the hint leads to, without our files.
    newest = f"{place.url}/metadata/v{len(names) - 1}.metadata.json"
    seen = pl.scan_iceberg(newest, storage_options=FOREIGN | {"s3.endpoint": place.server.endpoint_url})
    assert seen.collect()["number"].sort().to_list() == [2, 3, 4]
    assert [field.name for field in load(place).spec().fields] == ["word"]


def test_compressed_metadata_stays_compressed(place: Place) -> None:
    catalog = MetadataFilesCatalog(place.connection(), place.path)
    catalog.create_table(
        catalog.identifier, COLUMNS, properties={"write.metadata.compression-codec": "gzip"}
    ).append(rows(1))

    body = place.get(f"{place.path}/metadata/v2.gz.metadata.json")
    assert len(json.loads(gzip.decompress(body))["snapshots"]) == 1
    assert load(place).scan().to_arrow()["number"].to_pylist() == [1]


class _Meanwhile(AssertTableUUID):
    """A requirement that holds, after somebody else has written the next version."""

    _act: Callable[[], None] = PrivateAttr()

    def validate(self, base_metadata: TableMetadata | None) -> None:  # type: ignore[override] # as its base does
        super().validate(base_metadata)
        self._act()


def test_a_commit_that_is_beaten_at_the_last_moment_fails(place: Place) -> None:
    catalog = MetadataFilesCatalog(place.connection(), place.path)
    table = catalog.create_table(catalog.identifier, COLUMNS)
    first = place.get(f"{place.path}/metadata/v1.metadata.json")
    rival = first.replace(b'"properties":{', b'"properties":{"by":"rival"')
    meanwhile = _Meanwhile(uuid=table.metadata.table_uuid)
    meanwhile._act = lambda: place.put("metadata/v2.metadata.json", rival)

    beaten = pytest.raises(CommitConflictError, match="somebody else's commit came first")
    with beaten, catalog_errors(place.connection(), "orders"):
        catalog.commit_table(table, (meanwhile,), (SetPropertiesUpdate(updates={"by": "us"}),))

    assert load(place).properties == {"by": "rival"}


def test_of_writers_that_race_exactly_one_wins(place: Place) -> None:
    catalog = MetadataFilesCatalog(place.connection(), place.path)
    once = {"commit.retry.num-retries": "0"}
    outcomes = race(
        lambda _: MetadataFilesCatalog(place.connection(), place.path).create_table(
            catalog.identifier, COLUMNS, properties=once
        )
    )
    assert sorted(outcomes) == ["TableAlreadyExistsError", "won"]
    with pytest.raises(TableAlreadyExistsError, match=place.path):
        catalog.create_table(catalog.identifier, COLUMNS, properties=once)

    won = []
    for number in range(8):
        tables = [load(place), load(place)]
        outcomes = race(lambda writer: tables[writer].append(rows(2 * number + writer)))  # noqa: B023 - run at once
        assert sorted(outcomes) == ["CommitFailedException", "won"]
        won.append(2 * number + outcomes.index("won"))

    assert sorted(load(place).scan().to_arrow()["number"].to_pylist()) == won
    assert place.get(f"{place.path}/{HINT}") == b"9"


def test_a_table_of_a_catalog_is_read_but_not_written(
    place: Place, lineages: Callable[[], list[Document]]
) -> None:
    lay(place, lineages(), uuids(0, 1, 2, 3))
    before = place.objects()

    with pytest.raises(UnsupportedError, match=r"was written for a catalog.*Name that catalog"):
        load(place).append(rows(1))

    assert {key for key in place.objects() if key.endswith(".json")} == {*before}


FOREIGN = {"s3.access-key-id": "test", "s3.secret-access-key": "test", "s3.region": "us-east-1"}


def rows(*numbers: int) -> pa.Table:
    return pa.table(
        {"number": pa.array(numbers, pa.int64()), "word": ["even" if n % 2 == 0 else "odd" for n in numbers]}
    )


def race(act: Callable[[int], object]) -> list[str]:
    """What became of two who act at the same moment: "won", or the error's name."""
    start, outcomes = threading.Barrier(2), ["", ""]

    def run(writer: int) -> None:
        start.wait()
        try:
            act(writer)
        except (CommitFailedException, TableAlreadyExistsError) as error:
            outcomes[writer] = type(error).__name__
        else:
            outcomes[writer] = "won"

    threads = [threading.Thread(target=run, args=(writer,)) for writer in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
