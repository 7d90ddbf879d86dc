"""What a user's asset returned, as the rows of its table: which are replaced, and with which cursors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import MissingError
from s3_assets.incremental.commit import Written, commit_frame, open_writer
from s3_assets.incremental.overwrite import overwrite
from s3_assets.incremental.run_notes import ASSET, RUN, began, write_reads
from s3_assets.io_managers.inputs import no_rows
from s3_assets.io_managers.options import write_mode
from s3_assets.io_managers.slices import one, slices_of
from s3_assets.metadata import OURS, partition_rows, read_metadata, state_metadata, written_metadata
from s3_assets.metadata.kept import kept_metadata
from s3_assets.metadata.keys import PARTITION_ROWS, VERSION
from s3_assets.tables.table import Capability, WriteMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from s3_assets.io_managers.step import Step
    from s3_assets.metadata.preview import Preview
    from s3_assets.tables.table import Table
    from s3_assets.windows import Slice


class TableOutput:
    """One output: what its asset's partitions and inputs mean for the table that is written."""

    def __init__(self, context: dg.OutputContext, step: Step, target: Table[Any], preview: Preview) -> None:
        self._context = context
        self._step = step
        self._target = target
        self._preview = preview
        self._slices = self._partitions()

    def write(self, frame: pl.LazyFrame) -> None:
        """Write the rows in one commit, and tell of it."""
        if not frame.collect_schema():
            try:
                frame = no_rows(self._target)
            except MissingError:
                self._context.log.info("there are neither columns nor a table, so nothing was written")
                return
        started = time.monotonic()
        written = self._write(frame)
        self._tell(written, round(time.monotonic() - started, 3))

    def _partitions(self) -> Mapping[str, Slice] | None:
        """Return what the run's partitions are in the table; None for an asset without."""
        context = self._context
        if not context.has_asset_partitions:
            return None
        return slices_of(context.asset_partitions_def, context.asset_partition_keys, self._target)

    def _write(self, frame: pl.LazyFrame) -> Written | None:
        context, step, target = self._context, self._step, self._target
        mode = write_mode(
            context.definition_metadata or {},
            target.name,
            incremental=bool(step.streams),
            partitioned=self._slices is not None,
        )
        progress = self._preview.progress(f"writing {target.name}", context.log.info)
        notes = {RUN: context.run_id, ASSET: target.name, **began(step.began), **write_reads(step.reads)}
        window = one(self._slices, target.name) if self._slices is not None else None
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

    def _tell(self, written: Written | None, seconds: float) -> None:
        context, target = self._context, self._target
        execution = dg.AssetExecutionContext.get()
        found = {
            **read_metadata(self._step.plans),
            **written_metadata(written, target.settings),
            **state_metadata(target),
            **_cursors(self._step, written),
            **self._preview.metadata(),
            f"{OURS}/seconds": seconds,
        }
        if written is None:
            found |= kept_metadata(execution.instance, context.asset_key, found, preview=self._preview.wanted)
        context.add_output_metadata(found)
        if self._slices is None and VERSION in found:
            # Dagster would derive a new one from each run, also from one that had nothing to write.
            execution.set_data_version(context.asset_key, dg.DataVersion(found[VERSION]))
        if self._slices is not None and written is not None:
            # What was appended is not all that the partition has.
            what = f"{OURS}/partition_rows_written" if self._step.streams else PARTITION_ROWS
            for key, rows in partition_rows(target, written, self._slices).items():
                execution.add_asset_metadata({what: rows}, asset_key=context.asset_key, partition_key=key)


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
