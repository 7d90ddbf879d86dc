"""What is wrong with a registry: each problem with file, line, column, the field's path, a remedy."""

from pathlib import Path

import pytest

from s3_assets.errors import RegistryError
from s3_assets.registry.loading import load_registry, parse_registry

HEAD = """\
connections:
  lake: { url: s3://bucket/ }
tables:
  raw: { connection: lake, path: raw, format: parquet }
  out: { connection: lake, path: out, format: delta }
"""
CASES = {
    "wrong field": (
        HEAD + "  more: { connection: lake, path: m, format: parquet, colums: x }\n",
        "6:55: tables.more.colums: there is no such field; did you mean 'columns'?",
    ),
    "wrong section": (
        "conections: {}\n",
        "1:1: conections: there is no such field; did you mean 'connections'?",
    ),
    "wrong field of partitions": (
        HEAD
        + "  t:\n    connection: lake\n    path: t\n    format: delta\n"
        + "    partitions: { colum: d, start: 2026-01-01 }\n",
        "10:19: tables.t.partitions.colum: there is no such field; did you mean 'column'?",
    ),
    "missing field": (
        HEAD + "  more: { path: m, format: delta }\n",
        "6:3: tables.more.connection: this field is missing; add it",
    ),
    "unknown connection": (
        HEAD + "  more: { connection: lak, path: m, format: delta }\n",
        "6:11: tables.more.connection: there is no connection 'lak'; did you mean 'lake'?",
    ),
    "unknown table": (
        HEAD + "imports:\n  one: { source: rav, target: out }\n",
        "7:10: imports.one.source: there is no table 'rav'; did you mean 'raw'?",
    ),
    "unknown table, nothing alike": (
        HEAD + "imports:\n  one: { source: xyz, target: out }\n",
        "7:10: imports.one.source: there is no table 'xyz'; there are out, raw",
    ),
    "duplicate key": (
        "connections:\n  lake: { url: s3://bucket/ }\n  lake: { url: s3://other/ }\n",
        "3:3: connections.lake: this key stands here twice; remove one of them",
    ),
    "duplicate field": (
        "connections:\n  lake:\n    url: s3://bucket/\n    url: s3://other/\n",
        "4:5: connections.lake.url: this key stands here twice; remove one of them",
    ),
    "two imports with one target": (
        HEAD + "imports:\n  one: { source: raw, target: out }\n  two: { source: raw, target: out }\n",
        "8:23: imports.two.target: the import 'one' writes 'out' already; give each a target of its own",
    ),
    "source is target": (
        HEAD + "imports:\n  one: { source: out, target: out }\n",
        "7:23: imports.one.target: source and target are one table; name another target",
    ),
    "two tables at one place": (
        HEAD
        + "  again: { connection: lake, path: out/, format: delta }\n"
        + "imports:\n  one: { source: raw, target: out }\n",
        "5:28: tables.out.path: the tables 'again' and 'out' are at one place; give each its own path",
    ),
    "a table inside another": (
        HEAD
        + "  inner: { connection: lake, path: out/inner, format: delta }\n"
        + "imports:\n  one: { source: raw, target: out }\n",
        "6:30: tables.inner.path: the tables 'out' and 'inner' lie inside each other; give each its own path",
    ),
    "a table inside another, behind a third": (
        HEAD
        + "  aaa: { connection: lake, path: raw/aaa, format: parquet }\n"
        + "  bbb: { connection: lake, path: raw/bbb, format: delta }\n"
        + "imports:\n  one: { source: aaa, target: bbb }\n",
        "7:28: tables.bbb.path: the tables 'raw' and 'bbb' lie inside each other; give each its own path",
    ),
    "bad format": (
        HEAD + "  more: { connection: lake, path: m, format: detla }\n",
        "6:38: tables.more.format: this must be one of 'delta', 'iceberg', 'parquet', 'avro', 'csv', ",
    ),
    "no format": (
        HEAD + "  more: { connection: lake, path: m }\n",
        "6:3: tables.more.format: this field is missing; add it",
    ),
    "bad name": (
        HEAD + "  a-b: { connection: lake, path: m, format: delta }\n",
        "6:3: tables.a-b: this is not a name; use letters, digits, _ and / between parts",
    ),
    "missing environment variable": (
        "connections:\n  lake: { url: { env: NOT_THERE } }\n",
        "2:11: connections.lake.url: the environment variable NOT_THERE is not set; set it, or add a default",
    ),
    "not a variable's name": (
        "connections:\n  lake: { url: { env: 's3://bucket/' } }\n",
        "2:18: connections.lake.url.env: this is not the name of an environment variable; write the name",
    ),
    "wrong YAML": ("connections:\n  lake: { url: s3://bucket/\n", "3:1: this is not YAML: "),
    "a tab": ("connections:\n\tlake: {}\n", "2:1: this is not YAML: found character"),
    "unknown tag": (
        HEAD + "imports: !vault x\n",
        "6:1: imports: this is a tag that a registry does not know; put the value into quotes",
    ),
    "impossible date": (
        HEAD + "imports: 2026-02-30\n",
        "6:1: imports: this is no value that YAML knows (day is out of range for month)",
    ),
    "refers to itself": ("tables: &t { a: *t }\n", "1:14: tables.a: this refers to itself"),
    "a list as a key": ("tables:\n  ? [a, b]\n  : c\n", "2:5: tables.?: a key is one word"),
    "a list": (
        "- connections\n",
        "1:1: the registry: the file must hold the keys connections, tables, imports",
    ),
    "text": ("hello\n", "1:1: the registry: the file must hold the keys connections, tables, imports"),
    "wrong type of a section": ("tables: 5\n", "1:1: tables: this should be a mapping"),
    "wrong type of an entry": ("tables:\n  a: [1]\n", "2:3: tables.a: this should be a mapping"),
    "wrong type of a connection": ("connections:\n  a: x\n", "2:3: connections.a: this should be a mapping"),
    "wrong type of a field": (
        "watch: { every_seconds: soon }\n",
        "1:10: watch.every_seconds: this should be a valid integer",
    ),
    "wrong kind of code": ("code: demo.py\n", "1:1: code: this should be a valid tuple"),
    "no such code": ("code: [no/such.py]\n", "1:8: code.0: there is no file 'no/such.py' beside"),
    "wrong URL": (
        "connections:\n  lake: { url: https://bucket/ }\n",
        "2:11: connections.lake.url: 'https://bucket/' is not an S3 URL. Write s3://bucket/",
    ),
    "a path that leaves": (
        HEAD + "  more: { connection: lake, path: ../m, format: delta }\n",
        "6:29: tables.more.path: the path '../m' leaves its folder. Write it without '..'.",
    ),
    "unknown auth": (
        "connections:\n  lake: { url: s3://bucket/, auth: { type: acess_key } }\n",
        "2:38: connections.lake.auth.type: this must be one of 'default', 'iam_role', 'access_key', ",
    ),
    "partitions that a string cannot carry": (
        HEAD
        + "  t:\n    connection: lake\n    path: t\n    format: delta\n"
        + "    partitions: { column: d, start: 2026-01-01, format: '%d.%m.%Y' }\n",
        "10:49: tables.t.partitions.format: table 't': the partition column 'd' cannot carry partitions",
    ),
    "a replacement of partitions by a source without any": (
        HEAD
        + "  daily:\n    connection: lake\n    path: d\n    format: delta\n"
        + "    partitions: { column: day, start: 2026-01-01 }\n"
        + "imports:\n  one: { source: raw, target: daily, mode: replace }\n",
        "12:38: imports.one.mode: replace reads the partitions of the run, and 'raw' declares none; add",
    ),
    "an append of what is there now": (
        HEAD + "imports:\n  one: { source: raw, target: out, read_mode: current }\n",
        "7:36: imports.one.read_mode: mode 'append' reads 'added', not 'current'; leave read_mode out",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=list(CASES))
def test_problem(text: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(text)

    with pytest.raises(RegistryError) as caught:
        load_registry(file, environment={})

    assert f"{file}:{expected}" in str(caught.value)
    # Nothing is chained that Dagster would show, and that may quote the file.
    assert caught.value.__cause__ is None


def test_every_problem_is_listed() -> None:
    text = "connections: { a: {}, b: { url: x } }\ntables: { c: { format: delta } }\n"

    with pytest.raises(RegistryError) as caught:
        parse_registry(text, Path("registry.yaml"), {})

    assert [problem.partition(" ")[0] for problem in caught.value.problems] == [
        "registry.yaml:1:16:",
        "registry.yaml:1:28:",
        "registry.yaml:2:11:",
        "registry.yaml:2:11:",
    ]


def test_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(RegistryError, match=r"there is no s3_assets\.yaml in .* Write one"):
        load_registry()
    with pytest.raises(RegistryError, match=r"nowhere\.yaml cannot be read \(No such file"):
        load_registry("nowhere.yaml")


def test_not_text(tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_bytes(b"connections: \xff")

    with pytest.raises(RegistryError, match=r"is not UTF-8: byte 13 cannot be read\. Save it as UTF-8\."):
        load_registry(file)
    file.write_bytes(b"connections: \x00")
    with pytest.raises(RegistryError, match="characters that no YAML may have"):
        load_registry(file)
