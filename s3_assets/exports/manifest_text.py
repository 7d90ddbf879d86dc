"""What a manifest says, as far as it is known when its unit is committed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from s3_assets.exports.manifest import SCHEMA_VERSION
from s3_assets.tables.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_assets.exports.export import Export
    from s3_assets.exports.log import NewFile
    from s3_assets.exports.work import Request, Work
    from s3_assets.incremental.cursor import Cursor


def manifest_of(
    export: Export,
    request: Request,
    work: Work,
    *,
    unit: str,
    attempt: int,
    previous: int | None,
    cursors: Mapping[str, Cursor],
    new: Sequence[NewFile],
    success: str | None,
) -> dict[str, Any]:
    """Return the manifest as JSON takes it, but for its `number` and the files' ETags."""
    schema = work.frame.collect_schema()
    return {
        "schema_version": SCHEMA_VERSION,
        "export": export.name,
        "mode": str(export.mode),
        "unit": unit,
        "number": None,
        "previous": previous,
        "attempt": attempt,
        "run": request.run,
        "moment": _written(request.moment),
        "created": _written(datetime.now(UTC)),
        "partition": _partition(request),
        "sources": list(work.sources),
        "cursors": [
            {
                "stream": read.cursors.stream,
                "from": read.since.describe() if read.since else None,
                "to": cursors[read.cursors.stream].describe(),
            }
            for read in work.streams
        ],
        "format": export.format.extension,
        "schema": [{"name": name, "type": type_name(dtype)} for name, dtype in schema.items()],
        "files": [
            {
                "key": file.upload.key,
                "url": export.destination.objects.url(file.upload.key),
                "rows": file.rows,
                "bytes": file.upload.bytes,
                "sha256": file.upload.sha256,
            }
            for file in new
        ],
        "totals": {
            "files": len(new),
            "rows": sum(file.rows for file in new),
            "bytes": sum(file.upload.bytes for file in new),
        },
        "success": success,
    }


def _partition(request: Request) -> dict[str, str | None] | None:
    if request.partition_key is None:
        return None
    window = request.window
    return {
        "key": request.partition_key,
        "from": window.start.isoformat() if window is not None else None,
        "to": window.end.isoformat() if window is not None else None,
    }


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
