"""What the next run of an export would read, and which files it would write and replace."""

from typing import TYPE_CHECKING, Any

from s3_assets.progress import readable_bytes

if TYPE_CHECKING:
    from s3_assets.exports.export import Export
    from s3_assets.incremental.cursor import Cursor
    from s3_assets.tables.table import Plan
    from s3_assets.windows import Window


def describe_next(export: "Export", windows: "list[Window | None]") -> dict[str, Any]:
    """Look up what a run would read and replace; nothing is written. Raises what the run's plan raises."""
    from s3_assets.exports.export import ExportMode
    from s3_assets.exports.units import partition_key_of
    from s3_assets.incremental.run_notes import position_words

    source = export.read_source
    current = _cursor(export) if export.mode is ExportMode.INCREMENTAL else None
    plans = [_plan(export, each, current) for each in windows]
    last = plans[-1]
    keys = [partition_key_of(each) for each in windows if each is not None]
    nothing = export.mode is ExportMode.INCREMENTAL and last.empty
    return {
        "export": export.name,
        "source": source.name,
        "destination": export.destination.location.url,
        "key": str(export.template),
        "format": export.format.extension,
        "mode": str(export.mode),
        "read_mode": str(last.mode),
        "partitions": keys,
        "cursor": None if current is None else position_words(current.position),
        "cursor_number": None if current is None else current.number,
        "nothing_new": nothing,
        "files": sum(each.files for each in plans),
        "bytes": sum(each.bytes for each in plans),
        "total_files": last.total_files,
        "total_bytes": last.total_bytes,
        "until": None if current is None or last.empty else position_words(last.until),
        "replaces": _replaced(export, keys),
        "notes": list(dict.fromkeys(note for each in plans for note in each.remarks)),
    }


def rows_of(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return it for people."""
    rows = [
        ("mode", f"{told['mode']}, which reads {told['read_mode']}"),
        ("files", f"{told['format']} as {told['key']}"),
    ]
    if told["partitions"]:
        rows.append(("partitions", _few(told["partitions"])))
    if told["cursor"] is not None:
        rows.append(("cursor", f"{told['cursor']} (number {told['cursor_number']})"))
    if told["nothing_new"]:
        rows.append(("read", "nothing: there is nothing new"))
    else:
        of_files = f" of {told['total_files']:,}" if told["total_files"] is not None else ""
        of_bytes = f" of {readable_bytes(told['total_bytes'])}" if told["total_bytes"] is not None else ""
        rows.append(("read", f"{told['files']:,}{of_files} files, {readable_bytes(told['bytes'])}{of_bytes}"))
    if told["replaces"]:
        rows.append(("replaces", _few(told["replaces"])))
    return rows + [("note", note) for note in told["notes"]]


def _plan(export: "Export", window: "Window | None", current: "Cursor | None") -> "Plan":
    from s3_assets.exports.export import ExportMode
    from s3_assets.tables.table import ReadMode

    if export.mode is not ExportMode.INCREMENTAL:
        return export.read_source.plan(ReadMode.CURRENT, window=window)
    return export.read_source.plan(ReadMode.ADDED, since=current.position if current else None)


def _cursor(export: "Export") -> "Cursor | None":
    from s3_assets.exports.streams import look_at_stream

    found = look_at_stream(export, export.stream)
    if found.damage is not None:
        raise found.damage
    return found.current


def _replaced(export: "Export", keys: list[str]) -> list[str]:
    """Return the URLs of the files that the run's units have now; of a key with a time in it, none may be."""
    from s3_assets.exports.export import ExportMode

    if export.mode is ExportMode.INCREMENTAL:
        return []
    units = [each for each in export.manifests() if export.mode is ExportMode.FULL or each.unit in set(keys)]
    if export.mode is ExportMode.FULL:
        # A unit is the key without its part: where times stand in the key, a run makes a new one.
        units = [each for each in units if not export.template.macros - _SAME]
    return [file.url for unit in units for file in unit.files]


_SAME = {"extension", "stream_id", "stream_name", "connection_id", "part"}
"""Macros that stand for the same in every run."""


def _few(texts: list[str]) -> str:
    shown = 3
    more = f" and {len(texts) - shown:,} more" if len(texts) > shown else ""
    return ", ".join(texts[:shown]) + more
