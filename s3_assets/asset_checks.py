"""Asset checks: what the registry demands of its tables, as Dagster's checks; those of a table are one op."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from s3_assets.check_events import outcome_metadata, severity_of
from s3_assets.checks.evaluation import Known, check_table
from s3_assets.checks.rules import Rule, rules
from s3_assets.io_managers.slices import one, slices_of
from s3_assets.metadata.keys import COLUMNS, OURS, ROWS, VERSION
from s3_assets.observing import observed_step
from s3_assets.registry.models import Registry
from s3_assets.sensors.requests import RANGE_END, RANGE_START
from s3_assets.tables.check_settings import RowCountCheck, SchemaCheck
from s3_assets.tables.table import Table
from s3_assets.windows import Slice

_PARTITION = "dagster/partition"
_REMEMBERED = 20


def asset_checks(registry: Registry, assets: Iterable[object]) -> list[dg.AssetChecksDefinition]:
    """Return the checks of all tables that declare some; `assets` are those that may have partitions."""
    declared = {name: rules(each.checks) for name, each in registry.tables.items() if each.checks is not None}
    if not declared:
        return []
    partitions = {
        spec.key: spec.partitions_def
        for asset in assets
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.specs
    }
    keys = {name: dg.AssetKey(registry.assets.of(name)) for name in declared}
    return [
        _checks_of(registry, name, keys[name], each, partitions.get(keys[name]))
        for name, each in declared.items()
    ]


def check_specs(key: dg.AssetKey, declared: Sequence[Rule]) -> list[dg.AssetCheckSpec]:
    """Return the specs of a table's checks."""
    return [
        dg.AssetCheckSpec(
            rule.name,
            asset=key,
            description=rule.description,
            blocking=rule.blocking,
            metadata={f"{OURS}/severity": rule.severity, f"{OURS}/before_commit": rule.before_commit},
        )
        for rule in declared
    ]


def _checks_of(
    registry: Registry,
    name: str,
    key: dg.AssetKey,
    declared: Sequence[Rule],
    partitions: dg.PartitionsDefinition | None,
) -> dg.AssetChecksDefinition:
    # Those that compare need what was known before.
    remembers = any(_remembers(rule) for rule in declared)

    def run(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        operation = context.op_execution_context
        only = {each.name for each in operation.selected_asset_check_keys}
        table = registry.table(name)
        part = _part(table, operation, partitions)
        memory = _Memory(operation.instance, key) if remembers else None
        with observed_step(registry, f"checks of {name}", operation, key):
            outcomes = check_table(table, part=part, known=memory, only=only)
        for found in outcomes:
            (context.log.info if found.passed else context.log.warning)("%s: %s", name, found.sentence)
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=found.name,
                passed=found.passed,
                severity=severity_of(found),
                description=found.sentence,
                metadata=outcome_metadata(found),
            )

    # The op's name has room for no slashes, and its own beside the asset's.
    called = f"{key.to_python_identifier()}__checks"
    definition: dg.AssetChecksDefinition = dg.multi_asset_check(
        name=called,
        specs=check_specs(key, declared),
        can_subset=True,
        pool=registry.tables[name].connection,
        description=f"Checks of {name}, by one look at it.",
    )(run)
    return definition


def _remembers(rule: Rule) -> bool:
    settings = rule.settings
    if isinstance(settings, SchemaCheck):
        return settings.columns is None
    return isinstance(settings, RowCountCheck) and settings.change is not None


def _part(
    table: Table[Any], context: dg.OpExecutionContext, partitions: dg.PartitionsDefinition | None
) -> Slice | None:
    """Return the partitions of the run, if it is one of partitions and the asset has them."""
    tags: Mapping[str, str] = context.run.tags
    if partitions is None:
        return None
    first, last = tags.get(RANGE_START), tags.get(RANGE_END)
    if first is not None and last is not None:
        span = dg.PartitionKeyRange(first, last)
        timed = isinstance(partitions, dg.TimeWindowPartitionsDefinition)
        more: dict[str, Any] = {} if timed else {"dynamic_partitions_store": context.instance}
        keys = list(partitions.get_partition_keys_in_range(span, **more))
    elif _PARTITION in tags:
        keys = [tags[_PARTITION]]
    else:
        return None
    return one(slices_of(partitions, keys, table), table.name)


class _Memory:
    """What Dagster's events told of a table, before it was as it is now."""

    def __init__(self, instance: dg.DagsterInstance, key: dg.AssetKey) -> None:
        self._instance = instance
        self._key = key

    def __call__(self, version: str) -> Known:
        """Return what was last told of another version than this one."""
        records = [
            *self._instance.fetch_materializations(self._key, limit=_REMEMBERED).records,
            *self._instance.fetch_observations(self._key, limit=_REMEMBERED).records,
        ]
        columns: Mapping[str, str] | None = None
        rows: int | None = None
        for record in sorted(records, key=lambda each: each.timestamp, reverse=True):
            event = record.asset_materialization or record.event_log_entry.asset_observation
            metadata = event.metadata if event is not None else {}
            told = metadata.get(VERSION)
            if told is None or told.value == version:
                continue
            schema, count = metadata.get(COLUMNS), metadata.get(ROWS)
            if columns is None and isinstance(schema, dg.TableSchemaMetadataValue):
                columns = {each.name: each.type for each in schema.schema.columns}
            if rows is None and count is not None and isinstance(count.value, int):
                rows = count.value
        return Known(columns, rows)
