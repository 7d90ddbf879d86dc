"""The registry itself: YAML and Python say the same, names are looked up, and a thousand tables load."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection, SecretReference, Transport
from s3_assets.errors import RegistryError
from s3_assets.movement.imports import ImportMode
from s3_assets.registry import ImportSettings, Registry, WatchSettings, find_registry, load_registry
from s3_assets.registry.loading import parse_registry
from s3_assets.tables.settings import DeltaSettings, ParquetSettings, Partitions
from s3_assets.windows import Every

YAML = """\
code: [own.py]
connections:
  lake:
    url: s3://bucket/base
    endpoint: { env: ENDPOINT, default: "http://127.0.0.1:9000" }
    region: { env: REGION, default: eu-central-1 }
    auth:
      type: access_key
      access_key_id: { env: KEY }
      secret_access_key: { file: /run/secrets/lake }
    transport: { max_retries: 5 }
tables:
  raw/orders:
    connection: lake
    path: raw/orders/
    format: parquet
    columns: { id: int64 }
    partitions: &daily { column: date, every: week, start: 2026-01-05, timezone: Europe/Berlin }
    tags: { tier: raw }
  lake/orders:
    connection: lake
    path: orders
    format: delta
    partitions: *daily
    owners: [team:shop]
  lake/copy: { connection: lake, path: copy, format: delta, partitions: *daily, change_feed: true }
imports:
  orders: { source: raw/orders, target: lake/orders }
  copy: { source: raw/orders, target: lake/copy, mode: replace, on_new_data: false }
