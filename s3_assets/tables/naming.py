"""Errors name the table that they are about: a request knows its object, and not whose it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from s3_assets.broken_files import broken_files_told
from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.tables.table import Table


@contextmanager
def naming(*tables: Table[Any], otherwise: str | None = None) -> Iterator[None]:
    """Add to errors of ours, raised inside, the table that they are about, unless they name one.

    It is the one whose folder the error's place lies in; where none tells, `otherwise`, or else the first of
    those on its connection. A panic of a reader becomes an error of ours before.
    """
    try:
        with broken_files_told():
            yield
    except S3AssetsError as error:
        if error.table is None:
            table = _below(error, tables) or (_beside(error, tables) if otherwise is None else None)
            if table is not None:
                error.at(table=table.name, connection=table.connection.name)
            elif otherwise is not None:
                error.at(table=otherwise)
        raise


def _below(error: S3AssetsError, tables: tuple[Table[Any], ...]) -> Table[Any] | None:
    place = error.location or ""
    # As they are declared: where a table lies in truth, a catalog may have to be asked.
    folders = {each.connection.location.folder(each.settings.path).url: each for each in tables}
    below = [folder for folder in folders if place.startswith(folder)]
    # Of a folder inside of another one, the inner one.
    return folders[max(below, key=len)] if below else None


def _beside(error: S3AssetsError, tables: tuple[Table[Any], ...]) -> Table[Any] | None:
    return next((each for each in tables if error.connection in {None, each.connection.name}), None)
