"""What commits added or changed: the change feed (Delta Transaction Log Protocol, "Change Data Files")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.errors import ChangeFeedMissingError, CursorError, HistoryLostError, SourceRewrittenError
from s3_assets.objects import Objects
from s3_assets.tables import delta_log
from s3_assets.tables.delta_commits import AddedFile, Commit, Effect, read_commits
from s3_assets.tables.delta_open import stream_errors
from s3_assets.tables.delta_stream import lazy_stream
from s3_assets.tables.positions import VersionPosition
from s3_assets.tables.table import Plan, ReadMode

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable as Handle

    from s3_assets.tables.delta import DeltaTable
    from s3_assets.tables.positions import Position
    from s3_assets.windows import Window

CHANGE_TYPE = "_change_type"
COMMIT_VERSION = "_commit_version"
COMMIT_TIMESTAMP = "_commit_timestamp"


def require_feed(table: DeltaTable, handle: Handle) -> None:
    """Raise `ChangeFeedMissingError` unless the table keeps a change data feed."""
    if not delta_log.change_feed(handle):
        raise ChangeFeedMissingError(
            "the table keeps no change data feed",
            remedy="Set its property delta.enableChangeDataFeed to true (changes before that stay unknown), "
            "or read it with read_mode: current.",
            table=table.name,
            connection=table.connection.name,
        )


def plan(
    table: DeltaTable,
    handle: Handle,
    schema: pl.Schema,
    mode: ReadMode,
    since: Position,
    until: VersionPosition,
    window: Window | None,
) -> Plan:
    """Plan the rows that the commits after `since` added (mode added) or changed (mode changes)."""
    after = _start(table, since, until)
    commits = _commits(table, after, until.version)
    if mode is ReadMode.ADDED:
        _refuse_replacements(table, commits)
    taken = [each for each in commits if each.effect is not Effect.NONE]
    changing = [each for each in taken if each.effect is not Effect.APPEND]
    notes = tuple(
        f"version {each.version} ({each.operation}) changed rows; only added rows are read"
        for each in changing
        if mode is ReadMode.ADDED
    )
    bound = table.bounds(window, schema).expression() if window is not None else None
    whole = _feed_schema(schema)
    if not taken:
        return Plan(
            _empty(whole if mode is ReadMode.CHANGES else schema), mode, until, 0, 0, empty=True, notes=notes
        )
    if mode is ReadMode.ADDED and not changing and _readable(handle, commits):
        # Appended files are the added rows: no feed is needed to read them.
        added = [each for commit in commits for each in commit.added]
        _require_kept(table, handle, added)
        frame = table.scan_files(handle, schema, [each.path for each in added])
        files, size = len(added), sum(each.size for each in added)
    else:
        require_feed(table, handle)
        _require_feed_throughout(table, commits, after)
        frame = _feed(table, handle, whole, after + 1, until.version, inserts=mode is ReadMode.ADDED)
        frame = frame if mode is ReadMode.CHANGES else frame.select(list(schema))
        files, size = sum(each.feed_files for each in taken), sum(each.feed_bytes for each in taken)
    return Plan(frame if bound is None else frame.filter(bound), mode, until, files, size, notes=notes)


def as_inserts(frame: pl.LazyFrame, handle: Handle) -> pl.LazyFrame:
    """Show the rows of a snapshot as the changes that a first read of the feed begins with."""
    from datetime import UTC, datetime

    import polars as pl

    moment = datetime.fromtimestamp(int(handle.history(limit=1)[0].get("timestamp", 0)) / 1000, UTC)
    return frame.with_columns(
        pl.lit("insert").alias(CHANGE_TYPE),
        pl.lit(handle.version(), dtype=pl.Int64).alias(COMMIT_VERSION),
        pl.lit(moment.replace(tzinfo=None), dtype=pl.Datetime("ms")).alias(COMMIT_TIMESTAMP),
    )


def _start(table: DeltaTable, since: Position, until: VersionPosition) -> int:
    if not isinstance(since, VersionPosition):
        raise CursorError(
            "the cursor counts files, and this source counts versions",
            remedy="Give the import another name, or reset its cursor.",
            table=table.name,
        )
    if since.table_id != until.table_id or since.version > until.version:
        raise SourceRewrittenError(
            f"the table was dropped and made anew: the cursor stands at version {since.version} of "
            f"{since.table_id}, the table at version {until.version} of {until.table_id}",
            remedy="Reset the cursor to read the new table from its beginning.",
            table=table.name,
            connection=table.connection.name,
        )
    return since.version


def _commits(table: DeltaTable, after: int, until: int) -> list[Commit]:
    commits = read_commits(Objects(table.connection), f"{table.location.key}_delta_log/", after, until)
    missing = sorted({*range(after + 1, until + 1)} - {each.version for each in commits})
    if missing:
        raise HistoryLostError(
            f"the log of versions {missing[0]} to {missing[-1]} is gone, "
            f"and the cursor stands at version {after}",
            remedy="Keep the log longer (delta.logRetentionDuration), and reset the cursor to start anew.",
            table=table.name,
            connection=table.connection.name,
        )
    return commits


def _refuse_replacements(table: DeltaTable, commits: list[Commit]) -> None:
    first = next((each for each in commits if each.effect is Effect.REPLACE), None)
    if first is not None:
        raise SourceRewrittenError(
            f"version {first.version} ({first.operation}) replaced rows that were read before, "
            "so that added rows cannot be told from old ones",
            remedy="Read this table with read_mode: changes or current, or reset the cursor.",
            table=table.name,
            connection=table.connection.name,
        )


def _require_kept(table: DeltaTable, handle: Handle, added: list[AddedFile]) -> None:
    """Raise `HistoryLostError` if a file that a later commit took out has been vacuumed away."""
    objects = Objects(table.connection)
    live = set(delta_log.files(handle)["path"])
    gone = [
        each.path
        for each in added
        if each.path not in live and not objects.exists(table.location.key + each.path)
    ]
    if gone:
        raise HistoryLostError(
            f"{len(gone)} files with added rows were vacuumed before they were read, the first is {gone[0]}",
            remedy="Vacuum with a longer retention, and reset the cursor to start anew.",
            table=table.name,
            connection=table.connection.name,
        )


def _require_feed_throughout(table: DeltaTable, commits: list[Commit], after: int) -> None:
    """Raise `ChangeFeedMissingError` if rows were changed while the feed was off.

    delta-rs shows whole rewritten files as deleted and inserted then.
    """
    if all(each.feed is None for each in commits):
        return
    feed = delta_log.change_feed(table.open(after))
    for each in commits:
        feed = feed if each.feed is None else each.feed
        if not feed and each.effect in {Effect.CHANGE, Effect.REPLACE}:
            raise ChangeFeedMissingError(
                f"version {each.version} ({each.operation}) changed rows before the change data feed was "
                "switched on",
                remedy="Reset the cursor to begin with the rows as they are now.",
                table=table.name,
                connection=table.connection.name,
            )


def _readable(handle: Handle, commits: list[Commit]) -> bool:
    paths = [each.path for commit in commits for each in commit.added]
    return delta_log.read_by_polars(handle) and delta_log.hive_named(handle, paths)


def _feed_schema(schema: pl.Schema) -> pl.Schema:
    import polars as pl

    return pl.Schema(
        {
            **schema,
            CHANGE_TYPE: pl.String(),
            COMMIT_VERSION: pl.Int64(),
            COMMIT_TIMESTAMP: pl.Datetime("ms"),
        }
    )


def _feed(
    table: DeltaTable, handle: Handle, schema: pl.Schema, first: int, last: int, *, inserts: bool
) -> pl.LazyFrame:
    def start(wanted: list[str]) -> Any:  # noqa: ANN401 - a reader of Arrow batches
        return handle.load_cdf(
            starting_version=first,
            ending_version=last,
            columns=sorted({*wanted, CHANGE_TYPE}),
            predicate=f"{CHANGE_TYPE} = 'insert'" if inserts else None,
        )

    return lazy_stream(
        start,
        schema,
        lambda: stream_errors(table.connection, table.location, table.name),
        "delta change feed",
    )


def _empty(schema: pl.Schema) -> pl.LazyFrame:
    import polars as pl

    return pl.LazyFrame(schema=schema)
