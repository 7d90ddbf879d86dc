"""Loading inputs and handling outputs: which rows, and with which cursors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import dagster as dg

from s3_assets.check_events import told_checks
from s3_assets.errors import UnsupportedError
from s3_assets.io_managers.inputs import CurrentInput, no_rows, reading
from s3_assets.io_managers.options import read_mode, reads_all_partitions
from s3_assets.io_managers.outputs import TableOutput
from s3_assets.io_managers.owners import CursorOwner
from s3_assets.io_managers.returned import Returned
from s3_assets.io_managers.step import Step
from s3_assets.io_managers.streams import plan_streams, together
from s3_assets.io_managers.wanted import Wanted
from s3_assets.io_managers.windows import execution_of, stream_windows
from s3_assets.metadata.preview import Preview
from s3_assets.observing import observation_of
from s3_assets.tables.naming import naming
from s3_assets.tables.table import Capability, ReadMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from s3_assets.observing import Observation
    from s3_assets.registry.models import Registry
    from s3_assets.tables.table import Table


class S3TableIOManager(dg.IOManager):
    """Reads and writes the tables of a registry: an asset's key, joined with `/`, is its table's name.

    Inputs arrive as they are annotated: `pl.LazyFrame` (default), `pl.DataFrame`, `pa.Table` or
    `pa.RecordBatchReader`, as `dict[str, ...]` of these one for each partition, with `| None` as None where
    there is no table yet. A run of partitions reads only these, or those that its partition mapping says;
    `AssetIn(metadata={"partitions": "all"})` reads all of them, `AssetIn(metadata={"read_mode": "added"})`
    what was added since this consumer last succeeded.

    Outputs may be the same, any Arrow stream, or an iterator of batches. Those of partitioned assets replace
    the run's partitions: spans of time in the column of `partitions`, keys in those of `partition_columns`.
    Others replace the whole table. No rows empty what they replace. With an input that reads what was added
    or changed, rows are appended, by a run of partitions inside of these: each partition has a cursor of its
    own then. With metadata `{"write_mode": "append"}` they are, too, without partitions. An asset that
    returns None writes nothing, and has not read what was added.

    What an asset returns whose key is the name of an export without a source becomes the files of that one:
    one unit, or one for each of the run's partitions. Exports are no inputs.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # A retry of a step has a context of its own, and a step that failed takes what it read with it.
        self._steps: WeakKeyDictionary[dg.AssetExecutionContext, Step] = WeakKeyDictionary()

    def load_input(self, context: dg.InputContext) -> Any:  # noqa: ANN401 - as the input is annotated
        """Return the rows of an upstream table."""
        with self._observed(context):
            return self._load(context)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401 - what the user returned
        """Write what the asset returned to its table, or to the files of its export."""
        with self._observed(context) as observation:
            self._handle(context, obj)
            if observation is not None:
                context.add_output_metadata(observation.metadata())
        if observation is not None:
            observation.end(context.log)

    def _load(self, context: dg.InputContext) -> Any:  # noqa: ANN401 - as the input is annotated
        name = self._name(context)
        if name in self._registry.exports:
            from s3_assets.io_managers.exports import refuse_loading

            refuse_loading(self._registry, name)
        source = self._registry.table(name)
        options = context.definition_metadata or {}
        mode = read_mode(options, name)
        wanted = Wanted.of(context, name)
        step = self._step()
        if mode is ReadMode.CURRENT:
            found = CurrentInput(context, source, step, self._own_columns())
            return found.read(wanted, everything=reads_all_partitions(options, name))
        if wanted.by_partition:
            raise UnsupportedError(
                f"the input '{context.name}' is annotated as a dict of partitions, and read_mode {mode} "
                "reads what is new of all of them",
                remedy="Annotate it as one frame, or read with read_mode: current.",
                table=name,
            )
        return wanted.made_of(self._read_streams(context, step, source, mode), source)

    def _handle(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401 - what the user returned
        if obj is None:
            context.log.info("the asset returned nothing, so nothing was written")
            return
        _refuse_mapped(context)
        step, name = self._step(), self._name(context)
        with Returned.of(obj, name).opened() as frame:
            preview = Preview(self._registry.preview_of(name, step.plans))
            if name in self._registry.exports:
                from s3_assets.io_managers.exports import ExportOutput

                by, export = self._registry.exports[name].partitions, self._registry.export(name)
                ExportOutput(context, step, export, by, preview).write(frame)
            else:
                target = self._registry.table(name)
                target.shown = self._registry.preview_of(name, step.plans)
                with naming(target), told_checks(execution_of(), context.asset_key):
                    TableOutput(context, step, target, preview).write(frame)

    def _read_streams(
        self, context: dg.InputContext, step: Step, source: Table[Any], mode: ReadMode
    ) -> pl.LazyFrame:
        """Return what is new for the consumer, whose table has the cursor."""
        execution = execution_of()
        consumers = execution.selected_asset_keys if execution else set()
        if execution is None or len(consumers) != 1:
            raise UnsupportedError(
                f"read_mode {mode} was asked for by a step of {len(consumers)} assets, "
                "and each cursor has one owner",
                remedy="Give the consumer an asset of its own.",
                table=source.name,
            )
        source.require(Capability.READ_ADDED if mode is ReadMode.ADDED else Capability.READ_CHANGES)
        if step.owner is None:
            # One handle for all inputs and for the commit: it pins the state that the cursors come from.
            step.owner = self._owner(self._registry.assets.name(next(iter(consumers)).path))
        own, read = stream_windows(context, execution, step.owner, source)
        plans = plan_streams(step, source, mode, own, read)
        for plan in plans:
            context.log.info("%s", reading(source, mode, plan))
        frame = together(plans)
        return frame if frame.collect_schema() else no_rows(source)

    def _owner(self, name: str) -> CursorOwner:
        exports = self._registry.exports
        if name in exports:
            return CursorOwner.of_export(self._registry.export(name), exports[name].partitions)
        return CursorOwner.of_table(self._registry.table(name))

    @contextmanager
    def _observed(self, context: dg.InputContext | dg.OutputContext) -> Iterator[Observation | None]:
        """Count what is asked of S3 in the block, on behalf of the step."""
        execution = execution_of()
        if execution is None:
            yield None
            return
        step = self._step()
        if step.observation is None:
            step.observation = observation_of(
                self._registry, f"asset {execution.assets_def.node_def.name}", execution
            )
        with step.observation.active(context.log):
            yield step.observation

    def _step(self) -> Step:
        execution = execution_of()
        return Step() if execution is None else self._steps.setdefault(execution, Step())

    def _name(self, context: dg.InputContext | dg.OutputContext) -> str:
        """Return the name of the asset's table or export."""
        if not context.has_asset_key:
            raise UnsupportedError(
                f"'{context.name}' belongs to no asset, and only assets have tables",
                remedy="Give it an IO manager of its own by io_manager_key.",
            )
        return self._registry.assets.name(context.asset_key.path)

    def _own_columns(self) -> set[str]:
        """Return the columns in which the tables of the step's assets have their partition keys."""
        execution = execution_of()
        names = (
            [self._registry.assets.name(key.path) for key in execution.selected_asset_keys]
            if execution
            else []
        )
        tables = self._registry.tables
        return {column for name in names if name in tables for column in tables[name].key_columns}


def _refuse_mapped(context: dg.OutputContext) -> None:
    """Raise `UnsupportedError` for one of the outputs of a DynamicOut: each would replace the one before."""
    if context.mapping_key is not None:
        raise UnsupportedError(
            f"'{context.name}' is one of several dynamic outputs ('{context.mapping_key}'), and a table is "
            "written by one",
            remedy="Collect them in an op, and return their rows from it; give the dynamic outputs an IO "
            "manager of their own.",
        )
