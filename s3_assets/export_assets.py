"""Exports as Dagster sees them: each with a source is an asset, run as a whole or partition by partition."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
import warnings
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.export_metadata import content_version, export_metadata, summary
from s3_assets.export_runs import PartitionsRun
from s3_assets.exports.export import Export, ExportMode
from s3_assets.incremental.run_notes import RUN
from s3_assets.metadata import OURS
from s3_assets.metadata.code import code_references
from s3_assets.metadata.keys import CODE, PLACE
from s3_assets.metadata.preview import Preview
from s3_assets.partitions import partitions_definition, windows_of
from s3_assets.registry.exports import ExportSettings
from s3_assets.registry.models import Registry

EXPORT = f"{OURS}/export"
"""The key of an asset's metadata that names the export that it is."""


def export_asset(registry: Registry, name: str) -> dg.AssetsDefinition:
    """Return the asset of an export with a source: by the source's partitions if its mode says so."""
    settings = registry.exports[name]
    partitions = export_partitions(registry, name)

    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        export = registry.export(name)
        preview = Preview(registry.preview_of(name, [str(settings.source)]))
        told = _whole if partitions is None else _partitions
        return told(context, export, preview)

    with warnings.catch_warnings():
        # Backfill policies are in Dagster's beta; that we use them is our decision.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.asset(
            key=asset_key(name),
            deps=[asset_key(str(settings.source))],
            description=settings.description,
            metadata=static_metadata(registry, name),
            group_name=settings.group or settings.connection.replace("/", "_"),
            owners=list(settings.owners),
            tags=settings.tags,
            kinds=export_kinds(settings),
            pool=settings.connection,
            partitions_def=partitions,
            backfill_policy=_backfill_policy(settings) if partitions is not None else None,
        )(run)


def export_partitions(registry: Registry, name: str) -> dg.TimeWindowPartitionsDefinition | None:
    """Return the partitions by which an export with a source is run; None if it is run as a whole."""
    source = registry.exports[name].source
    if source is None or registry.export_mode(name) is not ExportMode.PARTITIONS:
        return None
    partitions = registry.tables[source].partitions
    return partitions_definition(partitions) if partitions is not None else None


def static_metadata(registry: Registry, name: str) -> dict[str, Any]:
    """Return what is known of an export without looking at it."""
    settings, mode = registry.exports[name], registry.export_mode(name)
    place = registry.connections[settings.connection].location.folder(settings.path_prefix)
    code = code_references(registry, ("exports", name))
    return {
        PLACE: place.url,
        **({CODE: code} if code is not None else {}),
        EXPORT: name,
        f"{OURS}/format": settings.format.extension,
        f"{OURS}/connection": settings.connection,
        f"{OURS}/mode": str(mode),
        f"{OURS}/key": str(settings.template(mode)),
    }


def export_kinds(settings: ExportSettings) -> set[str]:
    """Return the kinds of an export, under the names for which Dagster has icons."""
    return {"s3", settings.format.format}


def _backfill_policy(settings: ExportSettings) -> dg.BackfillPolicy:
    if settings.partitions_per_run is None:
        return dg.BackfillPolicy.single_run()
    return dg.BackfillPolicy.multi_run(settings.partitions_per_run)


def _whole(context: dg.AssetExecutionContext, export: Export, preview: Preview) -> dg.MaterializeResult[None]:
    outcome = export.run(
        run=context.run.run_id,
        notes={RUN: context.run.run_id},
        progress=preview.progress(f"export {export.name}", context.log.info),
    )
    context.log.info("%s", summary(export, outcome))
    metadata = {**export_metadata(export, outcome), **preview.metadata(outcome.origins)}
    version = content_version(outcome.manifests)
    return dg.MaterializeResult(
        metadata=metadata, data_version=dg.DataVersion(version) if version is not None else None
    )


def _partitions(
    context: dg.AssetExecutionContext, export: Export, preview: Preview
) -> dg.MaterializeResult[None]:
    """Export the run's partitions in order of time: each is a commit of its own, all are of one moment."""
    windows = windows_of(context.assets_def.partitions_def, context.partition_keys, export.read_source)
    progress, moment = preview.progress(f"export {export.name}", context.log.info), datetime.now(UTC)
    done = PartitionsRun(context, context.asset_key, export, preview)
    with done.told_if_cut_short():
        for key, window in windows.items():
            outcome = export.run(
                window=window,
                partition_key=key,
                moment=moment,
                run=context.run.run_id,
                notes={RUN: context.run.run_id},
                progress=progress,
            )
            done.add(key, outcome)
    metadata, version = done.end()
    return dg.MaterializeResult(metadata=metadata, data_version=version)
