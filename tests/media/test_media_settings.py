"""Media sets in a registry: what does not fit together is told with its place."""

from pathlib import Path

import pytest

from s3_assets.errors import RegistryError
from s3_assets.media.selection import MediaSelection
from s3_assets.permissions.folders import folders_of
from s3_assets.registry import Registry
from s3_assets.registry.loading import parse_registry

HEAD = """\
connections: { s3: { url: s3://bucket/ }, other: { url: s3://other/ } }
tables:
  raw: { connection: s3, path: raw, format: parquet }
  text: { connection: s3, path: text, format: csv }
  taken: { connection: s3, path: taken, format: delta }
  dated: { connection: s3, path: dated, format: delta, partitions: { column: day, start: 2026-01-01 } }
  inside: { connection: s3, path: in/table, format: delta }
  out: { connection: s3, path: out, format: delta }
  out2: { connection: s3, path: out2, format: delta }
imports: { orders: { source: raw, target: taken, schedule: "@daily" } }
media:
"""


def parsed(text: str) -> Registry:
    return parse_registry(HEAD + text, Path("/where/r.yaml"), {})


def test_a_media_set_of_a_registry() -> None:
    registry = parsed(
        """\
  a:
    connection: s3
    path: in
    extensions: [jpg]
    exclude: [tmp/**]
    target: out
    schedule: "@daily"
    copy_to: { connection: other, path_prefix: copies, canned_acl: private, on_deleted: delete }
  b: { connection: s3, path: in, target: out2, on_deleted: remove, max_deleted: 3, batch: 7 }
"""
    )

    first, second = registry.media_set("a"), registry.media_set("b")
    assert (registry.media["a"].on_new_data, registry.media["b"].on_new_data) == (False, True)
    assert first.source.selection == MediaSelection((), ("jpg",), ("tmp/**",))
    assert first.copies is not None
    assert (first.copies.location.url, first.copies.on_deleted) == ("s3://other/copies/", "delete")
    assert first.copies.options.canned_acl == "private"
    assert (second.copies, second.on_deleted, second.max_deleted, second.batch) == (None, "remove", 3, 7)
    assert registry.targets == {"taken", "out", "out2"}
    written = {
        folder.location.url
        for name in ("s3", "other")
        for folder in folders_of(registry, name)
        if folder.written
    }
    assert written == {"s3://bucket/taken/", "s3://bucket/out/", "s3://bucket/out2/", "s3://other/copies/"}


@pytest.mark.parametrize(
    ("entry", "place", "said"),
    [
        ("target: outt", "a.target", "did you mean 'out'"),
        ("target: taken", "a.target", "the import 'orders' writes 'taken' already"),
        ("target: text", "a.target", "csv, which keeps no inventory"),
        ("target: dated", "a.target", "no column of an inventory"),
        ("target: inside", "a.target", "lie in one another"),
        ("target: out, path: /in", "a.path", "starts with a slash"),
        ("target: out, patterns: ['/x']", "a.patterns", "fits nothing"),
        ("target: out, extensions: ['*.jpg']", "a.extensions", "not an extension"),
        (
            "target: out, copy_to: { connection: s4, path_prefix: c }",
            "a.copy_to.connection",
            "there is no connection 's4'",
        ),
        (
            "target: out, copy_to: { connection: s3, path_prefix: in/c }",
            "a.copy_to.path_prefix",
            "choose another",
        ),
        (
            "target: out, copy_to: { connection: s3, path_prefix: out }",
            "a.copy_to.path_prefix",
            "the table 'out'",
        ),
        (
            "target: out, copy_to: { connection: s3, path_prefix: ../c }",
            "a.copy_to.path_prefix",
            "leaves its folder",
        ),
        ("target: out, on_delete: mark", "a.on_delete", "did you mean 'on_deleted'"),
    ],
)
def test_what_does_not_fit_together(entry: str, place: str, said: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parsed(f"  a: {{ connection: s3, {'' if 'path: ' in entry else 'path: in, '}{entry} }}\n")

    assert any(f"media.{place}" in each and said in each for each in caught.value.problems), (
        caught.value.problems
    )


def test_two_media_sets_and_an_import_that_meet() -> None:
    copies = "copy_to: { connection: other, path_prefix: copies"
    with pytest.raises(RegistryError) as caught:
        parsed(
            f"  a: {{ connection: s3, path: in, extensions: [jpg], target: out, {copies} }} }}\n"
            f"  b: {{ connection: s3, path: more, target: out, {copies}/b }} }}\n"
            "  orders: { connection: s3, path: third, target: out2, schedule: '@daily' }\n"
        )

    found = "\n".join(caught.value.problems)
    assert "the media set 'a' writes 'out' already" in found
    assert "the copies and the copies of the media set 'a' lie in one another" in found
    assert "its name in Dagster would be that of the import 'orders'" in found


@pytest.mark.parametrize(
    ("selection", "path", "taken"),
    [
        (MediaSelection(), "a/b.jpg", True),
        (MediaSelection(), "a/", False),
        (MediaSelection(), "a/_s3_assets/b.jpg", False),
        (MediaSelection(extensions=(".JPG",)), "b.jPg", True),
        (MediaSelection(extensions=("jpg",)), "jpg", False),
        (MediaSelection(patterns=("*.jpg",)), "a/b/c.jpg", True),
        (MediaSelection(patterns=("a/*.jpg",)), "a/b/c.jpg", False),
        (MediaSelection(patterns=("a/**/*.jpg",)), "a/b/c.jpg", True),
        (MediaSelection(patterns=("a/**/*.jpg",)), "a/c.jpg", True),
        (MediaSelection(patterns=("a/**",)), "a/b/[x].jpg", True),
        (MediaSelection(patterns=("?.jpg",)), "ab.jpg", False),
        (MediaSelection(patterns=("[x].jpg",)), "x.jpg", False),
        (MediaSelection(patterns=("*.jpg",), exclude=("tmp/**",)), "tmp/a.jpg", False),
    ],
)
def test_a_selection(selection: MediaSelection, path: str, *, taken: bool) -> None:
    assert selection.takes(path) is taken
