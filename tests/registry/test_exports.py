"""Exports as the registry declares them: short forms, keys, what does not fit together, and with whom."""

from pathlib import Path
from typing import Any

import pytest

from s3_assets.connection import S3Connection
from s3_assets.errors import RegistryError
from s3_assets.exports.formats import CsvFormat
from s3_assets.exports.split import Split
from s3_assets.exports.units import ExportMode
from s3_assets.registry import ExportSettings, Registry
from s3_assets.registry.loading import parse_registry
from s3_assets.tables.positions import Limit
from s3_assets.tables.settings import DeltaSettings

KMS = "encryption: { client_side: { kms_key_id: some-key } }"
HEAD = f"""\
connections:
  s3: {{ url: s3://bucket/base/ }}
  same: {{ url: s3://bucket/ }}
  elsewhere: {{ url: s3://bucket/base/, endpoint: "http://localhost:1" }}
  secret: {{ url: s3://bucket/secret/, {KMS} }}
tables:
  raw: {{ connection: s3, path: raw, format: parquet }}
  dated: {{ connection: s3, path: dated, format: parquet, partitions: {{ column: day, start: 2026-01-01 }} }}
  hourly:
    connection: s3
    path: hourly
    format: parquet
    partitions: {{ column: at, every: hour, start: 2026-01-01, timezone: Europe/Berlin }}
  out: {{ connection: s3, path: lake/out, format: delta }}
  inventory: {{ connection: s3, path: inventory, format: delta }}
imports:
  clocked: {{ source: raw, target: out, schedule: "@daily" }}
media:
  scans:
    connection: s3
    path: scans
    target: inventory
    copy_to: {{ connection: s3, path_prefix: copies }}
exports:
"""
LINE = HEAD.count("\n") + 1


def parsed(text: str) -> Registry:
    return parse_registry(HEAD + text, Path("/where/r.yaml"), {})


def problems(text: str) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        parsed(text)
    return list(caught.value.problems)


def test_everything_at_once() -> None:
    registry = parsed(
        """\
  partner/orders:
    source: raw
    connection: secret
    path_prefix: to/them
    key: "{year}/{stream_run_id}/{part}.{extension}"
    mode: incremental
    format: { format: csv, compression: gzip, delimiter: ";" }
    split: { rows: 1000, bytes: 5000000 }
    object: { storage_class: STANDARD_IA, tags: { team: sales } }
    empty: file
    filters: { drop: [secret], digest: { email: { salt: { file: salt.txt } } } }
    on_gap: full_refresh
    batch: { files: 10 }
    max_batches: 2
    schedule: "@daily"
    owners: [team:sales]
    tags: { tier: gold }
    group: partners
    description: What they asked for.
"""
    )

    settings, export = registry.exports["partner/orders"], registry.export("partner/orders")
    assert settings.on_new_data is False
    assert (settings.owners, settings.tags, settings.group) == (
        ("team:sales",),
        {"tier": "gold"},
        "partners",
    )
    assert export.name == "partner/orders"
    assert export.destination.location.url == "s3://bucket/secret/to/them/"
    assert str(export.template) == "{year}/{stream_run_id}/{part}.{extension}"
    assert export.format == CsvFormat(compression="gzip", delimiter=";")
    assert (export.mode, export.split) == (ExportMode.INCREMENTAL, Split(1000, 5_000_000))
    assert (export.options.storage_class, export.options.tags) == ("STANDARD_IA", {"team": "sales"})
    assert (export.success, export.empty, export.on_gap) == (False, "file", "full_refresh")
    assert (export.limit, export.max_batches) == (Limit(10), 2)
    assert export.read_source.name == "raw"
    assert export.filters is not None
    assert export.filters.drop == ("secret",)
    assert export.filters.digest["email"].salt.file == Path("/where/salt.txt")  # type: ignore[union-attr]
    assert Registry.model_validate(registry.model_dump(exclude_unset=True)) == registry


