"""Loading inputs and handling outputs: which rows, and with which cursors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import dagster as dg

from s3_assets.errors import UnsupportedError
from s3_assets.incremental.append import read_stream
from s3_assets.incremental.commit import StreamRead, Written, commit_frame, open_writer
from s3_assets.incremental.overwrite import overwrite
from s3_assets.io_managers.frames import as_annotated, as_frame, require_annotation
from s3_assets.io_managers.options import appending_partitions, read_mode, reads_all_partitions, write_mode
from s3_assets.metadata import OURS, partition_rows, read_metadata, state_metadata, written_metadata
from s3_assets.partitions import unbroken, windows_of
from s3_assets.progress import Progress
from s3_assets.tables.table import Capability, ReadMode, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.registry.models import Registry
    from s3_assets.tables.table import Plan, Table, Writer
    from s3_assets.windows import Window


@dataclass
class _Step:
    """What one step has read so far, for its outputs."""

    plans: dict[str, Plan] = field(default_factory=dict)
    streams: dict[str, StreamRead] = field(default_factory=dict)
    target: Table[Any] | None = None
    writer: Writer | None = None

    @property
    def nothing_new(self) -> bool:
        return bool(self.streams) and all(self.plans[name].empty for name in self.streams)


class S3TableIOManager(dg.IOManager):
    """Reads and writes the tables of a registry: an asset's key, joined with `/`, is its table's name.

    Inputs arrive as `pl.LazyFrame` (default), `pl.DataFrame` or `pa.Table`, as they are annotated. A run of
    partitions reads only these; `AssetIn(metadata={"partitions": "all"})` reads all of them, and
    `AssetIn(metadata={"read_mode": "added"})` what was added since this consumer last succeeded.

    Outputs of partitioned assets replace the run's partitions, others the whole table; with an input that
    reads what was added, or with metadata `{"write_mode": "append"}`, rows are appended. An asset that
    returns None writes nothing, and has not read what was added.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # A retry of a step has a context of its own, and a step that failed takes what it read with it.
        self._steps: WeakKeyDictionary[dg.AssetExecutionContext, _Step] = WeakKeyDictionary()

    def load_input(self, context: dg.InputContext) -> Any:  # noqa: ANN401 - as the input is annotated
        """Return the rows of an upstream table."""
        source = self._table(context)
        options = context.definition_metadata or {}
        mode = read_mode(options, source.name)
        require_annotation(context, source.name)
        step = self._step()
        if mode is ReadMode.CURRENT:
            windows = None if reads_all_partitions(options, source.name) else _input_windows(context, source)
            if windows is not None and not windows:
                context.log.info("reading %s: none of its partitions is there yet", source.name)
                return as_annotated(_no_rows(source), context)
            plan = source.plan(window=unbroken(windows, source.name) if windows else None)
        else:
            plan = self._plan_stream(step, source, mode)
        step.plans[source.name] = plan
        context.log.info("%s", _reading(source, mode, plan))
        if plan.empty and not plan.frame.collect_schema():
            return as_annotated(_no_rows(source), context)
        return as_annotated(plan.frame, context)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401 - what the user returned
        """Write what the asset returned to its table."""
        if obj is None:
            context.log.info("the asset returned nothing, so nothing was written")
            return
        step = self._step()
        target = self._table(context)
        frame = as_frame(obj, target.name)
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        windows = windows_of(context.asset_partitions_def, keys, target) if keys is not None else None
        written = self._write(context, step, target, frame, windows)
        state = state_metadata(target)
        cursors = _cursors(step, written)
        context.add_output_metadata(
            {**state, **read_metadata(step.plans), **written_metadata(written), **cursors}
        )
        execution = dg.AssetExecutionContext.get()
        if windows is None and f"{OURS}/version" in state:
            # Dagster would derive a new one from each run, also from one that had nothing to write.
            execution.set_data_version(context.asset_key, dg.DataVersion(state[f"{OURS}/version"]))
        if windows is not None and written is not None:
            for key, rows in partition_rows(target, written, windows).items():
                execution.add_asset_metadata(
                    {"dagster/partition_row_count": rows}, asset_key=context.asset_key, partition_key=key
                )

    def _write(
        self,
        context: dg.OutputContext,
        step: _Step,
        target: Table[Any],
        frame: pl.LazyFrame,
        windows: Mapping[str, Window] | None,
    ) -> Written | None:
        options = context.definition_metadata or {}
        partitioned = windows is not None
        mode = write_mode(options, target.name, incremental=bool(step.streams), partitioned=partitioned)
        progress = Progress(f"writing {target.name}", context.log.info)
        notes = {"run": context.run_id, "asset": target.name}
        if mode is not WriteMode.APPEND:
            window = unbroken(windows, target.name) if windows is not None else None
            return overwrite(target, frame, window=window, notes=notes, progress=progress)
        target.require(Capability.TRANSACTIONS)
        if step.nothing_new:
            context.log.info("%s: nothing new, so nothing was written", target.name)
            return None
        writer = step.writer if step.streams else open_writer(target)
        streams = list(step.streams.values())
        return commit_frame(
            target, writer, frame, WriteMode.APPEND, streams=streams, notes=notes, progress=progress
        )

    def _plan_stream(self, step: _Step, source: Table[Any], mode: ReadMode) -> Plan:
        execution = _execution()
        consumers = execution.selected_asset_keys if execution else set()
        if execution is None or len(consumers) != 1:
            raise UnsupportedError(
                f"read_mode {mode} was asked for by a step of {len(consumers)} assets, "
                "and each cursor has one owner",
                remedy="Give the consumer an asset of its own.",
                table=source.name,
            )
        if execution.has_partition_key or execution.has_partition_key_range:
            raise appending_partitions("/".join(next(iter(consumers)).path))
        source.require(Capability.READ_ADDED if mode is ReadMode.ADDED else Capability.READ_CHANGES)
        if step.target is None:
            step.target = self._registry.table("/".join(next(iter(consumers)).path))
            step.target.require(Capability.TRANSACTIONS)
            # One handle for all inputs and for the commit: it pins the state that the cursors come from.
            step.writer = open_writer(step.target)
        stream = f"{step.target.name}/{source.name}"
        plan, step.streams[source.name] = read_stream(step.target, step.writer, stream, source, mode)
        return plan

    def _table(self, context: dg.InputContext | dg.OutputContext) -> Table[Any]:
        if not context.has_asset_key:
            raise UnsupportedError(
                f"'{context.name}' belongs to no asset, and only assets have tables",
                remedy="Give it an IO manager of its own by io_manager_key.",
            )
        return self._registry.table("/".join(context.asset_key.path))

    def _step(self) -> _Step:
        execution = _execution()
        return _Step() if execution is None else self._steps.setdefault(execution, _Step())


