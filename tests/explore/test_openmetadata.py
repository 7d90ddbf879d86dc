"""`openmetadata.json`: what is read, what its errors say, what it means in a bucket, and the way back."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from s3_assets.connection.settings import S3Connection
from s3_assets.errors import SettingError
from s3_assets.explore.discover import discover
from s3_assets.explore.openmetadata import read_manifest
from s3_assets.explore.openmetadata_globs import matches, names_wanted, static_prefix
from s3_assets.explore.openmetadata_types import our_type, their_type
from s3_assets.explore.openmetadata_written import WrittenMedia, WrittenTable, write_manifest
from s3_assets.tables.any_settings import AnyTableSettings
from tests.explore.bucket_of_all import ORDERS, parquet
from tests.tables.formats import Place

EXAMPLES = Path(__file__).parent.parent / "data" / "openmetadata"
# How many entries each has, and of how many a comma too many was taken note.
PUBLISHED = {"default_manifest": (2, 0), "global": (1, 0), "manifest": (8, 1), "storage_page": (6, 1)}


def test_every_published_example_loads() -> None:
    found = {
        each.stem: read_manifest(each.read_text(), each.name) for each in sorted(EXAMPLES.glob("*.json"))
    }

    assert {name: (len(each.entries), len(each.remarks)) for name, each in found.items()} == PUBLISHED
    told = {each.entry.path: each.entry for each in found["manifest"].entries}
    assert {path: each.format for path, each in told.items() if each.format} == {
        "transactions": "csv",
        **dict.fromkeys(("cities", "cities_multiple_simple", "cities_multiple", "athena_service"), "parquet"),
    }
    assert [(each.name, each.type) for each in told["cities_multiple"].partition_columns] == [
        ("Year", "date"), ("State", "string"),
    ]  # fmt: skip
    assert told["athena_service"].depth == 2
    assert told["path/to/unstructured_folder_png_pdf"].extensions == ("png", "pdf")
    assert told["path/to/unstructured_folder_all"].is_media
    assert not told["path/to/unstructured_folder_all"].extensions
    assert not told["path/to/solution.pdf"].is_media
    assert "line 48: a comma with nothing behind it" in found["manifest"].remarks[0]
    of_other = found["default_manifest"].of_bucket("elsewhere")
    assert (of_other, len(found["storage_page"].of_bucket("elsewhere"))) == ([], 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{\n "entries": [\n  { "dataPath": "a" "depth": 1 } ]}', "m.json:3:21: this is not JSON: there is"),
        ('{\n "entries": [\n  { "dataPath": "a",', "m.json:3:21: this is not JSON: the file ends before"),
        ('{"entries": [{"dataPath": nul}]}', "m.json:1:27: this is not JSON: expecting value"),
        ('{"entries": []} x', "m.json:1:17: this is not JSON: something stands behind the end"),
        ('{\n\n"entries": {}}', 'm.json:3: the file has no list "entries"'),
        ('{"entries": [\n{"structureFormat": "csv"}]}', "line 2: 'dataPath' is missing; add it"),
        (
            '{"entries": [{"dataPath": "a",\n"dataPaht": "b"}]}',
            "line 2: there is no field 'dataPaht'; did you mean 'dataPath'?",
        ),
        ('{"entries": [{"dataPath": "a",\n"depth": "2"}]}', "line 2: 'depth': input should be a valid"),
        ('{"entries": [\n1]}', "line 2: an entry must stand in braces"),
        (
            '{"entries": [{"dataPath": "a", "partitionColumns": [\n{"name": "b"}]}]}',
            "line 2: 'partitionColumns.0.dataType' is missing",
        ),
    ],
    ids=["comma", "cut", "word", "behind", "no list", "missing", "misspelt", "type", "braces", "column"],
)  # fmt: skip
def test_errors_name_the_line(text: str, told: str) -> None:
    with pytest.raises(SettingError) as error:
        read_manifest(text, "m.json")

    assert told in str(error.value)


def test_all_problems_at_once() -> None:
    text = '{"entries": [\n{"depth": -1},\n{"dataPath": "a",\n"isPartitioned": "yes", "owner": true}]}'

    with pytest.raises(SettingError, match=r"3 problems in m\.json:\n.*line 2.*\n.*line 2.*\n.*line 4"):
        read_manifest(text, "m.json")
    assert (
        "'owner' is not known"
        in read_manifest('{"entries": [{"dataPath": "a", "owner": true}]}', "m.json").remarks[0]
    )


BREAKS = {
    '"dataPath"': ('"dataPth"', "there is no field 'dataPth'; did you mean 'dataPath'?"),
    '"structureFormat"': ('"structureFormt"', "there is no field 'structureFormt'; did you mean"),
    '"isPartitioned": true': ('"isPartitioned": "yes"', "'isPartitioned': input should be a valid boolean"),
    '"dataType": "': ('"dataType": 1, "x": "', "'partitionColumns."),
    '"depth": 2': ('"depth": -2', "'depth': input should be greater than or equal to 0"),
    '"unstructuredFormats": ["png","pdf"]': ('"unstructuredFormats": "png"', "'unstructuredFormats': input"),
    '"dataPath": "': ('"dataPath" "', "there is no colon behind"),
    '"containerName": "': ('"containerName": "\\q', "this is not JSON: invalid"),
}


def test_a_published_example_that_is_broken_anywhere_names_the_line() -> None:
    broken = 0
    for example in sorted(EXAMPLES.glob("*.json")):
        lines = example.read_text().splitlines()
        for number, line in enumerate(lines, 1):
            for found, (instead, told) in BREAKS.items():
                if found not in line:
                    continue
                text = "\n".join([*lines[: number - 1], line.replace(found, instead), *lines[number:]])
                with pytest.raises(SettingError) as error:
                    read_manifest(text, "m.json")
                message = str(error.value)
                assert f"line {number}: " in message or f"m.json:{number}:" in message, (example.name, text)
                assert told in message
                broken += 1
    assert broken == 70


# The examples of OpenMetadata's own documentation of its patterns.
GLOBS = {
    ("data/*/events.parquet", "data/us/events.parquet"): True,
    ("data/*/events.parquet", "data/us/2025/events.parquet"): False,
    ("data/**/*.parquet", "data/a.parquet"): True,
    ("data/**/*.parquet", "data/a/b/c.parquet"): True,
    ("**/*.csv", "a.csv"): True,
    ("data/archive/**", "data/archive/a/b"): True,
    ("data/archive/**", "data/archives/a"): False,
    ("data/tmp_*/**", "data/tmp_1/x"): True,
    ("exports/*.csv", "exports/a/b.csv"): False,
    ("a?.csv", "ab.csv"): True,
    ("rare+data/*", "rare+data/x"): True,
}


def test_globs() -> None:
    assert {pair: matches(*pair) for pair in GLOBS} == GLOBS
    assert [static_prefix(each) for each in ("data/*/x.csv", "a/b/*.csv", "*/a", "a.csv")] == [
        "data/",
        "a/b/",
        "",
        "",
    ]
    assert names_wanted("data/**/*.csv") is None
    assert names_wanted("data/**/part-*.csv") == r"(?:.*/)?part\-[^/]*\.csv$"


@pytest.mark.parametrize(
    ("theirs", "ours", "back"),
    [("VARCHAR", "string", "STRING"), ("int", "int64", "BIGINT"), ("DATE", "date", "DATE"),
     ("TIMESTAMPZ", "timestamp", "TIMESTAMPZ"), ("DATETIME", "timestamp_ntz", "TIMESTAMP"),
     ("BOOLEAN", "boolean", "BOOLEAN"), ("GEOGRAPHY", None, None)],
    ids=str,
)  # fmt: skip
def test_types(theirs: str, ours: str | None, back: str | None) -> None:
    assert our_type(theirs) == ours
    if ours is not None:
        assert their_type(ours) == back


def test_what_it_means_in_a_bucket(place: Place) -> None:
    manifest = {
        "entries": [
            {"dataPath": "cities", "structureFormat": "csv", "partitionColumns": [
                {"name": "Year", "dataType": "STRING"}, {"name": "Town", "dataType": "STRING"}]},
            {"dataPath": "data/**/part-*.parquet", "structureFormat": "parquet",
             "excludePatterns": ["data/old/**"]},
            {"dataPath": "one/paper.pdf"},
            {"dataPath": "gone", "structureFormat": "csv"},
        ]
    }  # fmt: skip
    bodies = {
        "openmetadata.json": json.dumps(manifest, indent=1).encode(),
        "cities/Year=2025/a.csv": ORDERS,
        "cities/Year=2026/a.csv": ORDERS,
        "data/x/part-1.parquet": parquet(),
        "data/old/part-1.parquet": parquet(),
        "one/paper.pdf": b"%PDF-1.7",
    }
    for key, body in bodies.items():
        place.client.put_object(Bucket=place.bucket, Key=key, Body=body)

    found = discover(place.connection())

    told = {each.name: dict(each.guess.settings) for each in found.found}
    columns = {"id": "int64", "amount": "float64", "Year": "string"}
    wanted = r"^(?:.*/)?part\-[^/]*\.parquet$"
    assert told == {
        "cities": {"path": "cities/", "format": "csv", "delimiter": ";", "columns": columns},
        "data/x": {"path": "data/x/", "format": "parquet", "path_regex": wanted},
        "one": {"path": "one/", "patterns": ["paper.pdf"], "exclude": ["*/**"]},
    }
    doubts = [one.evidence for each in found.found for one in each.guess.findings if one.doubt]
    assert any("Town, which no folder tells" in each for each in doubts)
    assert "data/old/ is left out, as openmetadata.json line 17 says" in found.remarks
    assert any("line 27: nothing of it lies in" in each for each in found.remarks)
    assert {each.told_by for each in found.found} == {
        f"openmetadata.json line {line}" for line in (3, 17, 24)
    }


def test_the_bucket_of_the_documentation(place: Place) -> None:
    """The example of the page "Storage Services": a global manifest, and what it says lies in the bucket."""
    manifest = (EXAMPLES / "storage_page.json").read_text().replace("collate-demo-storage", place.bucket)
    rows = parquet()
    states = ("State=AL", "State=AZ")
    bodies = {
        "openmetadata_storage_manifest.json": manifest.encode(),
        # It is not read: the global one names the bucket.
        "openmetadata.json": b'{"entries": [{"dataPath": "cities", "structureFormat": "csv"}]}',
        **{f"cities_multiple_simple/20230412/{each}/a.parquet": rows for each in states},
        **{f"cities_multiple/Year=2023/{each}/a.parquet": rows for each in states},
        **{f"cities/{each}/a.parquet": rows for each in states},
        "transactions_separator/1.csv": ORDERS,
        "transactions/1.csv": ORDERS.replace(b";", b","),
        "solution.pdf": b"%PDF-1.7",
    }
    for key, body in bodies.items():
        place.client.put_object(Bucket=place.bucket, Key=key, Body=body)

    found = discover(place.connection())

    # Folders of dates are a column here, and none in OpenMetadata.
    columns = {
        each.name: [name for name in each.guess.columns if name != "date"]
        for each in found.found
        if each.kind == "table"
    }
    assert columns == {
        "cities": ["id", "name", "State"],
        "cities_multiple": ["id", "name", "Year", "State"],
        "cities_multiple_simple": ["id", "name", "State"],
        "transactions": ["id", "amount"],
        "transactions_separator": ["id", "amount"],
    }
    assert [each.url for each in found.found if each.kind == "media"] == [f"s3://{place.bucket}/"]
    assert all(each.told_by.startswith("openmetadata_storage_manifest.json line ") for each in found.found)


def test_folders_without_their_data(place: Place) -> None:
    entries = [{"dataPath": "archive/", "foldersOnly": True}, {"dataPath": "logs/", "structureFormat": "json",
               "depth": 3, "foldersOnly": True}]  # fmt: skip
    text = json.dumps({"entries": entries}, indent=1)
    for key, body in {"openmetadata.json": text.encode(), "archive/a.csv": ORDERS}.items():
        place.client.put_object(Bucket=place.bucket, Key=key, Body=body)

    found = discover(place.connection())

    assert [(each.name, each.told_by) for each in found.found] == [("archive", "")]
    assert sum("foldersOnly" in each for each in found.remarks) == 2


def test_written_and_read_back(place: Place) -> None:
    lake = place.connection(url=f"s3://{place.bucket}/base/")
    settings: Any = TypeAdapter(AnyTableSettings)
    days = {"column": "day", "start": "2026-01-01"}
    tables: dict[str, dict[str, Any]] = {
        "orders": {
            "path": "orders",
            "format": "tsv",
            "delimiter": "|",
            "partitions": days,
            "path_regex": "x",
        },
        "lines": {"path": "lines", "format": "jsonl"},
        "lake": {"path": "lake/t", "format": "delta", "partition_by": ["region"]},
    }
    written = [
        WrittenTable(name, settings.validate_python({"connection": "lake", **each}), lake)
        for name, each in tables.items()
    ]

    one = write_manifest(written, [WrittenMedia("scans", lake, "scans", ("tif",))], bucket=place.bucket)
    every = write_manifest(written)

    assert json.loads(one.text)["entries"] == [
        {"dataPath": "base/lake/t", "structureFormat": "parquet", "isPartitioned": True,
         "partitionColumns": [{"name": "region", "dataType": "STRING"}]},
        {"dataPath": "base/lines", "structureFormat": "json"},
        {"dataPath": "base/orders", "structureFormat": "tsv", "separator": "|", "isPartitioned": True,
         "partitionColumns": [{"name": "day", "dataType": "DATE"}]},
        {"dataPath": "base/scans", "unstructuredFormats": ["tif"]},
    ]  # fmt: skip
    assert len(one.remarks) == 2
    back = read_manifest(every.text, "m.json")
    assert ([each.entry.container_name for each in back.entries], back.remarks) == ([place.bucket] * 3, ())
    assert write_manifest(written, bucket="elsewhere").text == '{\n    "entries": []\n}\n'
    assert isinstance(lake, S3Connection)