def test_the_same_in_python() -> None:
    registry = Registry(
        connections={"s3": S3Connection(url="s3://bucket/")},
        tables={"raw": DeltaSettings(connection="s3", path="raw")},
        exports={"one": ExportSettings(source="raw", connection="s3", format=CsvFormat())},
    )

    assert registry.export("one").format == CsvFormat()
    with pytest.raises(RegistryError, match="there is no export 'on'; did you mean 'one'"):
        registry.export("on")


@pytest.mark.parametrize("name", ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "avro"])
def test_formats_by_their_names(name: str) -> None:
    export = parsed(f"  one: {{ source: raw, connection: s3, format: {name} }}\n").export("one")

    assert export.format.extension == name


@pytest.mark.parametrize(
    ("settings", "mode", "key"),
    [
        ("source: raw", "full", "{stream_name}/part-{part}.{extension}"),
        ("source: dated", "partitions", "{stream_name}/{partition_key}/part-{part}.{extension}"),
        ("source: dated, mode: full", "full", "{stream_name}/part-{part}.{extension}"),
        (
            "source: dated, mode: incremental",
            "incremental",
            "{stream_name}/{date_time}/part-{part}.{extension}",
        ),
        ("mode: partitions", "partitions", "{stream_name}/{partition_key}/part-{part}.{extension}"),
        (
            "success_file: true, source: dated",
            "partitions",
            "{stream_name}/{partition_key}/part-{part}.{extension}",
        ),
        ("description: of the code", "full", "{stream_name}/part-{part}.{extension}"),
    ],
)
def test_modes_and_their_keys(settings: str, mode: str, key: str) -> None:
    registry = parsed(f"  one: {{ {settings}, connection: s3, format: csv }}\n")

    assert registry.export_mode("one") == mode
    assert (registry.export("one").mode, str(registry.export("one").template)) == (mode, key)


def test_new_data_starts_what_has_a_source_and_no_schedule() -> None:
    def starts(**more: Any) -> bool:
        return ExportSettings.model_validate({"connection": "a", "format": "csv", **more}).on_new_data

    assert starts(source="raw")
    assert not starts()
    assert not starts(source="raw", schedule="@hourly")
    assert starts(source="raw", schedule="@hourly", on_new_data=True)