def _execution() -> dg.AssetExecutionContext | None:
    """Return the step of an asset; None in an asset check, and where a value is loaded outside of a run."""
    try:
        return dg.AssetExecutionContext.get()
    except dg.DagsterInvariantViolationError:
        return None


def _input_windows(context: dg.InputContext, source: Table[Any]) -> dict[str, Window] | None:
    """Return the partitions to read, by key; None: the whole table."""
    if source.settings.partitions is None:
        return None
    execution = _execution()
    of_partitions = execution is not None and (
        execution.has_partition_key or execution.has_partition_key_range
    )
    if context.has_asset_partitions:
        keys, definition = context.asset_partition_keys, context.asset_partitions_def
        # Dagster knows of no partition that has not ended, or lies before the first; the table may.
        if not of_partitions and set(keys) == set(definition.get_partition_keys()):
            return None
        return windows_of(definition, keys, source)
    if execution is None or not of_partitions:
        return None
    return windows_of(execution.assets_def.partitions_def, execution.partition_keys, source)


def _no_rows(source: Table[Any]) -> pl.LazyFrame:
    import polars as pl

    return pl.LazyFrame(schema=source.schema())


def _reading(source: Table[Any], mode: ReadMode, plan: Plan) -> str:
    of = f" of {plan.total_files}" if plan.total_files is not None else ""
    of_bytes = f" of {plan.total_bytes:,}" if plan.total_bytes is not None else ""
    return f"reading {source.name} ({mode}): {plan.files}{of} files, {plan.bytes:,}{of_bytes} bytes"


def _cursors(step: _Step, written: Written | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, read in step.streams.items():
        if read.since is not None:
            found[f"{OURS}/cursor_from/{name}"] = read.since.describe()
        after = written.cursors.get(read.cursors.stream) if written is not None else None
        if after is not None:
            found[f"{OURS}/cursor_to/{name}"] = after.describe()
    return found
