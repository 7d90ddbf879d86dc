"""Partitions of every kind, in every format: written, replaced, emptied and read, and nothing beside them."""

from typing import Any

import dagster as dg
import polars as pl
import pytest

from s3_assets.registry import Registry
from tests.dagster_floor.conftest import Lake, key, user_asset
from tests.dagster_floor.kept_partitions import FORMATS, KINDS, Kind, held
from tests.support.extent import EVERYTHING

ONE_RUN = dg.BackfillPolicy.single_run()
# In an ordinary run each format has two of the kinds.
SOME: dict[str, tuple[str, ...]] = {
    "delta": ("static", "hours"),
    "iceberg": ("day and region", "weekdays"),
    "parquet": ("two names", "weeks"),
    "jsonl": ("day and region",) if EVERYTHING else (),
}
# Folders of a timestamp are whole days: see the last test.
CUT = {("parquet", "offset days")}
CASES = [
    pytest.param(format_, kind, id=f"{format_}, {kind}")
    for format_ in FORMATS
    # JSON Lines have no timestamps, and folders of numbers are read as numbers.
    for kind in (KINDS if EVERYTHING and format_ != "jsonl" else SOME[format_])
    if (format_, kind) not in CUT
]


class Made:
    """What the user's code makes: the rows of the run's partitions, as one of its versions has them."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.version = 1
        self.read: dict[str, Any] = {}

    @property
    def assets(self) -> list[dg.AssetsDefinition]:
        @user_asset("marts/kept", partitions_def=self.kind.definition, backfill_policy=ONE_RUN)
        def kept(context: dg.AssetExecutionContext) -> pl.LazyFrame:
            keys = context.partition_keys if self.version else []
            return self.kind.frame(list(keys), self.version).lazy()

        @user_asset(
            "marts/reader",
            partitions_def=self.kind.definition,
            backfill_policy=ONE_RUN,
            ins={"kept": dg.AssetIn(key("marts/kept"))},
        )
        def reader(kept: pl.DataFrame) -> None:
            self.read["rows"] = sorted(kept.select(*self.kind.schema, "version").rows())

        return [kept, reader]


def declare(lake: Lake, format_: str, made: Made) -> None:
    place, _ = FORMATS[format_]
    table = {"connection": "lake", "format": format_, **place, **made.kind.settings}
    connections = lake.registry.model_dump(mode="python", exclude_unset=True)["connections"]
    lake.use(
        Registry.model_validate({"connections": connections, "tables": {"marts/kept": table}}), made.assets
    )
    if made.kind.dynamic:
        lake.instance.add_dynamic_partitions("shops", made.kind.keys)


@pytest.mark.parametrize(("format_", "kind"), CASES)
def test_a_range_is_replaced_by_partitions_and_read_by_partitions(
    lake: Lake, format_: str, kind: str
) -> None:
    made = Made(KINDS[kind]())
    declare(lake, format_, made)
    keys = made.kind.keys
    versions = dict.fromkeys(keys, 1)

    told = lake.materializations(lake.run("marts/kept", span=(keys[0], keys[-1])), "marts/kept")
    assert {str(each) for each in told} == set(keys)
    assert held(lake, format_, made.kind) == made.kind.counted(versions)

    # One again, by newer code; and another without a row.
    made.version = 2
    lake.run("marts/kept", partition=keys[1])
    versions[keys[1]] = 2
    made.version = 0
    emptied = lake.materializations(lake.run("marts/kept", partition=keys[0]), "marts/kept")
    assert [each["dagster/partition_row_count"] for each in emptied.values()] == [0]
    del versions[keys[0]]
    assert held(lake, format_, made.kind) == made.kind.counted(versions)

    lake.run("marts/reader", partition=keys[1])
    assert made.read["rows"] == sorted(made.kind.counted({keys[1]: 2}).elements())
    lake.run("marts/reader", span=(keys[0], keys[-1]))
    assert made.read["rows"] == sorted(made.kind.counted(versions).elements())


@pytest.mark.parametrize("format_", FORMATS if EVERYTHING else ["delta", "jsonl"])
def test_rows_of_other_keys_are_refused_nulls_among_them(lake: Lake, format_: str) -> None:
    made = Made(KINDS["day and region"]())
    declare(lake, format_, made)
    first = made.kind.keys[0]
    lake.run("marts/kept", partition=first)
    for region in (None, "asia"):
        wrong = (made.kind.rows[first][0][0], region)
        made.kind.rows[first].append(wrong)
        made.version += 1
        error = lake.failure("marts/kept", partition=first)
        made.kind.rows[first].remove(wrong)

        assert error.cls_name == "RowsOutsideWindowError"
        assert "1 row lies outside the run's window" in error.message
        assert f"the smallest 'region' is {region}" in error.message
        assert held(lake, format_, made.kind) == made.kind.counted({first: 1})


def test_folders_of_days_are_not_replaced_by_days_that_begin_at_night(lake: Lake) -> None:
    made = Made(KINDS["offset days"]())
    declare(lake, "parquet", made)
    first, second = made.kind.keys[:2]
    # As somebody wrote them who only appends.
    folder = lake.url("marts/kept")
    for day, rows in made.kind.frame([first, second], 1).group_by(pl.col("at").dt.date()):
        rows.write_parquet(f"{folder}/at_day={day[0]}T00/rows.parquet", storage_options=lake.storage_options)

    lake.run("marts/reader", partition=first)
    assert made.read["rows"] == sorted(made.kind.counted({first: 1}).elements())

    error = lake.failure("marts/kept", partition=first)
    assert error.cls_name == "UnsupportedError"
    assert "begins or ends within the folders of a timestamp" in error.message
    assert held(lake, "parquet", made.kind) == made.kind.counted({first: 1, second: 1})
