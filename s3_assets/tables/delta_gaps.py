"""Where the way from a cursor to the newest version of a Delta table is broken, and what is said of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from s3_assets.errors import (
    ChangeFeedMissingError,
    CursorError,
    HistoryLostError,
    S3AssetsError,
    TableRewrittenError,
)
from s3_assets.objects import Objects
from s3_assets.tables import delta_log
from s3_assets.tables.delta_commits import AT_ONCE, Effect
from s3_assets.tables.positions import VersionPosition
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.delta_commits import Commit
    from s3_assets.tables.delta_listing import LogListing
    from s3_assets.tables.positions import Position

_NOTED = frozenset({"metadata", "nullable", "containsNull", "valueContainsNull"})
GO_ON = "reset the cursor, or set on_gap: full_refresh, to go on from the rows as they are now."


def position(table: DeltaTable, since: Position) -> VersionPosition:
    """Return the position as one of this format; raises `CursorError` if it counts something else."""
    if not isinstance(since, VersionPosition):
        raise CursorError(
            "the cursor counts files, and this source counts versions",
            remedy="Give the import another name, or reset its cursor.",
            table=table.name,
        )
    return since


def require_same(table: DeltaTable, handle: Handle, since: VersionPosition) -> None:
    """Raise `TableRewrittenError` unless the open table is the one that was read, then or later."""
    identity, newest = str(handle.metadata().id), handle.version()
    if since.table_id != identity or since.version > newest:
        raise _at(
            table,
            TableRewrittenError(
                f"the table was dropped and made anew: the cursor stands at version {since.version} of "
                f"{since.table_id}, the table at version {newest} of {identity}",
                remedy=f"To read the new table, {GO_ON}",
            ),
        )


def require_feed(table: DeltaTable, handle: Handle) -> None:
    """Raise `ChangeFeedMissingError` unless the table keeps a change data feed."""
    if not delta_log.change_feed(handle):
        raise _at(
            table,
            ChangeFeedMissingError(
                "the table keeps no change data feed",
                remedy="Set its property delta.enableChangeDataFeed to true (changes before that stay "
                "unknown), or read it with read_mode: current.",
            ),
        )


def require_feed_throughout(
    table: DeltaTable, commits: Sequence[Commit], after: int, *, newest: bool
) -> None:
    """Raise `ChangeFeedMissingError` if rows were changed while the feed was off.

    delta-rs shows whole rewritten files as deleted and inserted then. `newest`: the commits are all up to the
    version of which it is known that the feed is on.
    """
    doubtful = {
        each.version for each in commits if each.effect in {Effect.CHANGE, Effect.REPLACE} and not each.fed
    }
    if not doubtful or (newest and all(each.feed is None for each in commits)):
        return
    feed = delta_log.change_feed(table.open(after))
    for each in commits:
        feed = feed if each.feed is None else each.feed
        if not feed and each.version in doubtful:
            raise _at(
                table,
                ChangeFeedMissingError(
                    f"version {each.version} ({each.operation}) changed rows before the change data feed was "
                    f"switched on, and the cursor stands at version {after}",
                    remedy=f"The changes are not to be had any more: {GO_ON}",
                ),
            )


def require_same_types(
    table: DeltaTable, commits: Sequence[Commit], since: VersionPosition, schema: str
) -> None:
    """Raise `TableRewrittenError` if a column got another type among the commits.

    delta-rs casts the rows of before to the columns as they are now, those that cannot be cast to null.
    `schema` are the columns at the last of the commits. Columns that came or went are none of it.
    """
    changes = [each for each in commits if each.schema is not None]
    if not changes:
        return
    newest = _types(schema)
    earlier = [_types(table.open(since.version).schema().to_json())]
    earlier += [_types(each.schema) for each in changes if each.schema is not None]
    for types in earlier:
        for name in types.keys() & newest.keys():
            if types[name] == newest[name]:
                continue
            error = TableRewrittenError(
                f"behind version {since.version}, where the cursor stands, column '{name}' became "
                f"{newest[name]}, and was {types[name]}: the changes before do not fit the columns after",
                remedy=f"To go on with the new type, {GO_ON}",
            )
            raise _at(table, error)


def _types(schema: str) -> dict[str, str]:
    """Return the type of each column as the log has it, without what is noted of it."""

    def plain(found: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(found, dict):
            return {key: plain(value) for key, value in found.items() if key not in _NOTED}
        return [plain(each) for each in found] if isinstance(found, list) else found

    types = {each["name"]: plain(each["type"]) for each in json.loads(schema)["fields"]}
    return {name: kind if isinstance(kind, str) else json.dumps(kind) for name, kind in types.items()}


def log_lost(
    table: DeltaTable, listing: LogListing, since: VersionPosition, missing: int, newest: int
) -> S3AssetsError:
    """Return the error for an entry that is gone, with those behind it that are gone, too."""
    kept = next(listing.versions(missing), newest + 1)
    return _at(
        table,
        HistoryLostError(
            f"the log of versions {missing} to {max(kept - 1, missing)} is gone, and the cursor stands at "
            f"version {since.version}",
            remedy=f"Keep the log longer (delta.logRetentionDuration); {GO_ON}",
        ),
    )


def version_lost(table: DeltaTable, since: VersionPosition, why: str) -> S3AssetsError:
    """Return the error for a version that was read in part and cannot be read to its end."""
    files = since.partly.files if since.partly else 0
    return _at(
        table,
        HistoryLostError(
            f"of version {since.version} {files:,} files were read, and the others cannot be: {why}",
            remedy="Keep old versions longer (delta.logRetentionDuration, and the retention of VACUUM); "
            f"{GO_ON}",
        ),
    )


def replaced(table: DeltaTable, commit: Commit, since: VersionPosition) -> S3AssetsError:
    """Return the error for a commit that replaced rows, where added rows are asked for."""
    return _at(
        table,
        TableRewrittenError(
            f"version {commit.version} ({commit.operation}) replaced rows that were read before, so that "
            f"added rows cannot be told from old ones; the cursor stands at version {since.version}",
            remedy=f"Read this table with read_mode: changes or current; or {GO_ON}",
        ),
    )


def require_kept(table: DeltaTable, paths: Sequence[str]) -> None:
    """Raise `HistoryLostError` if one of the files has been vacuumed away: a request for each."""
    objects = Objects(table.connection)

    def gone(path: str) -> bool:
        return "://" not in path and not objects.exists(table.location.key + path)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        lost = [path for path, missing in zip(paths, pool.map(gone, paths), strict=True) if missing]
    if lost:
        raise _at(
            table,
            HistoryLostError(
                f"{len(lost):,} files with added rows were vacuumed before they were read, the first is "
                f"{lost[0]}",
                remedy=f"Vacuum with a longer retention; {GO_ON}",
            ),
        )


def _at(table: DeltaTable, error: S3AssetsError) -> S3AssetsError:
    return error.at(connection=table.connection.name, table=table.name, location=table.location.url)
