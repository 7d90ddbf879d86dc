"""The entry as text: what YAML reads back, and where it goes in a registry that people wrote."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from s3_assets.errors import SettingError
from s3_assets.explore.entry import name_of, scalar, table_entry
from s3_assets.explore.findings import Finding, Guess
from s3_assets.explore.insertion import insert
from s3_assets.registry.loading import parse_registry

REGISTRY = """\
# Ours.
connections:
    lake: { url: s3://lake/ } # the lake
tables:
    # The first.
    a:
        connection: lake
        path: a/
        format: delta
        partitions: &daily { column: date, start: 2026-01-05 } # by day
        description: |
            Two
            lines.

    b:
        connection: lake
        path: b/
        format: delta
        partitions: *daily   # as above

    # A last word.
imports: # none yet
watch: { every_seconds: 5 }
"""


def entry(indent: str) -> str:
    return f"{indent}new: {{ connection: lake, path: new/, format: csv }}\n"


@pytest.mark.parametrize(
    "value",
    ["plain", "yes", "NULL", "12", "a: b", "# c", "\t", "\x01", "%d/%m/%Y", "ä\"'", "", "-", 1, True, None,
     [";", "\\N", ""], {"a b": "%s"}, date(2026, 1, 5), datetime.fromisoformat("2026-01-05T13:00")],
    ids=repr,
)  # fmt: skip
def test_scalars_are_read_back(value: Any) -> None:
    assert yaml.safe_load(f"x: {scalar(value)}") == {"x": value}


def test_evidence_stands_above_its_field_and_stays_a_comment() -> None:
    found = Guess(
        {"path": "t/", "format": "csv", "delimiter": ";", "null_values": ["", "a\nb: c"]},
        pl.Schema({"odd\nname": pl.Int64}),
        (Finding("delimiter", "line one\nbreaks: yes"), Finding("nothing", "above all", doubt=True)),
        "looked at 1 of 1 file, 5 B",
    )

    text = table_entry("t", "lake", found)

    lines = [line.strip() for line in text.splitlines()]
    assert lines[lines.index('delimiter: ";"') - 1] == "# line one\\x0abreaks: yes"
    assert lines[2] == "# in doubt: above all"
    assert yaml.safe_load(text)["t"] == {"connection": "lake", **found.settings}


def test_entry_goes_behind_the_last_one() -> None:
    text = insert(REGISTRY, "tables", entry)

    lines = text.splitlines()
    assert lines[lines.index("    new: { connection: lake, path: new/, format: csv }") - 1].strip() == (
        "partitions: *daily   # as above"
    )
    # Nothing else has changed.
    assert [line for line in lines if "new:" not in line] == REGISTRY.splitlines()
    assert list(parse_registry(text, Path("s3_assets.yaml"), {}).tables) == ["a", "b", "new"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but a word",
        "connections: { lake: { url: s3://lake/ } }",
        "connections: { lake: { url: s3://lake/ } }\ntables:\nwatch: { every_seconds: 5 }\n",
        "tables:\n  a: { connection: lake, path: a,\n       format: delta }\n",
        "tables:\n  a:\n    connection: lake\n    path: a\n    description: |\n      text\n\n\n\n",
    ],
    ids=["empty", "comment", "no section", "empty section", "braces inside", "block of text"],
)
def test_other_beginnings(text: str) -> None:
    found = yaml.safe_load(insert(text, "tables", entry))

    assert found["tables"]["new"]["path"] == "new/"
    before = yaml.safe_load(text) or {}
    assert {**(before.get("tables") or {}), "new": found["tables"]["new"]} == found["tables"]
    assert {**found, "tables": 0} == {**before, "tables": 0}


def test_braces_are_refused() -> None:
    with pytest.raises(SettingError, match="cannot be added to"):
        insert("tables: { a: { connection: lake, path: a, format: delta } }\n", "tables", entry)


@pytest.mark.parametrize(
    ("path", "name"),
    [("landing/orders/", "landing/orders"), ("x/landing/or-ders/2026/01/", "landing/or_ders"),
     ("raw/date=2026-01-05/", "raw"), ("", "my_bucket")],
    ids=["two", "dates", "hive", "root"],
)  # fmt: skip
def test_names(path: str, name: str) -> None:
    assert name_of(path, "my-bucket") == name
