"""One IO manager for every table of the registry, in both directions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import UnsupportedError
from s3_assets.incremental.append import read_stream
from s3_assets.incremental.commit import StreamRead, Written, commit_frame, open_writer
from s3_assets.incremental.overwrite import overwrite
from s3_assets.metadata import partition_rows, read_metadata, state_metadata, written_metadata
from s3_assets.partitions import require_time_windows, window_of
from s3_assets.progress import Progress
from s3_assets.tables.table import Capability, ReadMode, WriteMode

if TYPE_CHECKING:
    import polars as pl

    from s3_assets.registry.models import Registry
    from s3_assets.tables.table import Plan, Table, Writer
    from s3_assets.windows import Window

READ_MODE = "read_mode"
PARTITIONS = "partitions"
WRITE_MODE = "write_mode"
_ALL = "all"


@dataclass
class _Step:
    """What one step has read so far, until its output is written."""

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
    reads what was added, or with metadata `{"write_mode": "append"}`, rows are appended.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._steps: dict[str, _Step] = {}

    def load_input(self, context: dg.InputContext) -> Any:  # noqa: ANN401 - as the input is annotated
        """Return the rows of an upstream table."""
        source = self._table(context.asset_key)
        options = {**(context.definition_metadata or {})}
        mode = _read_mode(options, source)
        step = self._step()
        if mode is ReadMode.CURRENT:
            window = None if options.get(PARTITIONS) == _ALL else _input_window(context, source)
            plan = source.plan(window=window)
        else:
            plan = self._plan_stream(step, source, mode)
        step.plans[source.name] = plan
        context.log.info(_reading(source, mode, plan))
        frame = plan.frame
        if plan.empty and not frame.collect_schema():
            import polars as pl

            frame = pl.LazyFrame(schema=source.schema())
        return _as_annotated(frame, context, source)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401 - what the user returned
        """Write what the asset returned to its table."""
        step = self._steps.pop(_step_key(), _Step())
        target = self._table(context.asset_key)
        if obj is None:
            context.log.info(f"{target.name}: the asset returned nothing, so nothing was written")
            return
        frame = _as_frame(obj, target)
        window = _output_window(context, target)
        progress = Progress(f"writing {target.name}", context.log.info)
        notes = {"run": context.run_id, "asset": target.name}
        written = self._write(context, step, target, frame, window, notes, progress)
        context.add_output_metadata(
            {
                **state_metadata(target),
                **read_metadata(step.plans),
                **written_metadata(written),
                **_cursors(step, written),
            }
        )
        if window is not None and written is not None:
            execution = dg.AssetExecutionContext.get()
            for key, rows in partition_rows(target, written, window).items():
                execution.add_asset_metadata(
                    {"dagster/partition_row_count": rows}, asset_key=context.asset_key, partition_key=key
                )

    def _write(
        self,
        context: dg.OutputContext,
        step: _Step,
        target: Table[Any],
        frame: pl.LazyFrame,
        window: Window | None,
        notes: dict[str, str],
        progress: Progress,
    ) -> Written | None:
        mode = _write_mode(context, step, target)
        if mode is not WriteMode.APPEND:
            return overwrite(target, frame, window=window, notes=notes, progress=progress)
        target.require(Capability.TRANSACTIONS)
        if step.nothing_new:
            context.log.info(f"{target.name}: nothing new, so nothing was written")
            return None
        writer = step.writer if step.streams else open_writer(target)
        return commit_frame(
            target,
            writer,
            frame,
            WriteMode.APPEND,
            streams=list(step.streams.values()),
            notes=notes,
            progress=progress,
        )

    def _plan_stream(self, step: _Step, source: Table[Any], mode: ReadMode) -> Plan:
        consumers = dg.AssetExecutionContext.get().selected_asset_keys
        if len(consumers) != 1:
            raise UnsupportedError(
                f"read_mode {mode} was asked for by a step of {len(consumers)} assets, and each cursor has one owner",
                remedy="Give the consumer an asset of its own.",
                table=source.name,
            )
        source.require(Capability.READ_ADDED if mode is ReadMode.ADDED else Capability.READ_CHANGES)
        if step.target is None:
            step.target = self._table(next(iter(consumers)))
            step.target.require(Capability.TRANSACTIONS)
            # One handle for all inputs and for the commit: it pins the state that the cursors come from.
            step.writer = open_writer(step.target)
        stream = f"{step.target.name}/{source.name}"
        plan, step.streams[source.name] = read_stream(step.target, step.writer, stream, source, mode)
        return plan

    def _table(self, key: dg.AssetKey) -> Table[Any]:
        return self._registry.table("/".join(key.path))

    def _step(self) -> _Step:
        return self._steps.setdefault(_step_key(), _Step())


def _step_key() -> str:
    execution = dg.AssetExecutionContext.get()
    return f"{execution.run.run_id}/{execution.op_execution_context.op_handle}/{execution.retry_number}"


def _read_mode(options: dict[str, Any], source: Table[Any]) -> ReadMode:
    text = str(options.get(READ_MODE, ReadMode.CURRENT))
    if text not in set(ReadMode):
        raise UnsupportedError(
            f"there is no read_mode '{text}'", remedy=f"Use one of {', '.join(ReadMode)}.", table=source.name
        )
    return ReadMode(text)


def _write_mode(context: dg.OutputContext, step: _Step, target: Table[Any]) -> WriteMode:
    named = (context.definition_metadata or {}).get(WRITE_MODE)
    if named not in {None, "append", "replace"}:
        raise UnsupportedError(
            f"there is no write_mode '{named}'", remedy="Use append or replace.", table=target.name
        )
    if context.has_asset_partitions:
        if step.streams or named == "append":
            raise UnsupportedError(
                "rows are to be appended, and a run of partitions replaces them",
                remedy="Leave partitions_def out: an appended table is partitioned by its column all the same.",
                table=target.name,
            )
        return WriteMode.OVERWRITE
    if step.streams and named == "replace":
        raise UnsupportedError(
            "an input reads only what was added, and write_mode replace would drop what was there",
            remedy="Leave write_mode out, or read with read_mode: current.",
            table=target.name,
        )
    return WriteMode.APPEND if step.streams or named == "append" else WriteMode.REPLACE


def _input_window(context: dg.InputContext, source: Table[Any]) -> Window | None:
    partitions = source.settings.partitions
    if partitions is None:
        return None
    if context.has_asset_partitions:
        require_time_windows(context.asset_partitions_def, source.name)
        _require_unbroken(context, source)
        return window_of(context.asset_partitions_time_window, partitions)
    execution = dg.AssetExecutionContext.get()
    if not execution.has_partition_key and not execution.has_partition_key_range:
        return None
    require_time_windows(execution.assets_def.partitions_def, source.name)
    return window_of(execution.partition_time_window, partitions)


def _require_unbroken(context: dg.InputContext, source: Table[Any]) -> None:
    span = context.asset_partitions_time_window
    definition = context.asset_partitions_def
    inside = (
        definition.get_partition_keys_in_time_window(span)
        if isinstance(definition, dg.TimeWindowPartitionsDefinition)
        else []
    )
    if set(context.asset_partition_keys) != set(inside):
        raise UnsupportedError(
            f"the run needs {len(context.asset_partition_keys)} partitions that are not one unbroken range",
            remedy="Run each range by itself, or map the input to an unbroken range.",
            table=source.name,
        )


def _output_window(context: dg.OutputContext, target: Table[Any]) -> Window | None:
    if not context.has_asset_partitions:
        return None
    require_time_windows(context.asset_partitions_def, target.name)
    partitions = target.settings.partitions
    if partitions is None:
        raise UnsupportedError(
            "the asset is partitioned, and its table says not by which column",
            remedy="Add 'partitions' with its column to the table in the registry.",
            table=target.name,
        )
    return window_of(context.asset_partitions_time_window, partitions)


def _as_annotated(frame: pl.LazyFrame, context: dg.InputContext, source: Table[Any]) -> Any:  # noqa: ANN401 - see the name
    import polars as pl
    import pyarrow as pa

    wanted = context.dagster_type.typing_type
    if wanted is pl.DataFrame:
        return frame.collect(engine="streaming")
    if wanted is pa.Table:
        return frame.collect(engine="streaming").to_arrow()
    if wanted in {pl.LazyFrame, Any}:
        return frame
    raise UnsupportedError(
        f"the input '{context.name}' is annotated as {wanted}",
        remedy="Annotate it as pl.LazyFrame, pl.DataFrame or pa.Table.",
        table=source.name,
    )


def _as_frame(obj: object, target: Table[Any]) -> pl.LazyFrame:
    import polars as pl
    import pyarrow as pa

    if isinstance(obj, pl.LazyFrame):
        return obj
    if isinstance(obj, pl.DataFrame):
        return obj.lazy()
    if isinstance(obj, pa.Table):
        frame = pl.from_arrow(obj)
        if isinstance(frame, pl.DataFrame):
            return frame.lazy()
    raise UnsupportedError(
        f"the asset returned a {type(obj).__name__}",
        remedy="Return a pl.LazyFrame, pl.DataFrame or pa.Table.",
        table=target.name,
    )


def _reading(source: Table[Any], mode: ReadMode, plan: Plan) -> str:
    of = f" of {plan.total_files}" if plan.total_files is not None else ""
    return f"reading {source.name} ({mode}): {plan.files}{of} files, {plan.bytes:,} bytes"


def _cursors(step: _Step, written: Written | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, read in step.streams.items():
        if read.since is not None:
            found[f"s3_assets/cursor_from/{name}"] = read.since.describe()
        after = written.cursors.get(read.cursors.stream) if written is not None else None
        if after is not None:
            found[f"s3_assets/cursor_to/{name}"] = after.describe()
    return found
