"""From Dagster's partitions to parts of a table: every set of a few partitions, and every way to say it."""

from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product

import dagster as dg
import pytest

from s3_assets.connection.settings import S3Connection
from s3_assets.errors import PartitionColumnError, UnsupportedError
from s3_assets.io_managers.slices import joined, one, slices_of
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings
from s3_assets.tables.table import Table
from s3_assets.windows import Slice, Window

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-04")
NAMES = dg.StaticPartitionsDefinition(["a", "b"])
BOTH = dg.MultiPartitionsDefinition({"day": DAYS, "name": NAMES})
TWICE = dg.MultiPartitionsDefinition({"day": DAYS, "later": DAYS})
TIME = {"partitions": {"column": "at", "start": "2026-01-01"}}
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def table(**settings: object) -> Table[DeltaSettings]:
    declared = DeltaSettings.model_validate({"connection": "lake", "path": "t", **settings})
    return open_table("t", declared, S3Connection(url="s3://bucket/"))


def day(number: int) -> Window:
    return Window(FIRST + timedelta(days=number), FIRST + timedelta(days=number + 1))


def cells(part: Slice) -> set[tuple[object, ...]]:
    """The combinations of day and keys that are inside."""
    days = [
        number
        for number in range(4)
        if any(each.start <= day(number).start < each.end for each in part.windows)
    ]
    keys = [keys for _, keys in part.keys]
    return set(product(days, *keys)) if part.windows else set(product(*keys))


CELLS = list(product(range(3), "ab"))
SUBSETS = list(chain.from_iterable(combinations(CELLS, count) for count in range(1, len(CELLS) + 1)))


def test_every_set_of_partitions_is_joined_without_loss_or_gain() -> None:
    assert len(SUBSETS) == 63
    for subset in SUBSETS:
        parts = [Slice((day(number),), (("name", (name,)),)) for number, name in subset]

        found = joined(parts)

        inside = [cells(each) for each in found]
        assert set().union(*inside) == set(subset)
        assert sum(map(len, inside)) == len(subset)


def test_all_combinations_are_one() -> None:
    keys = BOTH.get_partition_keys()
    found = one(slices_of(BOTH, keys, table(**TIME, partition_columns="name")), "t")

    assert found == Slice((Window(FIRST, FIRST + timedelta(days=3)),), (("name", ("a", "b")),))


def test_others_are_not() -> None:
    keys = ["2026-01-01|a", "2026-01-02|b"]
    with pytest.raises(UnsupportedError, match="not all combinations"):
        one(slices_of(BOTH, keys, table(**TIME, partition_columns="name")), "t")


@pytest.mark.parametrize(
    ("definition", "key", "settings", "part"),
    [
        (NAMES, "a", {}, "the table says not which column holds its keys"),
        (NAMES, "a", TIME, "the asset has a StaticPartitionsDefinition"),
        (NAMES, "a", {"partition_columns": ["x", "y"]}, "the table says x, y"),
        (BOTH, "2026-01-01|a", TIME, "the asset has a dimension 'name'"),
        (BOTH, "2026-01-01|a", {"partition_columns": "name"}, "the table says not by which column"),
        (DAYS, "2026-01-01", {}, "the table says not by which column"),
    ],
)
def test_a_table_that_does_not_say(
    definition: dg.PartitionsDefinition[str], key: str, settings: dict[str, object], part: str
) -> None:
    with pytest.raises(PartitionColumnError, match=part):
        slices_of(definition, [key], table(**settings))


def test_two_dimensions_of_time_need_a_column_of_keys() -> None:
    keys = ["2026-01-01|2026-01-02"]
    with pytest.raises(UnsupportedError, match="two dimensions of time, day and later"):
        slices_of(TWICE, keys, table(**TIME))

    found = slices_of(TWICE, keys, table(**TIME, partition_columns="later"))
    assert found == {keys[0]: Slice((day(0),), (("later", ("2026-01-02",)),))}


@pytest.mark.parametrize(
    ("columns", "part"),
    [
        ({"a": "x", "b": "x"}, "two dimensions have one column"),
        ({"a": "at"}, "is the column of partitions"),
    ],
)
def test_columns_that_say_two_things(columns: dict[str, str], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        table(**TIME, partition_columns=columns)
