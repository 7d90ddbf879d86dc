"""What runs of imports, exports and media sets did, for programs."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s3_assets.exports.export import Export
    from s3_assets.exports.outcome import ExportOutcome
    from s3_assets.incremental.cursor import Cursor
    from s3_assets.incremental.outcome import Outcome
    from s3_assets.media.media_set import MediaSet
    from s3_assets.media.outcome import MediaOutcome
    from s3_assets.movement.imports import Import


def cursor_words(cursor: "Cursor | None") -> str:
    """Return how far a cursor has come."""
    from s3_assets.incremental.run_notes import position_words

    if cursor is None:
        return "none"
    return position_words(cursor.position, files=sum(segment.files for segment in cursor.segments))


def of_import(job: "Import", outcome: "Outcome") -> dict[str, Any]:
    """Return what an import did."""
    plan = outcome.plan
    return {
        "import": job.name,
        "source": job.source.name,
        "target": job.target.name,
        "nothing_new": outcome.nothing_new,
        "files_read": plan.files,
        "bytes_read": plan.bytes,
        "total_files": plan.total_files,
        "total_bytes": plan.total_bytes,
        **_written(outcome),
        "cursor": _moved(outcome.since, outcome.until),
        "notes": list(outcome.notes),
        "seconds": round(outcome.seconds, 3),
    }


def of_export(export: "Export", outcome: "ExportOutcome") -> dict[str, Any]:
    """Return what an export did."""
    return {
        "export": export.name,
        "source": export.read_source.name,
        "destination": export.destination.location.url,
        "nothing_new": outcome.nothing_new,
        "rows": outcome.rows,
        "bytes": outcome.bytes,
        "files": [{"url": file.url, "rows": file.rows, "bytes": file.bytes} for file in outcome.files],
        "manifests": [export.destination.objects.url(each.key) for each in outcome.manifests],
        "removed_files": outcome.removed_files,
        "cursor": _moved(outcome.since, outcome.until),
        "notes": list(outcome.remarks),
        "seconds": round(outcome.seconds, 3),
    }


def of_media(media: "MediaSet", found: "MediaOutcome") -> dict[str, Any]:
    """Return what a run of a media set did."""
    return {
        "media": media.name,
        "source": media.source.location.url,
        "target": media.target.name,
        "nothing_new": found.nothing_new,
        "objects": found.objects,
        "bytes": found.bytes,
        **asdict(found.counts),
        **_written(found.outcome),
        "notes": list(found.outcome.notes),
        "seconds": round(found.outcome.seconds, 3),
    }


def _written(outcome: "Outcome") -> dict[str, Any]:
    if outcome.written is None:
        return {"rows_written": 0, "files_written": 0, "bytes_written": 0, "version": None, "commits": 0}
    commit = outcome.written.commit
    return {
        "rows_written": commit.rows,
        "files_written": commit.files,
        "bytes_written": commit.bytes,
        "version": commit.version.token,
        "commits": outcome.commits,
    }


def _moved(since: "Cursor | None", until: "Cursor | None") -> dict[str, str] | None:
    """Return from where to where a cursor moved; None for a run that has none."""
    return None if until is None else {"from": cursor_words(since), "to": cursor_words(until)}
