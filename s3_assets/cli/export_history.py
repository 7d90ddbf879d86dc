"""What an export has written, from its own manifests: one for each unit that is there."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from s3_assets.progress import readable_bytes

if TYPE_CHECKING:
    from s3_assets.exports.export import Export
    from s3_assets.exports.manifest import Manifest

TITLES = ("time (UTC)", "unit", "rows", "files", "bytes", "cursor", "run")
RIGHT = ("rows", "files", "bytes")
_RUN_SHOWN = 8
_UNKNOWN = "-"


def describe_manifests(export: "Export", limit: int) -> list[dict[str, Any]]:
    """Return the newest manifests of an export for programs, newest first."""
    return [_described(each) for each in reversed(export.manifests())][:limit]


def cells_of(row: dict[str, Any]) -> tuple[str, ...]:
    """Return one manifest as the cells of a table."""
    moment = datetime.fromisoformat(row["time"])
    return (
        f"{moment:%Y-%m-%d %H:%M:%S}",
        row["unit"],
        f"{row['rows']:,}",
        f"{row['files']:,}",
        readable_bytes(row["bytes"]),
        "\n".join(f"{_words(each['from'])} -> {_words(each['to'])}" for each in row["cursors"]) or _UNKNOWN,
        row["run"][:_RUN_SHOWN] if row["run"] else _UNKNOWN,
    )


def _described(manifest: "Manifest") -> dict[str, Any]:
    told = manifest.document
    return {
        "number": manifest.number,
        "time": manifest.created.isoformat(),
        "unit": manifest.unit,
        "mode": manifest.mode,
        "rows": manifest.rows,
        "files": len(manifest.files),
        "bytes": manifest.size,
        "run": told.get("run"),
        "cursors": told.get("cursors", []),
        "manifest": manifest.key,
        "urls": [file.url for file in manifest.files],
    }


def _words(cursor: dict[str, Any] | None) -> str:
    if cursor is None:
        return "nothing"
    return ", ".join(f"{name} {value}" for name, value in cursor.items() if value is not None)
