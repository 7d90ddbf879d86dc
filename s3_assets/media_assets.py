"""Media sets as Dagster sees them: an asset for each."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
from typing import Any

import dagster as dg

from s3_assets.assets import made_asset
from s3_assets.check_events import told_checks
from s3_assets.media.media_set import MediaSet
from s3_assets.media.outcome import MediaOutcome
from s3_assets.media.preview import preview, types, types_table
from s3_assets.metadata import OURS, outcome_metadata, state_metadata
from s3_assets.metadata.kept import kept_metadata
from s3_assets.metadata.keys import PREVIEW, VERSION
from s3_assets.observing import observed_run
from s3_assets.progress import Progress, count, readable_bytes
from s3_assets.registry.models import Registry
from s3_assets.specs import media_spec


def media_asset(registry: Registry, name: str, spec: dg.AssetSpec | None = None) -> dg.AssetsDefinition:
    """Return the asset of a media set: the table that is its inventory."""
    settings = registry.media[name]

    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        media = registry.media_set(name)
        progress = Progress(f"media set {name}", context.log.info)
        with told_checks(context, context.asset_key):
            found = media.run(notes={"run": context.run.run_id}, progress=progress)
        context.log.info("%s", _summary(name, found))
        return _result(context, media, found, shown=bool(registry.preview_of(settings.target).rows))

    return made_asset(
        spec or media_spec(registry, name),
        observed_run(registry, f"media set {name}", run),
        pool=registry.tables[settings.target].connection,
        partitions_per_run=None,
    )


def _result(
    context: dg.AssetExecutionContext, media: MediaSet, found: MediaOutcome, *, shown: bool
) -> dg.MaterializeResult[None]:
    state = state_metadata(media.target)
    told = {**outcome_metadata(found.outcome, media.name, media.target.settings), **state}
    told |= _told(media, found)
    if found.outcome.written is None:
        told |= kept_metadata(context.instance, context.asset_key, told, preview=shown)
    elif shown and (pictures := preview(media)):
        told[PREVIEW] = dg.MetadataValue.md(pictures)
    version = state.get(VERSION)
    return dg.MaterializeResult(
        metadata=told,
        data_version=dg.DataVersion(version) if version else None,
    )


def _told(media: MediaSet, found: MediaOutcome) -> dict[str, Any]:
    """Return what was there, what became of it, and what a person may like to see of it."""
    counts = found.counts
    told: dict[str, Any] = {
        f"{OURS}/objects": found.objects,
        f"{OURS}/objects_bytes": found.bytes,
        f"{OURS}/objects_size": readable_bytes(found.bytes),
        **{
            f"{OURS}/objects_{name}": getattr(counts, name)
            for name in ("new", "changed", "deleted", "left_out", "vanished", "archived")
        },
        f"{OURS}/types": dg.MetadataValue.md(types_table(types(media))),
    }
    if media.copies is not None:
        told |= {
            f"{OURS}/copies": counts.copied,
            f"{OURS}/copies_bytes": counts.copied_bytes,
            f"{OURS}/copies_deleted": counts.copies_deleted,
            f"{OURS}/copied_to": media.copies.location.url,
        }
    return told


def _summary(name: str, found: MediaOutcome) -> str:
    counts = found.counts
    became = f"{counts.new:,} new, {counts.changed:,} changed, {counts.deleted:,} deleted"
    copied = f", {counts.copied:,} copied" if counts.copied else ""
    return (
        f"media set {name}: {count(found.objects, 'object')}, {became}{copied}, {found.outcome.seconds:.1f} s"
    )
