"""Entries that are added to a registry's file: beside hand edits, by several at once, and each data once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from s3_assets.errors import SettingError
from s3_assets.explore.discover import Found
from s3_assets.explore.discover_known import Lies, server_of
from s3_assets.explore.findings import Guess
from s3_assets.registry import Registry
from s3_assets.registry.additions import add_found
from s3_assets.registry.file_changes import change_file
from s3_assets.registry.loading import load_registry

CONNECTION = "connections:\n  shop: { url: s3://shop/, endpoint: http://localhost:9000, region: us-east-1 }\n"
FILES = {
    "comments": f"# ours\n{CONNECTION}tables:\n  a:  # first\n    connection: shop\n    path: a\n"
    "    format: csv\n      # of a, too\n  # of the section\n\nwatch: { every_seconds: 30 }  # end\n",
    "anchors": f"{CONNECTION}tables: &all\n    a:\n        connection: shop\n        format: csv\n"
    "        path: a\n        partitions: &daily { column: day, start: 2026-01-05 }\n"
    "    b:\n        { connection: shop, path: b, format: csv, partitions: *daily }\n",
    "no newline": f"{CONNECTION}tables:\n  a: {{ connection: shop, path: a, format: csv }}",
    "windows": f"{CONNECTION}tables:\n  a: {{ connection: shop, path: a, format: csv }}\n".replace(
        "\n", "\r\n"
    ),
    "mixed": f"# one\r\n{CONNECTION}tables:\r\n  a: {{ connection: shop, path: a, format: csv }}\n# two\r\n",
    "mark": f"\ufeff{CONNECTION}",
    "empty section": f"{CONNECTION}tables:  # none yet\nimports: {{}}\n",
}


def connection(**fields: Any) -> Any:
    told = {"url": "s3://shop/", "endpoint": "http://localhost:9000", "region": "us-east-1", **fields}
    sections: dict[str, Any] = {"connections": {"shop": told}}
    return Registry(**sections).connections["shop"]


def found(name: str, path: str | None = None) -> Found:
    path = f"{path or name}/"
    guess = Guess({"path": path, "format": "csv"}, pl.Schema(), (), "looked at 1 file")
    return Found(name, "table", f"s3://shop/{path}", guess, "1 file of .csv", Lies(path, (f"{path}x.csv",)))


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_the_rest_stays_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_bytes(text.encode())
    before = load_registry(file)

    add_found(file, connection(), [found("new/one")])
    once = file.read_bytes()
    again = add_found(file, connection(), [found("new/one"), found("other", "new/one")])

    after = load_registry(file)
    assert {name: after.tables[name] for name in before.tables} == before.tables
    assert set(after.tables) - set(before.tables) == {"new/one"}
    lines = iter(once.decode().splitlines(keepends=True))
    assert all(line in lines for line in text.splitlines(keepends=True)[:-1])
    assert (again.found, again.known, file.read_bytes()) == ((), ("new/one", "other"), once)
    if text == FILES["windows"]:
        assert once.count(b"\r\n") == once.count(b"\n")


def test_comments_stay_with_their_entry(tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(FILES["comments"])

    add_found(file, connection(), [found("b")])

    text = file.read_text()
    assert text.index("# of a, too") < text.index("  b:") < text.index("# of the section")


def test_two_at_once(tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(CONNECTION)
    lists = [[found(f"t{number}"), found("same")] for number in range(6)]

    with ThreadPoolExecutor(6) as pool:
        added = list(pool.map(lambda each: add_found(file, connection(), each), lists))

    assert set(load_registry(file).tables) == {*(f"t{number}" for number in range(6)), "same"}
    assert sum(len(each.found) for each in added) == 7
    assert [each.name for each in tmp_path.iterdir()] == ["s3_assets.yaml"]


def test_an_edit_that_is_saved_meanwhile_is_kept(tmp_path: Path) -> None:
    file, link = tmp_path / "real.yaml", tmp_path / "s3_assets.yaml"
    file.write_text("one\n")
    link.symlink_to(file)
    seen = []

    def change(text: str) -> str:
        seen.append(text)
        if len(seen) == 1:
            file.write_text("one\nby hand\n")
        return f"{text}added\n"

    change_file(link, change)

    assert seen == ["one\n", "one\nby hand\n"]
    assert (file.read_text(), link.is_symlink()) == ("one\nby hand\nadded\n", True)


def test_a_file_that_is_never_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"

    def change(text: str) -> str:
        file.write_text(f"{text}by hand\n")
        return "lost"

    with pytest.raises(SettingError, match="changed by somebody else all the time"):
        change_file(file, change)
    assert file.read_text() == "by hand\n" * 5


def test_a_name_that_was_taken_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(f"{CONNECTION}tables:\n  a: {{ connection: shop, path: elsewhere, format: csv }}\n")

    (added,) = add_found(file, connection(), [found("a")]).found

    assert (added.name, load_registry(file).tables["a_2"].path) == ("a_2", "a/")


@pytest.mark.parametrize(
    ("other", "path"),
    [
        ({"url": "s3a://shop"}, "a"),
        ({"url": "s3://shop/a/"}, ""),
        ({"endpoint": "HTTP://127.0.0.1:9000/"}, "a/"),
        ({"addressing_style": "virtual"}, "a"),
    ],
    ids=["scheme", "deeper", "endpoint", "addressing"],
)
def test_the_same_place_told_otherwise(tmp_path: Path, other: dict[str, Any], path: str) -> None:
    file = tmp_path / "s3_assets.yaml"
    file.write_text(CONNECTION)
    fields = {"url": "s3://shop/", "endpoint": "http://localhost:9000", "region": "us-east-1", **other}
    told = ", ".join(f'{name}: "{value}"' for name, value in fields.items())
    file.write_text(
        f"{CONNECTION}  other: {{ {told} }}\n"
        f'tables:\n  mine: {{ connection: other, path: "{path}", format: csv }}\n'
    )

    assert add_found(file, connection(), [found("a")]).known == ("a",)


def test_addresses_of_one_server() -> None:
    aws = (
        None,
        "https://s3.amazonaws.com",
        "https://s3.eu-west-1.amazonaws.com/",
        "https://s3.dualstack.us-east-1.amazonaws.com",
        "https://bucket.vpce-1-2.s3.us-east-1.vpce.amazonaws.com",
    )
    others = ("http://minio", "http://minio:9000", "https://minio", "https://amazonaws.com.example.org")

    assert {server_of(connection(endpoint=each, region=None)) for each in aws} == {"aws"}
    found = [server_of(connection(endpoint=each)) for each in others]
    assert found == ["minio:80", "minio:9000", "minio:443", "amazonaws.com.example.org:443"]
