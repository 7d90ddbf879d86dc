"""Delta tables: a folder with a log."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from s3_assets.explore.findings import Finding, Guess
from s3_assets.explore.folders import partitions_of
from s3_assets.objects import Objects
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.connection.settings import S3Connection

_LOG = "_delta_log/"
_MOST_VALUES = 10_000


def find(connection: S3Connection, prefix: str, keys: Sequence[str] | None = None) -> Guess | None:
    """Return the Delta table whose folder this is, or whose partition or log it is; None if it is none.

    `keys` are all that begin with the prefix, where they are known.
    """
    objects = Objects(connection)
    for folder in _around(connection, prefix):
        log = f"{folder}{_LOG}"
        if keys is not None and folder == prefix:
            there = any(key.startswith(log) for key in keys)
        else:
            there = any(True for _ in islice(objects.list_objects(log), 1))
        if there:
            return _guess(connection, folder, prefix)
    return None


def _around(connection: S3Connection, prefix: str) -> list[str]:
    """Return the folder, and the table's if it is a Hive folder or the log of one."""
    base = connection.location.key
    folders = [prefix]
    segments = prefix.removeprefix(base).rstrip("/").split("/")
    while len(segments) > 1 and ("=" in segments[-1] or segments[-1] == _LOG.rstrip("/")):
        segments.pop()
    above = base + "".join(f"{segment}/" for segment in segments if segment)
    return [*folders, above] if above != prefix else folders


def _guess(connection: S3Connection, folder: str, asked: str) -> Guess:
    from s3_assets.tables.open import open_table
    from s3_assets.tables.settings import DeltaSettings

    path = folder.removeprefix(connection.location.key)
    settings: dict[str, Any] = {"path": path, "format": "delta"}
    table = open_table(path or "table", DeltaSettings(connection=connection.name, path=path), connection)
    state = table.state()
    findings = [
        Finding(
            "format",
            f"a Delta log, version {state.version.token}: {count(state.statistics.files, 'data file')}",
        )
    ]
    if folder != asked:
        findings.append(Finding("path", f"{asked} is part of this table"))
    values = _partition_values(table)
    if values:
        partitions, told = partitions_of(values)
        findings += [Finding("path", f"partitioned by {', '.join(values)}"), *told]
        if partitions is not None:
            settings["partitions"] = partitions
    return Guess(settings, table.schema(), tuple(findings), "looked at the log alone")


def partition_columns(table: Any) -> set[str]:  # noqa: ANN401 - a table of ours that opens delta-rs's
    """Return the columns of the table's folders, as its log says them."""
    return set(table.open().metadata().partition_columns)


def _partition_values(table: Any) -> dict[str, list[str]]:  # noqa: ANN401 - a table of ours that opens delta-rs's
    """Return the partition columns and their values, nulls left out, sorted."""
    handle = table.open()
    names = list(handle.metadata().partition_columns)
    found: dict[str, set[str]] = {name: set() for name in names}
    for each in islice(handle.partitions(), _MOST_VALUES) if names else ():
        for name in names:
            if each[name] is not None:
                found[name].add(str(each[name]))
    return {name: sorted(values) for name, values in found.items()}
