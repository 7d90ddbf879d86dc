"""What a user's asset returned, as the files of the export of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import PartitionColumnError, UnsupportedError
from s3_assets.export_metadata import content_version, export_metadata, summary
from s3_assets.export_runs import PartitionsRun
from s3_assets.exports.units import ExportMode
from s3_assets.incremental.run_notes import ASSET, RUN, began, write_reads
from s3_assets.metadata import OURS, read_metadata
from s3_assets.partitions import unbroken, windows_in
from s3_assets.tables.guard import refuse_outside
from s3_assets.tables.partitioning import bounds
from s3_assets.tables.regions import Region

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from s3_assets.exports.export import Export
    from s3_assets.exports.outcome import ExportOutcome
    from s3_assets.io_managers.step import Step
    from s3_assets.metadata.preview import Preview
    from s3_assets.registry.models import Registry
    from s3_assets.tables.settings import Partitions
    from s3_assets.windows import Window


def refuse_loading(registry: Registry, name: str) -> None:
    """Raise `UnsupportedError` for an export that is to be loaded as an input."""
    if name not in registry.exports:
        return
    source = registry.exports[name].source
    remedy = "Read what it was made of; or declare a table of its folder under another name, and read that."
    raise UnsupportedError(
        "an export is files for others, and no input",
        remedy=f"Read its source, '{source}'." if source is not None else remedy,
        table=name,
    )


class ExportOutput:
    """One output: what its asset's partitions and inputs mean for its export."""

    def __init__(
        self,
        context: dg.OutputContext,
        step: Step,
        export: Export,
        by: Partitions | None,
        preview: Preview,
    ) -> None:
        self._context = context
        self._preview = preview
        self._step = step
        self._export = export
        self._by = by
        """The export's own partitions: the column by which rows are told apart, and the length of each."""
        self._execution = dg.AssetExecutionContext.get()
        self._keys = list(context.asset_partition_keys) if context.has_asset_partitions else []
        self._refuse()

    def write(self, frame: pl.LazyFrame) -> None:
        """Export the rows, a unit for each of the run's partitions, and tell of it."""
        if self._step.nothing_new:
            self._context.log.info("%s: nothing new, so nothing was written", self._export.name)
            self._tell({f"{OURS}/skipped": True, f"{OURS}/rows_written": 0}, None)
        elif self._export.mode is ExportMode.PARTITIONS:
            self._write_partitions(frame)
        else:
            self._write_whole(frame)

    def _write_whole(self, frame: pl.LazyFrame) -> None:
        if self._keys and self._by is not None:
            self._windows(frame, self._by)
        outcome = self._export.write(frame, streams=self._step.read, **self._told())
        self._context.log.info("%s", summary(self._export, outcome))
        metadata = {**export_metadata(self._export, outcome), **self._preview.metadata()}
        self._tell(metadata | self._cursors(outcome), content_version(outcome.manifests))

    def _write_partitions(self, frame: pl.LazyFrame) -> None:
        told = self._told()
        done = PartitionsRun(self._execution, self._context.asset_key, self._export, self._preview)
        with done.told_if_cut_short():
            for key, window, rows in self._units(frame):
                done.add(key, self._export.write(rows, window=window, partition_key=key, **told))
        metadata, version = done.end()
        self._tell(metadata, version.value if version is not None else None)

    def _units(self, frame: pl.LazyFrame) -> Iterator[tuple[str, Window | None, pl.LazyFrame]]:
        """Yield the rows of each of the run's partitions; nothing is yielded if some rows are of none."""
        if self._by is None:
            yield self._keys[0], None, frame
            return
        windows = self._windows(frame, self._by)
        schema = frame.collect_schema()
        for key, window in windows.items():
            if not schema:
                yield key, window, frame
                continue
            inside = bounds(self._by, window, schema[self._by.column], self._export.name)
            yield key, window, frame.filter(inside.expression())

    def _windows(self, frame: pl.LazyFrame, by: Partitions) -> Mapping[str, Window]:
        """Return the run's partitions; raises `RowsOutsideWindowError` for rows that are of none of them."""
        name = self._export.name
        windows = windows_in(self._context.asset_partitions_def, self._keys, by, name, "export")
        longer = [key for key, window in windows.items() if len(window.steps()) > 1]
        if longer and self._export.mode is ExportMode.PARTITIONS:
            raise self._misfit(
                f"the asset's partition {longer[0]} is several of the export's, one per {by.every}",
                "Give both partitions of one length.",
            )
        schema = frame.collect_schema()
        if schema:
            _require_column(by, schema, name)
            whole = unbroken(windows, name)
            refuse_outside(frame, Region.of(bounds(by, whole, schema[by.column], name)))
        return windows

    def _told(self) -> dict[str, Any]:
        step, run = self._step, self._context.run_id
        return {
            "sources": step.sources,
            "moment": step.began,
            "run": run,
            "notes": {RUN: run, ASSET: self._export.name, **began(step.began), **write_reads(step.reads)},
            "progress": self._preview.progress(f"export {self._export.name}", self._context.log.info),
        }

    def _tell(self, metadata: Mapping[str, Any], version: str | None) -> None:
        self._context.add_output_metadata({**metadata, **read_metadata(self._step.plans)})
        if version is not None:
            self._execution.set_data_version(self._context.asset_key, dg.DataVersion(version))

    def _refuse(self) -> None:
        """Raise `UnsupportedError` for an asset whose runs would lose rows of its export, or double them."""
        mode, streams, keys = self._export.mode, bool(self._step.streams), len(self._keys)
        if streams and mode is not ExportMode.INCREMENTAL:
            raise self._misfit(
                f"an input reads only what was added, and mode '{mode}' would drop what was exported before",
                "Set mode: incremental, or read with read_mode: current.",
            )
        if mode is ExportMode.PARTITIONS and not keys:
            raise self._misfit(
                "the asset has no partitions, and its export is of mode 'partitions'",
                "Give the asset a partitions_def, or set mode: full.",
            )
        if mode is ExportMode.FULL and keys:
            raise self._misfit(
                "the run is of partitions, and mode 'full' would replace the files of the others",
                "Set mode: partitions.",
            )
        if mode is ExportMode.INCREMENTAL and keys and not streams:
            raise self._misfit(
                "the run is of partitions, and a second one would add their rows once more",
                "Set mode: partitions; or read an input with read_mode: added: its cursor tells what is new.",
            )
        if mode is ExportMode.PARTITIONS and keys > 1 and self._by is None:
            raise self._misfit(
                f"the run is of {keys} partitions, and nothing says which rows are whose",
                "Add 'partitions' with its column to the export, or run one partition at a time.",
            )

    def _misfit(self, found: str, remedy: str) -> UnsupportedError:
        return UnsupportedError(found, remedy=remedy, table=self._export.name)

    def _cursors(self, outcome: ExportOutcome) -> dict[str, Any]:
        """Return from where to where each input was read, as the manifest has it; of a range its last."""
        found: dict[str, Any] = {}
        for cursor in outcome.manifests[-1].document["cursors"] if outcome.manifests else ():
            source = cursor["stream"].removeprefix(f"{self._export.name}/").partition("@")[0]
            if cursor["from"] is not None:
                found[f"{OURS}/cursor_from/{source}"] = cursor["from"]
            found[f"{OURS}/cursor_to/{source}"] = cursor["to"]
        return found


def _require_column(by: Partitions, schema: pl.Schema, name: str) -> None:
    if by.column not in schema:
        raise PartitionColumnError(
            f"the partition column '{by.column}' is not among the columns {', '.join(schema)}",
            remedy="Add it to the rows, or name one of these in the export's partitions.",
            table=name,
        )
