"""Discovered entries that are added to a registry's file, all at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import SettingError
from s3_assets.explore.discover_known import reader_of
from s3_assets.explore.entry import connection_entry, scalar, table_entry
from s3_assets.explore.findings import Finding
from s3_assets.explore.insertion import insert
from s3_assets.registry.file_changes import change_file
from s3_assets.registry.known import known_of, names_of
from s3_assets.registry.loading import parse_registry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.discover import Found
    from s3_assets.registry.models import Registry

_SECTIONS = ("connections", "tables", "imports", "media", "exports")


class Inventories(NamedTuple):
    """Where the inventories of media sets are to lie: a connection's name, and a folder below its url."""

    connection: str
    path: str = "_s3_assets/media/"


@dataclass(frozen=True)
class Added:
    """What became of entries."""

    found: tuple[Found, ...] = ()
    """Those that were added, under the names that the file gives them."""
    known: tuple[str, ...] = ()
    """Names of those whose data an entry of the file reads already."""
    crowded: tuple[str, ...] = ()
    """Names of media sets whose inventory would lie inside of another table."""


def add_found(
    file: Path,
    connection: S3Connection,
    found: Sequence[Found],
    *,
    fields: Mapping[str, Any] | None = None,
    inventories: Inventories | None = None,
) -> Added:
    """Add tables and media sets to the file; the rest of it stays as it is.

    What the file reads when it is written is not added again, whoever added it. `fields` are those of a
    connection that the file does not have yet. A media set gets a table for its inventory as well, beside its
    objects if `inventories` names no other place. Raises `SettingError` if the result cannot be loaded or
    would say something else of what is there already; nothing is written then.
    """
    added, kept = Added(), inventories or Inventories(connection.name)

    def change(old: str) -> str:
        nonlocal added
        before = parse_registry(old, file, os.environ) if old.strip() else None
        added = _to_add(before, connection, found, kept)
        new = _connected(old, file, before, connection, fields) if fields is not None else old
        new = _inserted(new, added.found, connection, kept)
        if new == old:
            return old
        after = parse_registry(new, file, os.environ)
        if before is not None and not _kept(before, after):
            raise SettingError(f"the entries cannot be added to {file} as text", remedy="Add them by hand.")
        return new

    change_file(file, change)
    return added


def entry_of(found: Found, connection: str) -> str:
    """Return the lines of one entry, its evidence as comments."""
    guess = found.guess
    if found.kind == "media":
        guess = replace(guess, settings={**guess.settings, "target": inventory_name(found)})
    evidence = Finding("", found.evidence)
    shown = [each for each in guess.findings if each.evidence not in found.evidence]
    return table_entry(found.name, connection, replace(guess, findings=(evidence, *shown)))


def entries_of(found: Found, connection: str) -> str:
    """Return all that a registry has to say to read what was found, below the names of its sections."""
    if found.kind == "table":
        return f"tables:\n{entry_of(found, connection)}"
    return f"tables:\n{inventory_of(found, Inventories(connection))}media:\n{entry_of(found, connection)}"


def inventory_of(found: Found, kept: Inventories) -> str:
    """Return the lines of the table that a media set is kept in."""
    settings = {"connection": kept.connection, "path": f"{kept.path}{found.name}/", "format": "delta"}
    lines = [
        f"  {scalar(inventory_name(found))}:",
        f"    # one row for each object of the media set {found.name}; written by runs",
    ]
    lines += [f"    {field}: {scalar(value)}" for field, value in settings.items()]
    return "\n".join(lines) + "\n"


def inventory_name(found: Found) -> str:
    """Return the name of the table that a media set is kept in."""
    return f"{found.name}_inventory"


def _to_add(
    before: Registry | None, connection: S3Connection, found: Sequence[Found], inventories: Inventories
) -> Added:
    known = known_of(before, connection) if before is not None else []
    new = [each for each in found if reader_of(each.lies, known) is None]
    kept = {id(each) for each in new}
    taken = names_of(before) if before is not None else set[str]()
    # A table of the whole connection leaves no room for an inventory that has no connection of its own.
    beside = inventories.connection == connection.name and _whole(connection, new, before)
    crowded = [each.name for each in new if each.kind == "media"] if beside else []
    return Added(
        tuple(_renamed(each, taken) for each in new if each.name not in crowded),
        tuple(each.name for each in found if id(each) not in kept),
        tuple(crowded),
    )


def _renamed(found: Found, taken: set[str]) -> Found:
    """Give another name than those that the file gives; the names that are given are taken, too."""
    number, new = 2, found
    while _names(new) & taken:
        new, number = replace(found, name=f"{found.name}_{number}"), number + 1
    taken |= _names(new)
    return new


def _names(found: Found) -> set[str]:
    return {found.name, inventory_name(found)} if found.kind == "media" else {found.name}


def _connected(
    text: str, file: Path, before: Registry | None, connection: S3Connection, fields: Mapping[str, Any]
) -> str:
    name = connection.name
    if before is not None and name in before.connections:
        raise SettingError(
            f"there is a connection '{name}' in {file} already, and it is of another place",
            remedy="Name the connection that reaches it with --connection.",
        )
    return insert(text, "connections", lambda indent: connection_entry(name, fields, indent=indent))


def _inserted(text: str, found: Collection[Found], connection: S3Connection, inventories: Inventories) -> str:
    media = [each for each in found if each.kind == "media"]
    tables = "".join(entry_of(each, connection.name) for each in found if each.kind == "table")
    tables += "".join(inventory_of(each, inventories) for each in media)
    sets = "".join(entry_of(each, connection.name) for each in media)
    for section, entries in (("tables", tables), ("media", sets)):
        if entries:
            text = insert(text, section, partial(_indented, entries))
    return text


def _whole(connection: S3Connection, found: Sequence[Found], before: Registry | None) -> bool:
    """Tell whether a table has the connection's whole folder, so that an inventory would lie inside of it."""
    tables = before.tables.values() if before is not None else ()
    return any(not each.guess.path for each in found if each.kind == "table") or any(
        each.connection == connection.name and not each.path for each in tables
    )


def _indented(entries: str, indent: str) -> str:
    """Return entries whose steps are two spaces with steps of the file's own."""
    lines = []
    for line in entries.splitlines():
        text = line.lstrip(" ")
        lines.append(indent * ((len(line) - len(text)) // 2) + text)
    return "\n".join(lines) + "\n"


def _kept(before: Registry, after: Registry) -> bool:
    return all(
        getattr(after, section).get(name) == settings
        for section in _SECTIONS
        for name, settings in getattr(before, section).items()
    )