RAW, DATED = "source: raw, connection: s3, format: csv", "source: dated, connection: s3, format: csv"
INCREMENTAL = f"{RAW}, mode: incremental"
CODE = "connection: s3, format: csv"
PROBLEMS: dict[str, tuple[str, str]] = {
    "an unknown macro": (f'{RAW}, key: "{{dat}}"', "key: there is no macro {dat}. Did you mean {date}?"),
    "an open brace": (f'{RAW}, key: "a{{date"', "key: 'a{date' has a '{' without the other brace"),
    "no part": (f"{RAW}, key: a.csv, split: {{ rows: 5 }}", "key: split makes several files"),
    "no part for batches": (
        f'{INCREMENTAL}, key: "{{date_time}}", batch: {{ files: 1 }}',
        "key: batch makes several commits of a run",
    ),
    "a partition of nothing": (f'{RAW}, key: "{{partition_key}}"', "key: mode 'full' has no {partition_key}"),
    "one key for all partitions": (f"{DATED}, key: a.csv", "key: the partitions would have one key; put"),
    "one key for the days of a month": (
        f'{DATED}, key: "{{cursor_year}}/{{cursor_month}}.csv"',
        "key: the partitions would have one key; put",
    ),
    "the day of the load": (f'{DATED}, key: "{{date}}.csv"', "key: the partitions would have one key; put"),
    "an hour that comes twice": (
        'source: hourly, connection: s3, format: csv, key: "{cursor_date_time}.csv"',
        "key: the partitions would have one key; put",
    ),
    "partitions of code": (
        f'{CODE}, mode: partitions, key: "{{cursor_date_time}}"',
        "key: the partitions would have one key; put",
    ),
    "one key for all runs": (f'{INCREMENTAL}, key: "{{date}}.csv"', "key: the runs would have one key; put"),
    "parts of all runs": (f'{INCREMENTAL}, key: "{{part}}.csv"', "key: the runs would have one key; put"),
    "a URL": (f'{RAW}, key: "s3://b/{{date}}.csv"', "key: the key is a URL; write the path below"),
    "an absolute key": (
        f'{RAW}, key: "/{{date}}.csv"',
        "key: the key begins with a slash; write '{date}.csv'",
    ),
    "a folder": (f'{RAW}, key: "{{date}}/"', "key: the key ends with a slash, and is that of a folder"),
    "a way out": (f'{RAW}, key: "../{{date}}.csv"', "key: the key has a segment '.' or '..'"),
    "an empty segment": (f'{RAW}, key: "a//{{date}}.csv"', "key: the key has two slashes side by side"),
    "an empty key": (f'{RAW}, key: ""', "key: the key is empty; write one such as {stream_name}"),
    "our own folder": (f"{RAW}, key: a/_s3_assets/b.csv", "key: the key lies below _s3_assets/"),
    "a hidden file": (f'{RAW}, key: ".{{date}}.csv"', "key: the key has the name '.x.csv', which readers"),
    "a brace": (f'{RAW}, key: "{{{{a.csv"', "key: the key has a '{', which AWS lists among the characters"),
    "a tilde": (f'{RAW}, key: "~a.csv"', "key: the key has a '~', which AWS lists among the characters"),
    "a percent sign": (f'{RAW}, key: "50%.csv"', "key: the key has a '%', which AWS lists among"),
    "a wildcard": (
        f'{RAW}, key: "a*.csv"',
        "key: the key has a '*': engines and shells take it for a wildcard",
    ),
    "a plus": (f'{RAW}, key: "a+b.csv"', "key: the key has a '+': tools that decode keys as web forms"),
    "our own escape": (
        f'{RAW}, key: "a!.csv"',
        "key: the key has a '!': it marks the characters of partition",
    ),
    "a tab": (f'{RAW}, key: "a\\tb.csv"', "key: the key has the character U+0009, which cannot be seen"),
    "an invisible space": (
        f'{RAW}, key: "a\\u200bb.csv"',
        "key: the key has the character U+200B, which cannot",
    ),
    "two spaces": (f'{RAW}, key: "a  b.csv"', "key: the key has a space beside another"),
    "a space before a slash": (f'{RAW}, key: "a /b.csv"', "key: the key has a space beside another, or at"),
    "an accent of its own": (f'{RAW}, key: "Ko\\u0308ln.csv"', "key: the key has letters whose accents are"),
    "a long key": (
        f'{RAW}, key: "{"x" * 1010}{{date}}"',
        "key: keys have at least 1,025 bytes, and S3 takes 1,024",
    ),
    "another extension": (
        f"{RAW}, key: a.parquet",
        "key: the key ends in .parquet, and files are csv; end it",
    ),
    "a packed name": (f"{RAW}, key: a.csv.gz", "key: the key ends in .csv.gz, and files are csv; end it in"),
    "packed by another name": (
        f"{RAW}, key: a.log.gz",
        "key: the key ends in .gz, and files are csv; end it in",
    ),
    "a plain name": (
        "source: raw, connection: s3, format: csv.gz, key: a.csv",
        "key: the key ends in .csv, and files are csv.gz; end it in .{extension}",
    ),
    "a _SUCCESS for two partitions": (
        f'{DATED}, key: "a/{{partition_key}}.csv", success_file: true',
        "key: several units would share the _SUCCESS of their folder",
    ),
    "a _SUCCESS for two days": (
        f'{RAW}, key: "a/{{date}}.csv", success_file: true',
        "key: several units would share the _SUCCESS of their folder",
    ),
    "a _SUCCESS for two runs": (
        f'{INCREMENTAL}, key: "{{date}}/{{part}}.csv", success_file: true',
        "key: several units would share the _SUCCESS of their folder",
    ),
    "rows by the name of _SUCCESS": (
        f"{RAW}, key: a/_SUCCESS, success_file: true",
        "key: the key has the name '_SUCCESS', which readers of folders take for hidden",
    ),
    "no source": (
        "source: rav, connection: s3, format: csv",
        "source: there is no table 'rav'; did you mean 'raw'",
    ),
    "no connection": (
        "connection: s4, format: csv",
        "connection: there is no connection 's4'; there are elsewhere,",
    ),
    "a format": (
        "connection: s3, format: csvgz",
        "format: there is no format 'csvgz'; did you mean 'csv.gz'?",
    ),
    "an option of a format": (
        "connection: s3, format: { format: csv, delimter: x }",
        "format.delimter: there is no such field; did you mean 'delimiter'?",
    ),
    "a prefix": (f"{RAW}, path_prefix: /a", "path_prefix: the path '/a' starts with a slash"),
    "an ACL": (f"{RAW}, object: {{ canned_acl: log-delivery-write }}", "object.canned_acl: the canned ACL"),
    "a storage class": (
        f"{RAW}, object: {{ storage_class: COLD }}",
        "object: S3 has no storage class 'COLD'",
    ),
    "an empty split": (f"{RAW}, split: {{}}", "split: give rows, bytes, or both"),
    "partitions of a table without any": (f"{RAW}, mode: partitions", "mode: mode 'partitions' exports the"),
    "a gap of all rows": (
        f"{RAW}, on_gap: full_refresh",
        "on_gap: mode 'full' reads the rows as they are now",
    ),
    "batches of a partition": (
        f"{DATED}, batch: {{ files: 1 }}",
        "batch: mode 'partitions' reads the rows as",
    ),
    "batches of no size": (
        f"{INCREMENTAL}, max_batches: 2",
        "max_batches: nothing says how large a batch is",
    ),
    "filters of code": (
        f"{CODE}, filters: {{ drop: [a] }}",
        "filters: without a source the rows are those of",
    ),
    "a schedule of code": (
        f"{CODE}, schedule: '@daily'",
        "schedule: without a source the rows are those of an",
    ),
    "a sensor of code": (f"{CODE}, on_new_data: true", "on_new_data: without a source the rows are those of"),
    "the folder of a table": (
        f"{RAW}, path_prefix: lake, key: out/a.csv",
        "key: the key 'base/lake/out/a.csv' lies in the folder of the table 'out', 'base/lake/out/'",
    ),
    "the folder of a table by another connection": (
        'connection: same, format: csv, mode: partitions, key: "{partition_key}/raw/a.csv"',
        "key: the key 'base/raw/a.csv' lies in the folder of the table 'raw'",
    ),
    "the copies of a media set": (
        f"{RAW}, path_prefix: copies",
        "key: the key 'base/copies/one/part-00000.csv' lies in the folder of the copies of the media set",
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_does_not_fit_together(case: str) -> None:
    settings, message = PROBLEMS[case]

    (problem,) = problems(f"  one: {{ {settings} }}\n")
    assert problem.startswith(f"/where/r.yaml:{LINE}:")
    assert f"exports.one.{message}" in problem


GOOD = {
    "a name with spaces": f'{RAW}, key: "Sales Report {{iso_date}}.csv"',
    "folders of Hive": f'{RAW}, key: "year={{year}}/month={{month}}/{{part}}.csv"',
    "an address": f'{RAW}, key: "{{stream_name}}@home,(1)&$;\'{{iso_date_time}}.txt"',
    "letters of other scripts": f'{RAW}, key: "Verkäufe/受注/{{date}}.csv"',
    "an extension that no format has": "source: raw, connection: s3, format: csv.gz, key: a.log.gz",
    "files of a day": f'{INCREMENTAL}, key: "{{date}}/{{part}}.csv"',
    "the id of a run": f'{INCREMENTAL}, key: "{{connection_run_id}}.csv"',
    "fields of a moment": f'{INCREMENTAL}, key: "{{date}}/{{hour}}{{minute}}{{second}}.csv"',
    "the start of a partition": f'{DATED}, key: "{{cursor_year}}/{{cursor_month}}/{{cursor_day}}.csv"',
    "an hour by its key": 'source: hourly, connection: s3, format: csv, key: "{partition_key}.csv"',
    "an hour in UTC": 'source: hourly, connection: s3, format: csv, key: "{cursor_iso_date_time}.csv"',
    "a _SUCCESS a day": f'{RAW}, key: "{{date}}/{{part}}.csv", success_file: true',
    "a table's folder on another server": "source: raw, connection: elsewhere, format: csv, key: raw/a.csv",
    "beside a table": f"{RAW}, path_prefix: lake, key: out.csv",
    "the longest key": f'{RAW}, key: "{"x" * 1009}{{date}}"',
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_allowed(case: str) -> None:
    parsed(f"  one: {{ {GOOD[case]} }}\n")


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        (f'{RAW}, key: "{{date}}.csv"', f'{RAW}, key: "{{date}}.csv"', "base/2025_01_01.csv"),
        (
            f'{DATED}, key: "{{partition_key}}/a.csv"',
            f'{RAW}, key: "{{iso_date}}/a.csv"',
            "base/2025-01-01/a.csv",
        ),
        (
            f'{RAW}, path_prefix: x, key: "a/{{date}}.csv"',
            'source: raw, connection: same, format: csv, path_prefix: base/x/a, key: "{date}.csv"',
            "base/x/a/2025_01_01.csv",
        ),
        (
            f"{RAW}, key: a/one.csv, success_file: true",
            f"{RAW}, key: a/two.csv, success_file: true",
            "base/a/_SUCCESS",
        ),
        (f"{RAW}, key: two/part-00000.csv", RAW, "base/two/part-00000.csv"),
    ],
)
def test_keys_that_can_meet(one: str, other: str, key: str) -> None:
    (problem,) = problems(f"  one: {{ {one} }}\n  two: {{ {other} }}\n")

    assert problem.startswith(f"/where/r.yaml:{LINE + 1}:")
    assert f"the exports 'one' and 'two' can both write '{key}'; put {{stream_name}} into the keys" in problem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RAW, RAW),
        (f'{DATED}, key: "{{partition_key}}.csv"', f"{RAW}, key: total.csv"),
        (f'{RAW}, key: "{{date}}.csv"', f'{RAW}, key: "{{iso_date}}.csv"'),
        (
            f'{RAW}, key: "{{date}}.csv"',
            'source: raw, connection: elsewhere, format: csv, key: "{date}.csv"',
        ),
        (f'{RAW}, key: "{{stream_run_id}}.csv"', f'{RAW}, key: "{{stream_run_id}}.csv"'),
    ],
)
def test_keys_that_never_meet(one: str, other: str) -> None:
    parsed(f"  one: {{ {one} }}\n  two: {{ {other} }}\n")


