"""What a materialisation tells: what was read and written, rows of partitions, cursors, seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import S3AssetsError
from s3_assets.metadata.columns import column_schema
from s3_assets.metadata.keys import COLUMNS, OURS
from s3_assets.metadata.markdown import plain, table
from s3_assets.tables.files import hive_folder
from s3_assets.tables.parts import read_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s3_assets.incremental.append import Outcome
    from s3_assets.incremental.commit import Written
    from s3_assets.tables.settings import TableSettings
    from s3_assets.tables.table import Plan, Table
    from s3_assets.windows import Slice, Window

_MOST_PARTITIONS = 100


def read_metadata(plans: Mapping[str, Plan]) -> dict[str, Any]:
    """Return what was read: files and bytes of all inputs, and what they said."""
    found: dict[str, Any] = {
        f"{OURS}/read_files": sum(plan.files for plan in plans.values()),
        f"{OURS}/read_bytes": sum(plan.bytes for plan in plans.values()),
    }
    for what, totals in (
        ("files", [plan.total_files for plan in plans.values()]),
        ("bytes", [plan.total_bytes for plan in plans.values()]),
    ):
        if totals and all(total is not None for total in totals):
            found[f"{OURS}/read_{what}_of"] = sum(total or 0 for total in totals)
    return found | notes_metadata(
        [f"{name}: {note}" for name, plan in plans.items() for note in plan.remarks]
    )


def notes_metadata(notes: Iterable[str]) -> dict[str, Any]:
    """Return what a person has to know, as a list: notes quote keys, and what files say."""
    lines = "\n".join(f"- {plain(note)}" for note in dict.fromkeys(notes))
    return {f"{OURS}/notes": dg.MetadataValue.md(lines)} if lines else {}


def written_metadata(written: Written | None, settings: TableSettings) -> dict[str, Any]:
    """Return what was written by one commit; counts that are plotted are there in any case."""
    if written is None:
        return {f"{OURS}/{what}_written": 0 for what in ("rows", "files", "bytes")}
    commit = written.commit
    return {
        COLUMNS: column_schema(written.schema, settings),
        f"{OURS}/rows_written": commit.rows,
        f"{OURS}/files_written": commit.files,
        f"{OURS}/bytes_written": commit.bytes,
        f"{OURS}/commit_tries": written.tries,
        **({f"{OURS}/files_swept": written.swept} if written.swept else {}),
        **({f"{OURS}/checks_before_commit": _checks(written)} if written.checks else {}),
    }


def _checks(written: Written) -> dg.MarkdownMetadataValue:
    """Return what the checks before the commit found, those that fail first."""
    found = sorted(written.checks, key=lambda each: each.passed)
    return dg.MetadataValue.md("\n".join(f"- {plain(each.sentence)}" for each in found))


def outcome_metadata(outcome: Outcome, source: str, target: TableSettings) -> dict[str, Any]:
    """Return what an import did: read, written, cursor from and to, seconds."""
    found = {**read_metadata({source: outcome.plan}), **written_metadata(outcome.written, target)}
    found |= notes_metadata([f"{source}: {note}" for note in outcome.notes])
    found[f"{OURS}/seconds"] = round(outcome.seconds, 3)
    found[f"{OURS}/commits"] = outcome.commits
    if outcome.since is not None:
        found[f"{OURS}/cursor_from"] = outcome.since.describe()
    if outcome.until is not None:
        found[f"{OURS}/cursor_to"] = outcome.until.describe()
    if outcome.written is not None and outcome.written.commit.partition_rows:
        found[f"{OURS}/partitions"] = dg.MetadataValue.md(
            _partition_table(outcome.written.commit.partition_rows)
        )
    return found


def partition_rows(
    target: Table[Any], written: Written, slices: Mapping[str, Window | Slice]
) -> dict[str, int]:
    """Return the rows of each of Dagster's partitions, where the written folders tell them apart."""
    if len(slices) == 1:
        return {next(iter(slices)): written.commit.rows}
    folders = written.commit.partition_rows
    if sum(folders.values()) != written.commit.rows:
        # The format's own library wrote them, and says nothing of folders.
        return {}
    counts = dict.fromkeys(slices, 0)
    try:
        regions = {key: target.bounds(each, written.schema) for key, each in slices.items()}
    except S3AssetsError:
        return {}
    columns = next(iter(regions.values())).columns
    for folder, rows in folders.items():
        named = dict(map(hive_folder, folder.split("/")))
        if not named.keys() >= set(columns):
            return {}
        values = {column: read_value(named[column], written.schema[column]) for column in columns}
        for key, region in regions.items():
            counts[key] += rows if region.contains(values) else 0
    return counts


def _partition_table(rows: Mapping[str, int]) -> str:
    """Return the folders that were written, the last ones by name if there are many."""
    folders = sorted(rows)
    shown = folders[-_MOST_PARTITIONS:]
    cells = [(plain(each) or "(unpartitioned)", f"{rows[each]:,}") for each in shown]
    if len(folders) > len(shown):
        others = folders[: -len(shown)]
        cells.insert(0, (f"{len(others):,} others", f"{sum(rows[each] for each in others):,}"))
    return table(("partition", "rows"), cells, right=(False, True))
