"""Assets: sources that can be observed, imports that can be run."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from s3_assets.incremental.append import Outcome
from s3_assets.metadata import OURS, outcome_metadata, partition_rows, state_metadata, table_metadata
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.partitions import partitions_definition, window_of
from s3_assets.progress import Progress
from s3_assets.registry.models import Registry
from s3_assets.tables.settings import TableSettings
from s3_assets.tables.table import Table
from s3_assets.windows import Window

IO_MANAGER_KEY = "io_manager"


def asset_key(table: str) -> dg.AssetKey:
    """Return the asset key of a table: its name, split at the slashes."""
    return dg.AssetKey(table.split("/"))


def source_spec(registry: Registry, name: str) -> dg.AssetSpec:
    """Return the spec of a table that is only read."""
    settings = registry.tables[name]
    return dg.AssetSpec(
        asset_key(name),
        description=settings.description,
        metadata=_static_metadata(registry, settings),
        group_name=settings.group or settings.connection.replace("/", "_"),
        owners=list(settings.owners),
        tags=settings.tags,
        kinds=_kinds(settings),
    ).with_io_manager_key(IO_MANAGER_KEY)


def observable_sources(registry: Registry, connection: str, names: Sequence[str]) -> dg.AssetsDefinition:
    """Return the sources of one connection, each of which can be observed: its version is its data version."""

    @dg.multi_observable_source_asset(
        name=f"observe_{connection.replace('/', '_')}",
        specs=[source_spec(registry, name) for name in names],
        can_subset=True,
    )
    def observe(context: dg.AssetExecutionContext) -> Iterator[dg.ObserveResult]:
        for key in sorted(context.selected_asset_keys):
            yield observe_table(registry.table("/".join(key.path)))

    return observe


def observe_table(table: Table[Any]) -> dg.ObserveResult:
    """Look at a table: version, columns, files, bytes, rows if its metadata has them."""
    from s3_assets.metadata import column_schema

    found = state_metadata(table)
    return dg.ObserveResult(
        asset_key=asset_key(table.name),
        data_version=dg.DataVersion(found[f"{OURS}/version"]),
        metadata={**found, "dagster/column_schema": column_schema(table.schema())},
    )


def import_asset(registry: Registry, name: str) -> dg.AssetsDefinition:
    """Return the asset of an import: unpartitioned for append, by the target's partitions for replace."""
    settings = registry.imports[name]
    target = registry.tables[settings.target]
    partitions = target.partitions if settings.mode is ImportMode.REPLACE else None

    @dg.asset(
        key=asset_key(settings.target),
        deps=[asset_key(settings.source)],
        description=settings.description or target.description,
        metadata={
            **_static_metadata(registry, target),
            f"{OURS}/import": name,
            f"{OURS}/mode": str(settings.mode),
        },
        group_name=target.group or target.connection.replace("/", "_"),
        owners=list(target.owners),
        tags=target.tags,
        kinds=_kinds(target),
        partitions_def=partitions_definition(partitions) if partitions else None,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
    )
    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        job = registry.import_(name)
        window = window_of(context.partition_time_window, partitions) if partitions else None
        progress = Progress(f"import {name}", context.log.info)
        outcome = job.run(window=window, notes={"run": context.run.run_id, "import": name}, progress=progress)
        context.log.info(_summary(name, outcome))
        return _result(context, job, outcome, window)

    return run


def _result(
    context: dg.AssetExecutionContext, job: Import, outcome: Outcome, window: Window | None
) -> dg.MaterializeResult:
    state = state_metadata(job.target)
    if window is not None and outcome.written is not None:
        for key, rows in partition_rows(job.target, outcome.written, window).items():
            context.add_asset_metadata({"dagster/partition_row_count": rows}, partition_key=key)
    return dg.MaterializeResult(
        metadata={**state, **outcome_metadata(outcome, job.source.name)},
        # A partition's version must not change because its neighbour did: Dagster derives one by itself there.
        data_version=None if window is not None else dg.DataVersion(state[f"{OURS}/version"]),
    )


def _summary(name: str, outcome: Outcome) -> str:
    if outcome.written is None:
        return f"import {name}: nothing new"
    commit = outcome.written.commit
    return (
        f"import {name}: {commit.rows:,} rows in {commit.files} files ({commit.bytes:,} bytes) "
        f"from {outcome.plan.files} source files, version {commit.version.token}, {outcome.seconds:.1f} s"
    )


def _static_metadata(registry: Registry, settings: TableSettings) -> dict[str, Any]:
    url = registry.connections[settings.connection].location.folder(settings.path).url
    return table_metadata(settings, url)


def _kinds(settings: TableSettings) -> set[str]:
    return {"s3", str(getattr(settings, "format", ""))}
