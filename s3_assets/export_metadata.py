"""What a materialisation of an export tells: its files, where its manifests lie, how far its cursor came."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.exports.units import ExportMode
from s3_assets.metadata import OURS, notes_metadata, read_metadata
from s3_assets.metadata.keys import BYTES, COLUMNS, PARTITION_ROWS, PLACE, ROWS
from s3_assets.metadata.lineage import lineage_metadata
from s3_assets.metadata.markdown import plain
from s3_assets.progress import count, readable_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s3_assets.exports.export import Export
    from s3_assets.exports.manifest import Manifest
    from s3_assets.exports.outcome import ExportOutcome

_SHOWN = 5


def export_metadata(export: Export, outcome: ExportOutcome) -> dict[str, Any]:
    """Return what a run did: of one partition, or of an export without any."""
    found: dict[str, Any] = {
        PLACE: export.destination.location.url,
        f"{OURS}/rows_written": outcome.rows,
        f"{OURS}/files_written": len(outcome.files),
        f"{OURS}/bytes_written": outcome.bytes,
        f"{OURS}/size": dg.MetadataValue.text(readable_bytes(outcome.bytes)),
        **(whole_metadata(outcome) if export.mode is ExportMode.FULL else {}),
        f"{OURS}/files_removed": outcome.removed_files,
        f"{OURS}/commits": len(outcome.manifests),
        f"{OURS}/skipped": outcome.nothing_new,
        f"{OURS}/seconds": round(outcome.seconds, 3),
        **_manifests(export, outcome.manifests),
        **notes_metadata(outcome.remarks),
    }
    if outcome.origins and export.source is not None and not outcome.nothing_new:
        found |= lineage_metadata(dg.AssetKey(export.source.name.split("/")), outcome.origins)
    if outcome.plan is not None and export.source is not None:
        found |= read_metadata({export.source.name: outcome.plan})
        # The plan's remarks are among the run's.
        found |= notes_metadata(outcome.remarks)
    if outcome.since is not None:
        found[f"{OURS}/cursor_from"] = outcome.since.describe()
    if outcome.until is not None:
        found[f"{OURS}/cursor_to"] = outcome.until.describe()
    return found


def whole_metadata(outcome: ExportOutcome) -> dict[str, Any]:
    """Return the size of an export whose every run replaces all; of others nobody has counted it."""
    return {ROWS: outcome.rows, BYTES: outcome.bytes}


def unit_metadata(export: Export, outcome: ExportOutcome) -> dict[str, Any]:
    """Return what belongs to one partition of a run of several."""
    return {
        PARTITION_ROWS: outcome.rows,
        f"{OURS}/rows_written": outcome.rows,
        f"{OURS}/files_written": len(outcome.files),
        f"{OURS}/bytes_written": outcome.bytes,
        f"{OURS}/files_removed": outcome.removed_files,
        **_manifests(export, outcome.manifests),
        **notes_metadata(outcome.remarks),
    }


def content_version(manifests: Iterable[Manifest]) -> str | None:
    """Return what is another one if the files are: None if there are none of them.

    The same rows at the same keys are the same version, whichever run wrote them.
    """
    files = [[file.key, file.sha256, file.bytes] for manifest in manifests for file in manifest.files]
    units = [manifest.unit for manifest in manifests]
    if not units:
        return None
    return sha256(json.dumps([units, files]).encode()).hexdigest()


def summary(export: Export, outcome: ExportOutcome, partition: str | None = None) -> str:
    """Return one line about a run."""
    name = f"export {export.name}" + (f" {partition}" if partition is not None else "")
    if outcome.nothing_new:
        return f"{name}: nothing new"
    written = f"{count(outcome.rows, 'row')} in {count(len(outcome.files), 'file')} ({outcome.bytes:,} bytes)"
    return f"{name}: {written}, {outcome.removed_files:,} removed, {outcome.seconds:.1f} s"


def _manifests(export: Export, manifests: tuple[Manifest, ...]) -> dict[str, Any]:
    if not manifests:
        return {}
    files = [file for manifest in manifests for file in manifest.files]
    schema: list[Mapping[str, str]] = manifests[-1].document["schema"]
    found: dict[str, Any] = {
        f"{OURS}/manifest": dg.MetadataValue.url(export.destination.objects.url(manifests[-1].key)),
        COLUMNS: dg.TableSchema([dg.TableColumn(str(each["name"]), str(each["type"])) for each in schema]),
    }
    if files:
        more = [f"- and {len(files) - _SHOWN:,} more"] if len(files) > _SHOWN else []
        lines = [f"- {plain(file.url)}" for file in files[:_SHOWN]]
        found[f"{OURS}/first_files"] = dg.MetadataValue.md("\n".join([*lines, *more]))
    return found
