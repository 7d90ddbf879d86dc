"""Positions as cursor files spell them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from s3_assets.tables.positions import (
    FilesPosition,
    ModifiedPosition,
    Partly,
    PathPosition,
    Position,
    StatePosition,
    VersionPosition,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl


def write_position(position: Position) -> dict[str, Any]:
    """Return the position as JSON holds it, without its files: these are in the ledger."""
    match position:
        case VersionPosition(version, table_id, None):
            return {"kind": "version", "version": version, "table_id": table_id}
        case VersionPosition(version, table_id, Partly(files, of_snapshot)):
            partly = {"files": files, "of_snapshot": of_snapshot}
            return {"kind": "version", "version": version, "table_id": table_id, "partly": partly}
        case FilesPosition():
            return {"kind": "files"}
        case PathPosition(path):
            return {"kind": "path", "path": path}
        case ModifiedPosition(modified, _, known_from):
            return {
                "kind": "modified",
                "modified": modified.isoformat(),
                "known_from": known_from.isoformat(),
            }
        case StatePosition(token):
            return {"kind": "state", "token": token}
    raise TypeError(f"not a position: {position!r}")


def read_position(text: Mapping[str, Any], ledger: Callable[[], pl.DataFrame]) -> Position:
    """Return what `write_position` wrote; `ledger` reads its files. Raises `KeyError` for what is none."""
    kind = text["kind"]
    if kind == "version":
        partly = Partly(**text["partly"]) if text.get("partly") else None
        return VersionPosition(text["version"], text["table_id"], partly)
    if kind == "files":
        return FilesPosition(ledger())
    if kind == "path":
        return PathPosition(text["path"])
    if kind == "modified":
        modified, known_from = (datetime.fromisoformat(text[name]) for name in ("modified", "known_from"))
        return ModifiedPosition(modified, ledger(), known_from)
    if kind == "state":
        return StatePosition(text["token"])
    raise KeyError(kind)