watch: { every_seconds: 5 }
"""
DAILY = Partitions(column="date", every=Every.WEEK, start=date(2026, 1, 5), timezone="Europe/Berlin")


def in_python(folder: Path) -> Registry:
    return Registry(
        code=(folder / "own.py",),
        connections={
            "lake": S3Connection(
                url="s3://bucket/base",
                endpoint="http://127.0.0.1:9000",
                region="eu-west-1",
                auth=AccessKeyAuth(
                    access_key_id=SecretReference(env="KEY"),
                    secret_access_key=SecretReference(file=Path("/run/secrets/lake")),
                ),
                transport=Transport(max_retries=5),
            )
        },
        tables={
            "raw/orders": ParquetSettings(
                connection="lake",
                path="raw/orders/",
                columns={"id": "int64"},
                partitions=DAILY,
                tags={"tier": "raw"},
            ),
            "lake/orders": DeltaSettings(
                connection="lake", path="orders", partitions=DAILY, owners=("team:shop",)
            ),
            "lake/copy": DeltaSettings(connection="lake", path="copy", partitions=DAILY, change_feed=True),
        },
        imports={
            "orders": ImportSettings(source="raw/orders", target="lake/orders"),
            "copy": ImportSettings(
                source="raw/orders", target="lake/copy", mode=ImportMode.REPLACE, on_new_data=False
            ),
        },
        watch=WatchSettings(every_seconds=5),
    )


def test_yaml_and_python_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(YAML)
    (tmp_path / "own.py").touch()

    assert load_registry(file, environment={"REGION": "eu-west-1"}) == in_python(tmp_path)


def test_tables_and_imports_by_name(tmp_path: Path) -> None:
    registry = in_python(tmp_path)

    assert registry.table("lake/orders").location.url == "s3://bucket/base/orders/"
    assert registry.table("lake/orders").connection.name == "lake"
    assert registry.import_("orders").stream == "lake/orders/raw/orders"
    with pytest.raises(RegistryError, match="there is no table 'lake/order'; did you mean 'lake/orders'"):
        registry.table("lake/order")
    with pytest.raises(RegistryError, match="there is no import 'order'; did you mean 'orders'"):
        registry.import_("order")


def test_python_registry_is_checked_alike() -> None:
    tables: Any = {"a": DeltaSettings(connection="lake", path="a"), "b": {"format": "delta"}}
    with pytest.raises(RegistryError) as caught:
        Registry(tables=tables)
    assert caught.value.problems == (
        "tables.b.connection: this field is missing; add it",
        "tables.b.path: this field is missing; add it",
    )
    with pytest.raises(RegistryError, match="there is no connection 'lake'; none is declared"):
        Registry(tables={"a": DeltaSettings(connection="lake", path="a")})


def test_sources_may_lie_inside_each_other() -> None:
    """Nothing is written there: a folder may be read as a whole and by its parts."""
    Registry(
        connections={"lake": S3Connection(url="s3://bucket/")},
        tables={
            "all": ParquetSettings(connection="lake", path="events"),
            "part": ParquetSettings(connection="lake", path="events/kind=a"),
        },
    )


def test_neighbours_with_a_common_beginning_are_apart() -> None:
    Registry(
        connections={"lake": S3Connection(url="s3://bucket/"), "deep": S3Connection(url="s3://bucket/a/")},
        tables={
            "one": ParquetSettings(connection="lake", path="a"),
            "two": DeltaSettings(connection="lake", path="ab"),
            "three": DeltaSettings(connection="lake", path="a_b"),
        },
        imports={
            "one": ImportSettings(source="one", target="two"),
            "other": ImportSettings(source="one", target="three"),
        },
    )


def test_one_place_through_two_connections() -> None:
    with pytest.raises(RegistryError, match=r"the tables '.*' and '.*' are at one place"):
        Registry(
            connections={
                "lake": S3Connection(url="s3://bucket/"),
                "deep": S3Connection(url="s3://bucket/a/"),
            },
            tables={
                "source": ParquetSettings(connection="lake", path="source"),
                "one": DeltaSettings(connection="lake", path="a/b"),
                "two": DeltaSettings(connection="deep", path="b/"),
            },
            imports={"one": ImportSettings(source="source", target="two")},
        )


def test_empty_sections_are_left_out() -> None:
    assert parse_registry("connections:\ntables:\nimports:\n", Path("r.yaml"), {}) == Registry()
    assert parse_registry("", Path("r.yaml"), {}) == Registry()


def test_names_are_read_as_they_are_written() -> None:
    text = "connections: { on: { url: s3://bucket/ } }\n"
    text += "tables: { 2026: { connection: 'on', path: a, format: delta } }"

    registry = parse_registry(text, Path("r.yaml"), {})

    assert list(registry.connections) == ["on"]
    assert list(registry.tables) == ["2026"]


def test_found_above_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s3_assets.yaml").write_text("connections: {}\n")
    (tmp_path / "other.yaml").write_text("connections: {}\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert find_registry() == tmp_path / "s3_assets.yaml"
    monkeypatch.setenv("S3_ASSETS_REGISTRY", str(tmp_path / "other.yaml"))
    assert find_registry() == tmp_path / "other.yaml"


def many(count: int) -> str:
    lines = ["connections:", "  lake: { url: s3://bucket/ }", "tables:"]
    for index in range(count):
        lines += [
            f"  raw/table_{index}: {{ connection: lake, path: raw/{index}, format: parquet }}",
            f"  lake/table_{index}:",
            "    connection: lake",
            f"    path: lake/{index}",
            "    format: delta",
            "    partitions: { column: date, start: 2026-01-01 }",
        ]
    lines.append("imports:")
    lines += [
        f"  import_{index}: {{ source: raw/table_{index}, target: lake/table_{index} }}"
        for index in range(count)
    ]
    return "\n".join(lines)


def test_a_thousand_tables_need_no_network_and_no_engine(tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(many(500))
    program = (
        "import json, socket, sys, time\n"
        "def refuse(*_): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "begin = time.monotonic()\n"
        "from s3_assets.registry import load_registry\n"
        f"registry = load_registry({str(file)!r})\n"
        "for name in registry.tables: registry.table(name)\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "heavy = {'polars', 'deltalake', 'obstore', 'pyarrow', 'boto3', 'botocore', 'dagster'}\n"
        "print(json.dumps([len(registry.tables), sorted(loaded & heavy), time.monotonic() - begin]))\n"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    tables, heavy, seconds = json.loads(answer.stdout)
    print(f"{tables} tables in {seconds:.2f} s, imports included")  # noqa: T201 - reported, not asserted
    assert tables == 1000
    assert heavy == []


def test_loading_stays_linear() -> None:
    """Calls are counted instead of seconds, so that a busy machine changes nothing."""

    def calls(count: int) -> int:
        text = many(count)
        counted = 0

        def see(_frame: object, event: str, _argument: object) -> None:
            nonlocal counted
            counted += event in {"call", "c_call"}

        sys.setprofile(see)
        try:
            parse_registry(text, Path("registry.yaml"), {})
        finally:
            sys.setprofile(None)
        return counted

    calls(10)

    assert calls(400) < 10 * calls(50)
