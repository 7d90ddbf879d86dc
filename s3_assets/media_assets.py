"""Media sets as Dagster sees them: an asset for each, and a sensor for each connection that has some."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.errors import S3AssetsError
from s3_assets.media.media_set import MediaSet
from s3_assets.media.outcome import MediaOutcome
from s3_assets.media.preview import preview, types, types_table
from s3_assets.metadata import OURS, outcome_metadata, state_metadata, table_kinds, table_metadata
from s3_assets.metadata.inventory import inventory_schema
from s3_assets.metadata.kept import kept_metadata
from s3_assets.metadata.keys import COLUMNS, PREVIEW, VERSION
from s3_assets.progress import Progress, count, readable_bytes
from s3_assets.registry.models import Registry


def media_asset(
    registry: Registry, name: str, readers: Mapping[str, str] | None = None
) -> dg.AssetsDefinition:
    """Return the asset of a media set: the table that is its inventory."""
    settings = registry.media[name]
    target = registry.tables[settings.target]
    source = registry.connections[settings.connection].location.folder(settings.path)

    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        media = registry.media_set(name)
        progress = Progress(f"media set {name}", context.log.info)
        found = media.run(notes={"run": context.run.run_id}, progress=progress)
        context.log.info("%s", _summary(name, found))
        return _result(context, media, found, shown=bool(registry.preview_of(settings.target).rows))

    return dg.asset(
        key=asset_key(settings.target),
        description=settings.description or target.description,
        metadata={
            **table_metadata(registry, settings.target, readers, declared_by=("media", name)),
            COLUMNS: inventory_schema(target),
            f"{OURS}/media": name,
            f"{OURS}/source": source.url,
        },
        group_name=target.group or target.connection.replace("/", "_"),
        owners=list(target.owners),
        tags=target.tags,
        kinds=table_kinds(target),
        pool=target.connection,
    )(run)


def media_sensors(registry: Registry) -> list[dg.SensorDefinition]:
    """Return a sensor for each connection that has media sets which new objects start."""
    connections: dict[str, list[str]] = {}
    for name, each in registry.media.items():
        if each.on_new_data:
            connections.setdefault(each.connection, []).append(name)
    return [_sensor(registry, *item) for item in connections.items()]


def _sensor(registry: Registry, connection: str, names: Sequence[str]) -> dg.SensorDefinition:
    keys = {name: asset_key(registry.media[name].target) for name in names}

    @dg.sensor(
        name=f"{connection.replace('/', '_')}_media",
        minimum_interval_seconds=registry.watch.every_seconds,
        asset_selection=dg.AssetSelection.assets(*keys.values()),
        description=f"Lists the objects of {len(names)} media sets of '{connection}', and runs what changed.",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        found, failures = _look(registry, names)
        for name, error in failures.items():
            context.log.warning("%s: %s", name, error)
        if failures and not found:
            raise next(iter(failures.values()))
        changed = [name for name in names if name in found and found[name] != seen.get(name)]
        requests = [
            dg.RunRequest(run_key=f"{name}:{found[name]}", asset_selection=[keys[name]]) for name in changed
        ]
        return dg.SensorResult(
            run_requests=requests,
            cursor=json.dumps({**seen, **found}),
            skip_reason=None if requests else f"nothing changed in {len(found)} media sets",
        )

    return look


def _look(registry: Registry, names: Sequence[str]) -> tuple[dict[str, str], dict[str, S3AssetsError]]:
    """Return the state of each media set's objects, or why it could not be looked at."""

    def one(name: str) -> str | S3AssetsError:
        try:
            return registry.media_set(name).source.state()
        except S3AssetsError as error:
            return error

    with ThreadPoolExecutor(registry.watch.at_once) as pool:
        states = dict(zip(names, pool.map(one, names), strict=True))
    return (
        {name: state for name, state in states.items() if isinstance(state, str)},
        {name: state for name, state in states.items() if isinstance(state, S3AssetsError)},
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
