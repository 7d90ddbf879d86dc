"""What past commits of a Delta table did (Delta Transaction Log Protocol, "Actions")."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from s3_assets.errors import DataFileBrokenError, ObjectMissingError
from s3_assets.objects import Objects
from s3_assets.tables.delta_entries import actions_of, entry_read
from s3_assets.tables.history import OURS, PastCommit
from s3_assets.tables.table import TableVersion
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s3_assets.tables.delta import DeltaTable

_AT_ONCE = 16


def history(table: DeltaTable, limit: int) -> list[PastCommit]:
    """Return the newest commits, newest first; one request each, as far back as the log is kept."""
    newest = table.version().number or 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(partial(past_commit, table), range(newest, max(newest - limit, -1), -1))
        return [commit for commit in found if commit is not None]


def past_commit(table: DeltaTable, version: int) -> PastCommit | None:
    """Return what the commit of that version did, None if the log no longer has it: one request."""
    objects, key = Objects(table.connection), f"{table.location.key}_delta_log/{version:020d}.json"
    try:
        body = objects.get(key)
    except ObjectMissingError:
        return None
    try:
        with entry_read(version, objects.url(key)):
            return parse(version, actions_of(body))
    except DataFileBrokenError as error:
        raise error.at(table=table.name, connection=table.connection.name) from error.__cause__


def parse(version: int, actions: Iterable[Mapping[str, Any]]) -> PastCommit:
    """Tell one commit by its actions; rows that were only moved to other files are not counted."""
    info: Mapping[str, Any] = {}
    added: list[Mapping[str, Any]] = []
    removed = 0
    streams: dict[str, int] = {}
    for action in actions:
        if "commitInfo" in action:
            info = action["commitInfo"]
        elif "add" in action:
            added.append(action["add"])
        elif "remove" in action:
            removed += 1
        elif "txn" in action:
            streams[str(action["txn"]["appId"])] = int(action["txn"]["version"])
    return PastCommit(
        TableVersion(str(version), version),
        _moment(info.get("inCommitTimestamp", info.get("timestamp"))),
        str(info.get("operation", "")),
        rows=_rows(each for each in added if each.get("dataChange", True)),
        files=len(added),
        bytes=sum(int(each.get("size") or 0) for each in added),
        removed_files=removed,
        notes={key.removeprefix(OURS): str(value) for key, value in info.items() if key.startswith(OURS)},
        streams=streams,
    )


def _rows(added: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the number of rows in the files, or None if one of them does not tell."""
    rows = 0
    for each in added:
        told = json.loads(each.get("stats") or "{}").get("numRecords")
        if told is None:
            return None
        rows += int(told)
    return rows


def _moment(milliseconds: int | None) -> datetime | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
