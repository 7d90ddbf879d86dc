"""Assets: sources that can be observed, imports that can be run."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg

from s3_assets.check_events import told_checks
from s3_assets.errors import S3AssetsError
from s3_assets.incremental.append import Outcome
from s3_assets.metadata import column_schema, outcome_metadata, partition_rows, state_metadata
from s3_assets.metadata.kept import kept_metadata
from s3_assets.metadata.keys import COLUMNS, PARTITION_ROWS, VERSION
from s3_assets.metadata.lineage import lineage_metadata
from s3_assets.metadata.preview import Preview
from s3_assets.metadata.tables import observed
from s3_assets.movement.imports import Import
from s3_assets.observing import observed_run, observed_step
from s3_assets.partitions import unbroken, windows_of
from s3_assets.progress import count
from s3_assets.registry.models import Registry
from s3_assets.specs import import_spec
from s3_assets.tables.table import Table
from s3_assets.windows import Window


def asset_key(table: str, registry: Registry | None = None) -> dg.AssetKey:
    """Return the key of a table or export: what `registry` calls it, else its name, split at the slashes."""
    return dg.AssetKey(table.split("/") if registry is None else registry.assets.of(table))


def made_asset(
    spec: dg.AssetSpec,
    run: Callable[[dg.AssetExecutionContext], dg.MaterializeResult[None]],
    *,
    pool: str,
    partitions_per_run: int | None,
) -> dg.AssetsDefinition:
    """Return the asset of a spec, with a function of ours; without a number, a range is one run."""
    policy = None
    with without_beta_warnings():
        if spec.partitions_def is not None and partitions_per_run is None:
            policy = dg.BackfillPolicy.single_run()
        elif spec.partitions_def is not None and partitions_per_run is not None:
            policy = dg.BackfillPolicy.multi_run(partitions_per_run)
        # Takes the spec as it is, and a third of the time of `dg.asset`, which makes one of its own.
        definition: dg.AssetsDefinition = dg.multi_asset(
            name=spec.key.to_python_identifier(), specs=[spec], pool=pool, backfill_policy=policy
        )(run)
    return definition


def observable_sources(
    registry: Registry, connection: str, specs: Sequence[dg.AssetSpec]
) -> dg.AssetsDefinition:
    """Return the sources of one connection, which can be observed: a version is the data version."""

    def observe(context: dg.AssetExecutionContext) -> Iterator[dg.ObserveResult]:
        found: list[dg.ObserveResult] = []
        failures: dict[str, S3AssetsError] = {}
        with observed_step(registry, f"observe sources of {connection}", context):
            for key in sorted(context.selected_asset_keys):
                name = registry.assets.name(key.path)
                try:
                    found.append(observe_table(registry.table(name), key))
                except S3AssetsError as error:
                    context.log.warning("%s: %s", name, error)
                    failures[name] = error
        yield from found
        # One source must not hide the others; it must not be forgotten either.
        if failures:
            raise next(iter(failures.values()))

    with without_beta_warnings():
        definition: dg.AssetsDefinition = dg.multi_observable_source_asset(
            name=f"observe_{connection.replace('/', '_')}", specs=specs, can_subset=True
        )(observe)
    return definition


def observe_table(table: Table[Any], key: dg.AssetKey) -> dg.ObserveResult:
    """Look at a table: version, columns, files, bytes, rows if its metadata has them.

    Raises `TableMissingError` if it is not there.
    """
    found = state_metadata(table)
    if COLUMNS not in found:
        found[COLUMNS] = column_schema(table.described(), table.settings)
    return dg.ObserveResult(
        asset_key=key, data_version=dg.DataVersion(found[VERSION]), metadata=observed(found)
    )


def import_asset(registry: Registry, name: str, spec: dg.AssetSpec | None = None) -> dg.AssetsDefinition:
    """Return the asset of an import; `spec` is `import_spec`, or what the user made of it."""
    settings = registry.imports[name]

    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        job = registry.import_(name)
        windows = _windows(context, job) if context.assets_def.partitions_def is not None else None
        preview = Preview(registry.preview_of(settings.target, [settings.source]))
        progress = preview.progress(f"import {name}", context.log.info)
        with told_checks(context, context.asset_key):
            outcome = job.run(
                window=unbroken(windows, job.target.name) if windows else None,
                notes={"run": context.run.run_id},
                progress=progress,
            )
        context.log.info("%s", _summary(name, outcome))
        return _result(context, job, outcome, windows, preview, asset_key(settings.source, registry))

    return made_asset(
        spec or import_spec(registry, name),
        observed_run(registry, f"import {name}", run),
        # A limit of the pool is one of the connection that is written to.
        pool=registry.tables[settings.target].connection,
        partitions_per_run=settings.partitions_per_run,
    )


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
    source: dg.AssetKey,
) -> dg.MaterializeResult[None]:
    state = state_metadata(job.target)
    found = {**outcome_metadata(outcome, job.source.name, job.target.settings), **state}
    if outcome.written is None:
        found |= kept_metadata(context.instance, context.asset_key, found, preview=preview.wanted)
    else:
        found |= lineage_metadata(source, outcome.origins)
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
def without_beta_warnings() -> Iterator[None]:
    """Leave out what Dagster says of backfill policies and observable sources: they are in its beta.

    That we use them is our decision.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield
