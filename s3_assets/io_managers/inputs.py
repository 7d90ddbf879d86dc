"""Reading inputs as they are now: the partitions that Dagster maps a run to, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import DataFilesMissingError, TableMissingError, UnsupportedError
from s3_assets.incremental.run_notes import ReadNote
from s3_assets.io_managers.slices import joined, slices_of
from s3_assets.io_managers.streams import together
from s3_assets.io_managers.windows import execution_of, of_partitions
from s3_assets.metrics import phase

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import polars as pl

    from s3_assets.io_managers.step import Step
    from s3_assets.io_managers.wanted import Wanted
    from s3_assets.tables.table import Plan, ReadMode, Table
    from s3_assets.windows import Slice


class CurrentInput:
    """One input: what its consumer's partitions and its annotation mean for the table that is read."""

    def __init__(
        self, context: dg.InputContext, source: Table[Any], step: Step, own_columns: Collection[str]
    ) -> None:
        self._context = context
        self._source = source
        self._step = step
        self._own_columns = own_columns
        """The columns in which what the run writes has its partition keys."""

    def read(self, wanted: Wanted, *, everything: bool) -> Any:  # noqa: ANN401 - as is wanted
        """Return the rows of the partitions, or of all of them; None only if that is wanted of no table."""
        try:
            return (
                self._by_partition(wanted, everything)
                if wanted.by_partition
                else self._whole(wanted, everything)
            )
        except (TableMissingError, DataFilesMissingError):
            if not wanted.optional:
                raise
            self._context.log.info("reading %s: there is no table yet", self._source.name)
            return None

    def _whole(self, wanted: Wanted, everything: bool) -> Any:  # noqa: ANN401 - as is wanted
        slices = None if everything else self._slices(each=False)
        return wanted.made_of(self._rows(None if slices is None else joined(slices.values())), self._source)

    def _by_partition(self, wanted: Wanted, everything: bool) -> dict[str, Any]:
        slices = self._slices(each=True)
        if everything or slices is None:
            raise UnsupportedError(
                f"the input '{self._context.name}' is annotated as a dict of partitions, and "
                + ("partitions: all is read as one" if everything else "there are none"),
                remedy="Annotate it as one frame; or give its asset a partitions_def.",
                table=self._source.name,
            )
        frames = {key: self._rows([part], f" {key}") for key, part in slices.items()}
        return {key: wanted.made_of(frame, self._source) for key, frame in frames.items()}

    def _rows(self, parts: Sequence[Slice] | None, of: str = "") -> pl.LazyFrame:
        """Return the rows of some parts of the table (None: of all of it)."""
        source, step = self._source, self._step
        if parts is not None and not parts:
            self._context.log.info("reading %s: none of its partitions is there yet", source.name)
            return no_rows(source)
        with phase("plan"):
            plans = [source.plan()] if parts is None else [source.plan(window=part) for part in parts]
        for number, plan in enumerate(plans):
            step.plans[source.name + of + (f" {number}" if number else "")] = plan
            step.sources.append((source, plan))
            step.reads.append(ReadNote.of_source(source.name, plan))
            self._context.log.info("%s", reading(source, plan.mode, plan))
        found = together(plans)
        return found if found.collect_schema() else no_rows(source)

    def _slices(self, *, each: bool) -> Mapping[str, Slice] | None:
        """Return the partitions to read, by key; None for the whole table, unless `each` is wanted."""
        context, source, settings = self._context, self._source, self._source.settings
        execution = execution_of()
        partitioned = of_partitions(execution)
        if context.has_asset_partitions:
            keys, definition = context.asset_partition_keys, context.asset_partitions_def
            # Dagster knows of no partition that has not ended, or lies before the first; the table may.
            if not each and not partitioned and set(keys) == set(_all_keys(definition, context)):
                return None
            return slices_of(definition, keys, source)
        if execution is None or not partitioned:
            return None
        definition, keys = execution.assets_def.partitions_def, execution.partition_keys
        if isinstance(definition, dg.MultiPartitionsDefinition):
            return slices_of(definition, keys, source, some=True) or None
        if isinstance(definition, dg.TimeWindowPartitionsDefinition):
            return None if settings.partitions is None else slices_of(definition, keys, source)
        # Keys of one column say nothing of another one: a region is no shop.
        alike = len(settings.key_columns) == 1 and settings.key_columns[0] in self._own_columns
        return slices_of(definition, keys, source) if alike else None


def no_rows(source: Table[Any]) -> pl.LazyFrame:
    """Return the table's columns without a row."""
    import polars as pl

    return pl.LazyFrame(schema=source.schema())


def reading(source: Table[Any], mode: ReadMode, plan: Plan) -> str:
    """Say what is read, of how much."""
    of = f" of {plan.total_files}" if plan.total_files is not None else ""
    of_bytes = f" of {plan.total_bytes:,}" if plan.total_bytes is not None else ""
    return f"reading {source.name} ({mode}): {plan.files}{of} files, {plan.bytes:,}{of_bytes} bytes"


def _all_keys(definition: dg.PartitionsDefinition, context: dg.InputContext) -> Sequence[str]:
    return definition.get_partition_keys(dynamic_partitions_store=context.instance)
