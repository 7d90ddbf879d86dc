"""Assets: sources that can be observed, imports that can be run."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg

from s3_assets.errors import S3AssetsError
from s3_assets.incremental.append import Outcome
from s3_assets.metadata import (
    OURS,
    column_schema,
    outcome_metadata,
    partition_rows,
    state_metadata,
    table_kinds,
    table_metadata,
)
from s3_assets.metadata.kept import kept_metadata
from s3_assets.metadata.keys import COLUMNS, PARTITION_ROWS, VERSION
from s3_assets.metadata.lineage import lineage_metadata
from s3_assets.metadata.preview import Preview
from s3_assets.metadata.tables import observed
from s3_assets.movement.imports import Import
from s3_assets.partitions import partitions_definition, unbroken, windows_of
from s3_assets.progress import count
from s3_assets.registry.models import ImportSettings, Registry
from s3_assets.tables.table import Table
from s3_assets.windows import Window

IO_MANAGER_KEY = "io_manager"


def asset_key(table: str) -> dg.AssetKey:
    """Return the asset key of a table: its name, split at the slashes."""
    return dg.AssetKey(table.split("/"))


def source_spec(registry: Registry, name: str, readers: Mapping[str, str] | None = None) -> dg.AssetSpec:
    """Return the spec of a table that is only read; `readers` are what `readers_of` tells of all tables."""
    settings = registry.tables[name]
    return dg.AssetSpec(
        asset_key(name),
        description=settings.description,
        # What `with_io_manager_key` adds, by a second spec.
        metadata={**table_metadata(registry, name, readers), "dagster/io_manager_key": IO_MANAGER_KEY},
        group_name=settings.group or settings.connection.replace("/", "_"),
        owners=list(settings.owners),
        tags=settings.tags,
        kinds=table_kinds(settings),
    )


def observable_sources(
    registry: Registry, connection: str, names: Sequence[str], readers: Mapping[str, str] | None = None
) -> dg.AssetsDefinition:
    """Return the sources of one connection, which can be observed: a version is the data version."""

    def observe(context: dg.AssetExecutionContext) -> Iterator[dg.ObserveResult]:
        failures: dict[str, S3AssetsError] = {}
        for key in sorted(context.selected_asset_keys):
            name = "/".join(key.path)
            try:
                yield observe_table(registry.table(name))
            except S3AssetsError as error:
                context.log.warning("%s: %s", name, error)
                failures[name] = error
        # One source must not hide the others; it must not be forgotten either.
        if failures:
            raise next(iter(failures.values()))

    specs = [source_spec(registry, name, readers) for name in names]
    with _without_beta_warnings():
        definition: dg.AssetsDefinition = dg.multi_observable_source_asset(
            name=f"observe_{connection.replace('/', '_')}", specs=specs, can_subset=True
        )(observe)
    return definition


def observe_table(table: Table[Any]) -> dg.ObserveResult:
    """Look at a table: version, columns, files, bytes, rows if its metadata has them.

    Raises `TableMissingError` if it is not there.
    """
    found = state_metadata(table)
    if COLUMNS not in found:
        found[COLUMNS] = column_schema(table.described(), table.settings)
    return dg.ObserveResult(
        asset_key=asset_key(table.name),
        data_version=dg.DataVersion(found[VERSION]),
        metadata=observed(found),
    )


def import_asset(
    registry: Registry, name: str, readers: Mapping[str, str] | None = None
) -> dg.AssetsDefinition:
    """Return the asset of an import: by the target's partitions if it replaces them, else without any."""
    settings = registry.imports[name]
    target = registry.tables[settings.target]
    partitions = target.partitions if settings.mode.replaces else None

    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        job = registry.import_(name)
        windows = None
        if partitions is not None:
            windows = _windows(context, job)
        preview = Preview(registry.preview_of(settings.target, [settings.source]))
        progress = preview.progress(f"import {name}", context.log.info)
        outcome = job.run(
            window=unbroken(windows, job.target.name) if windows else None,
            notes={"run": context.run.run_id},
            progress=progress,
        )
        context.log.info("%s", _summary(name, outcome))
        return _result(context, job, outcome, windows, preview)

    with _without_beta_warnings():
        return dg.asset(
            key=asset_key(settings.target),
            deps=[asset_key(settings.source)],
            description=settings.description or target.description,
            metadata={
                **table_metadata(registry, settings.target, readers, declared_by=("imports", name)),
                f"{OURS}/import": name,
                f"{OURS}/mode": str(settings.mode),
            },
            group_name=target.group or target.connection.replace("/", "_"),
            owners=list(target.owners),
            tags=target.tags,
            kinds=table_kinds(target),
            # A limit of the pool is one of the connection that is written to.
            pool=target.connection,
            partitions_def=partitions_definition(partitions) if partitions else None,
            backfill_policy=_backfill_policy(settings) if partitions else None,
        )(run)


def _backfill_policy(settings: ImportSettings) -> dg.BackfillPolicy:
    if settings.partitions_per_run is None:
        return dg.BackfillPolicy.single_run()
    return dg.BackfillPolicy.multi_run(settings.partitions_per_run)


def _windows(context: dg.AssetExecutionContext, job: Import) -> dict[str, Window]:
    definition, keys = context.assets_def.partitions_def, context.partition_keys
    if not job.sorts_out:
        # The source has to have whole partitions there, too: a part of one would replace a whole one here.
        windows_of(definition, keys, job.source)
    return windows_of(definition, keys, job.target)


def _result(
    context: dg.AssetExecutionContext,
    job: Import,
    outcome: Outcome,
    windows: Mapping[str, Window] | None,
    preview: Preview,
) -> dg.MaterializeResult[None]:
    state = state_metadata(job.target)
    found = {**outcome_metadata(outcome, job.source.name, job.target.settings), **state}
    if outcome.written is None:
        found |= kept_metadata(context.instance, context.asset_key, found, preview=preview.wanted)
    else:
        found |= lineage_metadata(asset_key(job.source.name), outcome.origins)
        found |= preview.metadata(outcome.origins)
    if windows is not None and outcome.written is not None:
        for key, rows in partition_rows(job.target, outcome.written, windows).items():
            context.add_asset_metadata({PARTITION_ROWS: rows}, partition_key=key)
    version = state.get(VERSION)
    return dg.MaterializeResult(
        metadata=found,
        # A partition's version must not change because its neighbour did: Dagster derives one there.
        data_version=dg.DataVersion(version) if version and windows is None else None,
    )


def _summary(name: str, outcome: Outcome) -> str:
    if outcome.written is None:
        return f"import {name}: nothing new"
    commit = outcome.written.commit
    written = f"{count(commit.rows, 'row')} in {count(commit.files, 'file')} ({commit.bytes:,} bytes)"
    read = count(outcome.plan.files, "source file")
    return f"import {name}: {written} from {read}, version {commit.version.token}, {outcome.seconds:.1f} s"


@contextmanager
def _without_beta_warnings() -> Iterator[None]:
    # Backfill policies and observable sources are in Dagster's beta; that we use them is our decision.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield
