"""Loading inputs and handling outputs: which rows, and with which cursors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import dagster as dg

from s3_assets.errors import UnsupportedError
from s3_assets.incremental.commit import Written, commit_frame, open_writer
from s3_assets.incremental.overwrite import overwrite
from s3_assets.incremental.run_notes import ASSET, RUN, ReadNote, began, write_reads
from s3_assets.io_managers.exports import ExportOutput, refuse_loading
from s3_assets.io_managers.frames import as_annotated, as_frame, require_annotation
from s3_assets.io_managers.options import read_mode, reads_all_partitions, write_mode
from s3_assets.io_managers.owners import CursorOwner
from s3_assets.io_managers.step import Step
from s3_assets.io_managers.streams import plan_streams, together
from s3_assets.io_managers.windows import execution_of, input_windows, stream_windows
from s3_assets.metadata import OURS, partition_rows, read_metadata, state_metadata, written_metadata
from s3_assets.metadata.kept import kept_metadata
from s3_assets.metadata.keys import PARTITION_ROWS, VERSION
from s3_assets.metadata.preview import Preview
from s3_assets.partitions import unbroken, windows_of
from s3_assets.tables.table import Capability, ReadMode, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.registry.models import Registry
    from s3_assets.tables.table import Plan, Table
    from s3_assets.windows import Window


class S3TableIOManager(dg.IOManager):
    """Reads and writes the tables of a registry: an asset's key, joined with `/`, is its table's name.

    Inputs arrive as `pl.LazyFrame` (default), `pl.DataFrame` or `pa.Table`, as they are annotated. A run of
    partitions reads only these; `AssetIn(metadata={"partitions": "all"})` reads all of them, and
    `AssetIn(metadata={"read_mode": "added"})` what was added since this consumer last succeeded.

    Outputs of partitioned assets replace the run's partitions, others the whole table. With an input that
    reads what was added or changed, rows are appended, by a run of partitions inside of these: each partition
    has a cursor of its own then. With metadata `{"write_mode": "append"}` they are, too, without partitions.
    An asset that returns None writes nothing, and has not read what was added.

    What an asset returns whose key is the name of an export without a source becomes the files of that one:
    one unit, or one for each of the run's partitions. Exports are no inputs.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # A retry of a step has a context of its own, and a step that failed takes what it read with it.
        self._steps: WeakKeyDictionary[dg.AssetExecutionContext, Step] = WeakKeyDictionary()

    def load_input(self, context: dg.InputContext) -> Any:  # noqa: ANN401 - as the input is annotated
        """Return the rows of an upstream table."""
        refuse_loading(self._registry, _name(context))
        source = self._registry.table(_name(context))
        options = context.definition_metadata or {}
        mode = read_mode(options, source.name)
        require_annotation(context, source.name)
        step = self._step()
        if mode is not ReadMode.CURRENT:
            return self._read_streams(context, step, source, mode)
        windows = None if reads_all_partitions(options, source.name) else input_windows(context, source)
        if windows is not None and not windows:
            context.log.info("reading %s: none of its partitions is there yet", source.name)
            return as_annotated(_no_rows(source), context)
        plan = source.plan(window=unbroken(windows, source.name) if windows else None)
        step.plans[source.name] = plan
        step.sources.append((source, plan))
        step.reads.append(ReadNote.of_source(source.name, plan))
        context.log.info("%s", _reading(source, mode, plan))
        if plan.empty and not plan.frame.collect_schema():
            return as_annotated(_no_rows(source), context)
        return as_annotated(plan.frame, context)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401 - what the user returned
        """Write what the asset returned to its table, or to the files of its export."""
        if obj is None:
            context.log.info("the asset returned nothing, so nothing was written")
            return
        step, name = self._step(), _name(context)
        if name in self._registry.exports:
            by, export = self._registry.exports[name].partitions, self._registry.export(name)
            preview = Preview(self._registry.preview_of(name, step.plans))
            ExportOutput(context, step, export, by, preview).write(as_frame(obj, name))
            return
        target = self._registry.table(name)
        frame = as_frame(obj, name)
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        windows = windows_of(context.asset_partitions_def, keys, target) if keys is not None else None
        preview = Preview(self._registry.preview_of(name, step.plans))
        started = time.monotonic()
        written = self._write(context, step, target, frame, windows, preview)
        execution = dg.AssetExecutionContext.get()
        found = {
            **read_metadata(step.plans),
            **written_metadata(written, target.settings),
            **state_metadata(target),
            **_cursors(step, written),
            **preview.metadata(),
            f"{OURS}/seconds": round(time.monotonic() - started, 3),
        }
        if written is None:
            found |= kept_metadata(execution.instance, context.asset_key, found, preview=preview.wanted)
        context.add_output_metadata(found)
        if windows is None and VERSION in found:
            # Dagster would derive a new one from each run, also from one that had nothing to write.
            execution.set_data_version(context.asset_key, dg.DataVersion(found[VERSION]))
        if windows is not None and written is not None:
            # What was appended is not all that the partition has.
            what = f"{OURS}/partition_rows_written" if step.streams else PARTITION_ROWS
            for key, rows in partition_rows(target, written, windows).items():
                execution.add_asset_metadata({what: rows}, asset_key=context.asset_key, partition_key=key)

    def _write(
        self,
        context: dg.OutputContext,
        step: Step,
        target: Table[Any],
        frame: pl.LazyFrame,
        windows: Mapping[str, Window] | None,
        preview: Preview,
    ) -> Written | None:
        options = context.definition_metadata or {}
        partitioned = windows is not None
        mode = write_mode(options, target.name, incremental=bool(step.streams), partitioned=partitioned)
        progress = preview.progress(f"writing {target.name}", context.log.info)
        notes = {RUN: context.run_id, ASSET: target.name, **began(step.began), **write_reads(step.reads)}
        window = unbroken(windows, target.name) if windows is not None else None
        if mode is not WriteMode.APPEND:
            return overwrite(target, frame, window=window, notes=notes, progress=progress)
        target.require(Capability.TRANSACTIONS)
        if step.nothing_new:
            context.log.info("%s: nothing new, so nothing was written", target.name)
            return None
        writer = step.owner.writer if step.owner is not None and step.streams else open_writer(target)
        return commit_frame(
            target,
            writer,
            frame,
            WriteMode.APPEND,
            window=window,
            streams=step.read,
            notes=notes,
            progress=progress,
        )

    def _read_streams(self, context: dg.InputContext, step: Step, source: Table[Any], mode: ReadMode) -> Any:  # noqa: ANN401 - as the input is annotated
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
            step.owner = self._owner("/".join(next(iter(consumers)).path))
        own, read = stream_windows(context, execution, step.owner, source)
        plans = plan_streams(step, source, mode, own, read)
        for plan in plans:
            context.log.info("%s", _reading(source, mode, plan))
        frame = together(plans)
        return as_annotated(frame if frame.collect_schema() else _no_rows(source), context)

    def _owner(self, name: str) -> CursorOwner:
        exports = self._registry.exports
        if name in exports:
            return CursorOwner.of_export(self._registry.export(name), exports[name].partitions)
        return CursorOwner.of_table(self._registry.table(name))

    def _step(self) -> Step:
        execution = execution_of()
        return Step() if execution is None else self._steps.setdefault(execution, Step())


def _name(context: dg.InputContext | dg.OutputContext) -> str:
    """Return the name of the asset's table or export."""
    if not context.has_asset_key:
        raise UnsupportedError(
            f"'{context.name}' belongs to no asset, and only assets have tables",
            remedy="Give it an IO manager of its own by io_manager_key.",
        )
    return "/".join(context.asset_key.path)


def _no_rows(source: Table[Any]) -> pl.LazyFrame:
    import polars as pl

    return pl.LazyFrame(schema=source.schema())


def _reading(source: Table[Any], mode: ReadMode, plan: Plan) -> str:
    of = f" of {plan.total_files}" if plan.total_files is not None else ""
    of_bytes = f" of {plan.total_bytes:,}" if plan.total_bytes is not None else ""
    return f"reading {source.name} ({mode}): {plan.files}{of} files, {plan.bytes:,}{of_bytes} bytes"


def _cursors(step: Step, written: Written | None) -> dict[str, Any]:
    """Return from where to where each input was read; of a range, that of its last partition."""
    found: dict[str, Any] = {}
    for name, reads in step.streams.items():
        for read in reads[-1:]:
            if read.since is not None:
                found[f"{OURS}/cursor_from/{name}"] = read.since.describe()
            after = written.cursors.get(read.cursors.stream) if written is not None else None
            if after is not None:
                found[f"{OURS}/cursor_to/{name}"] = after.describe()
    return found
