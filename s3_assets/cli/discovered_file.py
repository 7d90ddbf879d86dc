"""A registry file that discovered entries are added to, all at once."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from s3_assets.cli.places import Place
from s3_assets.cli.registry_file import replace_file
from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.explore.discover import Found
    from s3_assets.registry.models import Registry

_INVENTORIES = "_s3_assets/media"


def add_found(file: Path, place: Place, found: "Sequence[Found]") -> list[str]:
    """Add tables and media sets to the file, and their connection if that is new; the rest stays as it is.

    A media set gets a table for its inventory as well; returns the names of those for which a table of the
    whole connection leaves no room. Raises `SettingError` if the result cannot be loaded or
    would say something else of what is there already; nothing is written then.
    """
    from s3_assets.explore.entry import connection_entry
    from s3_assets.explore.insertion import insert
    from s3_assets.registry.loading import parse_registry

    old = file.read_bytes().decode() if file.exists() else ""
    before = parse_registry(old, file, os.environ) if old.strip() else None
    connection = place.connection.name
    new = old.replace("\r\n", "\n")
    if place.fields is not None:
        if before is not None and connection in before.connections:
            raise SettingError(
                f"there is a connection '{connection}' in {file} already, and it is of another place",
                remedy="Name the connection that reaches it with --connection.",
            )
        fields = place.fields
        new = insert(new, "connections", lambda indent: connection_entry(connection, fields, indent=indent))
    tables = "".join(entry_of(each, place) for each in found if each.kind == "table")
    media = [each for each in found if each.kind == "media"]
    crowded = _whole(place, found, before)
    without = [each.name for each in media if crowded]
    media = [] if crowded else media
    tables += "".join(inventory_of(each, place) for each in media)
    if tables:
        new = insert(new, "tables", lambda indent: _indented(tables, indent))
    sets = "".join(entry_of(each, place) for each in media)
    if sets:
        new = insert(new, "media", lambda indent: _indented(sets, indent))
    after = parse_registry(new, file, os.environ)
    if before is not None and not _kept(before, after):
        raise SettingError(f"the entries cannot be added to {file} as text", remedy="Add them by hand.")
    replace_file(file, new.replace("\n", "\r\n") if "\r\n" in old else new)
    return without


def entry_of(found: "Found", place: Place) -> str:
    """Return the lines of one entry, its evidence as comments."""
    from dataclasses import replace

    from s3_assets.explore.entry import table_entry
    from s3_assets.explore.findings import Finding

    guess = found.guess
    if found.kind == "media":
        guess = replace(guess, settings={**guess.settings, "target": inventory_name(found)})
    evidence = Finding("", found.evidence)
    shown = [each for each in guess.findings if each.evidence not in found.evidence]
    return table_entry(found.name, place.connection.name, replace(guess, findings=(evidence, *shown)))


def inventory_of(found: "Found", place: Place) -> str:
    """Return the lines of the table that a media set is kept in."""
    from s3_assets.explore.entry import scalar

    name = inventory_name(found)
    settings = {
        "connection": place.connection.name,
        "path": f"{_INVENTORIES}/{found.name}/",
        "format": "delta",
    }
    lines = [
        f"  {scalar(name)}:",
        f"    # one row for each object of the media set {found.name}; written by runs",
    ]
    lines += [f"    {field}: {scalar(value)}" for field, value in settings.items()]
    return "\n".join(lines) + "\n"


def inventory_name(found: "Found") -> str:
    """Return the name of the table that a media set is kept in."""
    return f"{found.name}_inventory"


def _whole(place: Place, found: "Sequence[Found]", before: "Registry | None") -> bool:
    """Tell whether a table has the connection's whole folder, so that an inventory would lie inside of it."""
    name = place.connection.name
    tables = before.tables.values() if before is not None else ()
    return any(not each.guess.path for each in found if each.kind == "table") or any(
        each.connection == name and not each.path for each in tables
    )


def _indented(entries: str, indent: str) -> str:
    """Return entries whose steps are two spaces with steps of the file's own."""
    lines = []
    for line in entries.splitlines():
        text = line.lstrip(" ")
        lines.append(indent * ((len(line) - len(text)) // 2) + text)
    return "\n".join(lines) + "\n"


def _kept(before: "Registry", after: "Registry") -> bool:
    return all(
        getattr(after, section).get(name) == settings
        for section in ("connections", "tables", "imports", "media")
        for name, settings in getattr(before, section).items()
    )