def test_names_that_would_be_one_asset_or_schedule() -> None:
    (table,) = problems("  raw: { source: raw, connection: s3, path_prefix: x, format: csv }\n")
    assert "exports.raw: a table is called so, and both would be one asset; rename the export" in table

    clocked = "{ source: raw, connection: s3, format: csv, schedule: '@daily' }"
    (taken,) = problems(f"  clocked: {clocked}\n")
    assert "exports.clocked.schedule: its name in Dagster would be that of the import 'clocked'" in taken
    (twice,) = problems(f"  a/b: {clocked}\n  a_b: {clocked}\n")
    assert "exports.a_b.schedule: its name in Dagster would be that of the export 'a/b'" in twice
    (bad,) = problems("  a.b: { source: raw, connection: s3, format: csv }\n")
    assert "this is not a name; use letters, digits, _ and / between parts" in bad


def test_files_may_be_encrypted_before_they_are_sent() -> None:
    """Tables cannot: engines read ranges of them."""
    registry = parsed("  one: { source: raw, connection: secret, format: parquet }\n")

    assert registry.export("one").connection.encryption.client_side is not None


def test_the_editors_schema_knows_short_formats() -> None:
    schema = ExportSettings.model_json_schema()["properties"]["format"]

    assert {"enum": ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "avro"], "type": "string"} in schema[
        "anyOf"
    ]
