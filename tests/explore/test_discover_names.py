"""Names of what was discovered, and which of it a registry has already: without a server."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from s3_assets.explore.discover_groups import Group, Paths, grouped
from s3_assets.explore.discover_known import KnownEntry, around, reader_of
from s3_assets.explore.discover_names import Place, name_all
from s3_assets.explore.discover_shapes import are_names, beginnings, partitions_among, spread
from s3_assets.objects import ObjectInfo
from s3_assets.tables.any_settings import AnyTableSettings

MOMENT = datetime(2026, 1, 5, tzinfo=UTC)


def file(key: str) -> ObjectInfo:
    return ObjectInfo(key, 1, "", MOMENT)


def places(*folders: str, format_: str = "csv") -> list[Place]:
    return [Place(each, format_, "my-bucket") for each in folders]


def test_names_do_not_depend_on_the_order() -> None:
    found = places("eu/raw/orders/", "us/raw/orders/", "people/day=2026-01-05/")

    assert name_all(found[:3]) == name_all(found[2::-1])[::-1]
    assert name_all(found[:2]) == ["eu/raw/orders", "us/raw/orders"]
    assert name_all(found[:1], taken={"raw/orders"}) == ["eu/raw/orders"]
    assert name_all(places("", "Größe 1/")) == ["my_bucket", "Grosse_1"]
    both = [*places("raw/"), *places("raw/", format_="parquet")]
    assert name_all(both) == ["raw_csv", "raw_parquet"]
    assert name_all([*both, *both[:1]]) == ["raw_csv", "raw_parquet", "raw_csv_2"]


def entry(prefix: str, **fields: Any) -> KnownEntry:
    settings: Any = TypeAdapter(AnyTableSettings)
    told = {"connection": "lake", "path": prefix, "format": "csv", **fields}
    return KnownEntry("known", prefix, settings.validate_python(told))


@pytest.mark.parametrize(
    ("known", "group", "read"),
    [
        (entry("raw/"), Group("csv", "raw/orders/", (file("raw/orders/a.csv"),)), True),
        (entry("raw/"), Group("csv", "raws/", (file("raws/a.csv"),)), False),
        (entry("raw/"), Group("parquet", "raw/", (file("raw/a.parquet"),)), False),
        (entry("raw/", path_regex="^b"), Group("csv", "raw/", (file("raw/a.csv"),)), False),
        (entry("raw/", path_prefix="x/"), Group("csv", "raw/x/", (file("raw/x/a.csv"),)), True),
        (entry("raw/", format="parquet"), Group("delta", "raw/t/"), False),
        (entry("raw/", format="delta"), Group("delta", "raw/"), True),
        (entry("raw/", format="delta"), Group("csv", "raw/beside/", (file("raw/beside/a.csv"),)), True),
        (KnownEntry("known", "pics/"), Group("media", "pics/a/", (file("pics/a/1.png"),)), True),
        (KnownEntry("known", "pics/"), Group("csv", "pics/a/", (file("pics/a/1.csv"),)), False),
    ],
    ids=["below", "alike", "format", "files", "prefix", "log inside", "log", "in a log", "media", "no media"],
)  # fmt: skip
def test_what_a_registry_reads_already(known: KnownEntry, group: Group, read: bool) -> None:
    assert (reader_of(group.lies, [known]) == "known") is read


def test_a_table_with_a_log_inside_of_a_folder_of_files() -> None:
    assert around("raw/t/", [entry("raw/", format="parquet")]) == "known"
    assert around("raw/", [entry("raw/", format="parquet")]) is None


def test_folders_that_divide_a_table() -> None:
    assert partitions_among(["date=1", "2026", "01", "2026-01-05", "2026-01-05T13", "orders", "v2"]) == [
        "date=1", "2026", "01", "2026-01-05", "2026-01-05T13",
    ]  # fmt: skip
    many = [f"batch_{number}" for number in range(8)]
    assert partitions_among([*many, "orders"]) == many
    assert partitions_among(many[:7]) == []
    assert re.search(f"^{beginnings(['a=1', 'a=2'])}", "a=3/x")
    assert not re.search(f"^{beginnings(['a=1'])}", "b=3/x")
    assert are_names(["x/people.csv", "x/orders.csv"])
    assert not are_names(["x/orders1.csv", "x/orders2.csv"])
    assert spread([str(number) for number in range(10)], 4) == ["0", "3", "6", "9"]


def test_every_path_belongs_to_one_group() -> None:
    keys = [
        *("r/2026/a.csv", "r/2026/orders/a.csv", "r/2026/orders/old/a.csv", "r/2026/people/01/a.csv"),
        *("r/2025/orders/b.csv", "r/2025/b.csv"),
    ]

    groups, remarks = grouped("r/", [file(each) for each in keys], Paths(), complete=True)

    assert ([each.static for each in groups], remarks) == (
        [(), ("orders",), ("orders", "old"), ("people",)], [],
    )  # fmt: skip
    taken = {
        key: [each.static for each in groups if re.search(each.paths.regex or "", key.removeprefix("r/"))]
        for key in keys
    }
    assert {key: len(of) for key, of in taken.items()} == dict.fromkeys(keys, 1)
    files = {each.static: each.files for each in groups}
    assert all(file(key) in files[of[0]] for key, of in taken.items())
