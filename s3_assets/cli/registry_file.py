"""A registry file that is added to: what it becomes is loaded and compared before it is written."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from s3_assets.cli.places import Place
from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from s3_assets.explore.findings import Guess


def add_table(file: Path, name: str, place: Place, found: "Guess") -> int:
    """Add a table to the file, and its connection if that is new; return the table's line.

    Raises `SettingError` for a name that is taken; nothing is written unless the result can be loaded and
    says of all other tables what it said before.
    """
    from s3_assets.explore.entry import connection_entry, scalar, table_entry
    from s3_assets.explore.insertion import insert
    from s3_assets.registry.file_changes import change_file
    from s3_assets.registry.loading import parse_registry

    line = 0

    def change(old: str) -> str:
        nonlocal line
        before = parse_registry(old, file, os.environ) if old.strip() else None
        if before is not None and name in before.tables:
            raise SettingError(
                f"there is a table '{name}' in {file} already", remedy="Give the new one another --name."
            )
        connection, fields, new = place.connection.name, place.fields, old
        if fields is not None:
            if before is not None and connection in before.connections:
                raise SettingError(
                    f"there is a connection '{connection}' in {file} already, and it is of another place",
                    remedy="Name the connection that reaches it with --connection.",
                )
            new = insert(
                new, "connections", lambda indent: connection_entry(connection, fields, indent=indent)
            )
        new = insert(new, "tables", lambda indent: table_entry(name, connection, found, indent=indent))
        after = parse_registry(new, file, os.environ)
        if before is not None and any(
            after.tables[each] != settings for each, settings in before.tables.items()
        ):
            raise SettingError(f"the entry cannot be added to {file} as text", remedy="Add it by hand.")
        line = _line(new, scalar(name))
        return new

    change_file(file, change)
    return line


def _line(text: str, name: str) -> int:
    section = text.split("\ntables:", 1)[-1]
    above = text[: len(text) - len(section)].count("\n")
    lines = section.splitlines()
    return above + 1 + next(index for index, line in enumerate(lines) if line.strip() == f"{name}:")
