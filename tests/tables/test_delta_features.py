"""Table features: what can be read and written is, and for the rest the error names feature and table."""

import json
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from s3_assets.errors import UnsupportedError
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.open import open_table
from s3_assets.tables.table import Table
from tests.tables.formats import DELTA, PATH, Place

ROWS = pl.DataFrame({"id": [1, 2, 3], "text": ["a", "b", "c"]})
LOG = f"{PATH}/_delta_log/00000000000000000000.json"

# Delta protocol, "Valid Feature Names in Table Features": those that a reader has to know, and the others.
READER = ["columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"]
READER_REFUSED = ["catalogManaged", "made-up", "typeWidening", "variantShredding-preview"]
WRITER = ["appendOnly", "changeDataFeed", "checkConstraints", "generatedColumns", "invariants"]
WRITER_REFUSED = [
    "allowColumnDefaults", "clustering", "collations-preview", "domainMetadata", "icebergCompatV2",
    "identityColumns", "inCommitTimestamp", "rowTracking",
]  # fmt: skip


def with_feature(
    place: Place, feature: str, *, reader: bool, physical: dict[str, str] | None = None
) -> Table[Any]:
    """A table by delta-rs whose first commit is made to say more than delta-rs would."""
    write_deltalake(place.url, ROWS.rename(physical or {}), storage_options=place.options)
    protocol: dict[str, Any] = {
        "minReaderVersion": 3 if reader else 1,
        "minWriterVersion": 7,
        "writerFeatures": [feature],
        **({"readerFeatures": [feature]} if reader else {}),
    }
    actions = [json.loads(line) for line in place.get(LOG).splitlines()]
    for action in actions:
        if "protocol" in action:
            action["protocol"] = protocol
        if "metaData" in action and physical:
            schema = json.loads(action["metaData"]["schemaString"])
            for number, (column, field) in enumerate(zip(ROWS.columns, schema["fields"], strict=True), 1):
                field["name"] = column
                field["metadata"] = {
                    "delta.columnMapping.id": number,
                    "delta.columnMapping.physicalName": physical[column],
                }
            action["metaData"]["schemaString"] = json.dumps(schema)
            action["metaData"]["configuration"]["delta.columnMapping.mode"] = "name"
    place.put(LOG.removeprefix(f"{PATH}/"), "\n".join(map(json.dumps, actions)).encode())
    return open_table("sales", DELTA.settings(), place.connection())


@pytest.mark.parametrize("feature", [*READER, *WRITER, *WRITER_REFUSED])
def test_what_is_read(feature: str, place: Place) -> None:
    table = with_feature(place, feature, reader=feature in READER)

    assert table.scan().collect().sort("id").equals(ROWS)


@pytest.mark.parametrize("feature", READER_REFUSED)
def test_what_is_not_read(feature: str, place: Place) -> None:
    table = with_feature(place, feature, reader=True)

    for look in (table.plan, table.scan, table.writer):
        with pytest.raises(UnsupportedError, match=rf"table 'sales'.*lacks the feature {feature}"):
            look()


@pytest.mark.parametrize("feature", sorted({*READER, *WRITER} - {"appendOnly", "vacuumProtocolCheck"}))
def test_what_is_written(feature: str, place: Place) -> None:
    table = with_feature(place, feature, reader=feature in READER)

    overwrite(table, ROWS.head(1).lazy(), window=None)

    batches = DeltaTable(place.url, storage_options=place.options).scan()
    assert [row for batch in batches for row in pl.DataFrame(batch).rows()] == [(1, "a")]


@pytest.mark.parametrize("feature", [*WRITER_REFUSED, "vacuumProtocolCheck"])
def test_what_is_not_written(feature: str, place: Place) -> None:
    table = with_feature(place, feature, reader=feature == "vacuumProtocolCheck")
    before = place.objects()

    with pytest.raises(
        UnsupportedError, match=rf"table 'sales'.*written: delta-rs lacks the feature {feature}"
    ):
        overwrite(table, ROWS.lazy(), window=None)
    assert place.objects() == before


def test_mapped_columns(place: Place) -> None:
    """The files call the columns by other names than the table does."""
    table = with_feature(place, "columnMapping", reader=True, physical={"id": "col-1", "text": "col-2"})

    assert table.scan().collect().sort("id").equals(ROWS)
    assert table.scan().select("text").filter(pl.col("text") > "b").collect()["text"].to_list() == ["c"]

    overwrite(table, ROWS.tail(1).lazy(), window=None)

    assert table.scan().collect().rows() == [(3, "c")]


def test_a_protocol_that_does_not_exist(place: Place) -> None:
    table = with_feature(place, "made-up", reader=True)
    text = place.get(LOG).decode().replace('"minReaderVersion": 3', '"minReaderVersion": 4')
    place.put(LOG.removeprefix(f"{PATH}/"), text.encode())

    with pytest.raises(UnsupportedError, match="table 'sales'"):
        table.scan()
