"""Exports as Dagster sees them: each with a source is an asset, run as a whole or partition by partition."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
from datetime import UTC, datetime

import dagster as dg

from s3_assets.assets import made_asset
from s3_assets.export_metadata import content_version, export_metadata, summary
from s3_assets.export_runs import PartitionsRun
from s3_assets.exports.export import Export
from s3_assets.incremental.run_notes import RUN
from s3_assets.metadata.preview import Preview
from s3_assets.observing import observed_run
from s3_assets.partitions import windows_of
from s3_assets.registry.models import Registry
from s3_assets.specs import export_spec


def export_asset(registry: Registry, name: str, spec: dg.AssetSpec | None = None) -> dg.AssetsDefinition:
    """Return the asset of an export with a source; `spec` is `export_spec`, or what the user made of it."""
    settings = registry.exports[name]

    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        export = registry.export(name)
        preview = Preview(registry.preview_of(name, [str(settings.source)]))
        told = _whole if context.assets_def.partitions_def is None else _partitions
        return told(context, export, preview)

    return made_asset(
        spec or export_spec(registry, name),
        observed_run(registry, f"export {name}", run),
        pool=settings.connection,
        partitions_per_run=settings.partitions_per_run,
    )


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
