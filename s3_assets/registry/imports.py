"""Imports as the registry declares them, and what does not fit together about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from s3_assets.movement.filters import Filters
from s3_assets.movement.modes import ImportMode
from s3_assets.movement.placement import Placement
from s3_assets.registry.engines import RunBy
from s3_assets.registry.increments import IncrementSettings
from s3_assets.registry.problems import Problem, did_you_mean
from s3_assets.registry.schedule import Started
from s3_assets.tables.table import ReadMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s3_assets.tables.settings import TableSettings

_READS = {
    ImportMode.APPEND: ReadMode.ADDED,
    ImportMode.REPLACE: ReadMode.CURRENT,
    ImportMode.REPLACE_ON_NEW_DATA: ReadMode.CURRENT,
    ImportMode.MIRROR: ReadMode.CHANGES,
}


class ImportSettings(IncrementSettings, Started, RunBy):
    """An import: the rows of a source table become rows of a target table."""

    source: str = Field(description="Name of the table to read.")
    target: str = Field(description="Name of the table to write; it is the asset.")
    mode: ImportMode = Field(
        default=ImportMode.APPEND, description="append, replace, replace_on_new_data or mirror."
    )
    read_mode: ReadMode | None = Field(
        default=None,
        description="Left out: added for append, changes for mirror, current for the others; no other fits.",
    )
    key: tuple[str, ...] = Field(
        default=(), description="For mirror: the columns, after the filters, by which rows are told apart."
    )
    filters: Filters | None = Field(default=None, description="What is done to the columns.")
    placement: Placement | None = Field(
        default=None,
        description="Where a row's partition comes from; left out: the partition column of the rows, else "
        "the load time.",
    )
    partitions_per_run: int | None = Field(
        default=None, ge=1, description="Of a backfill of a replace; left out: all of them, as one range."
    )

    def problems(self, name: str, tables: Mapping[str, TableSettings]) -> Iterator[Problem]:
        """Yield what does not fit together; the tables that it names may be missing."""
        for role, table in (("source", self.source), ("target", self.target)):
            if table not in tables:
                yield _problem(name, role, f"there is no table '{table}'{did_you_mean(table, tables)}")
        if self.source == self.target:
            yield _problem(name, "target", "source and target are one table; name another target")
        yield from self._misplaced(name)
        target = tables.get(self.target)
        if target is None:
            return
        if self.placement is not None and target.partitions is None:
            yield _problem(
                name,
                "placement",
                f"'{self.target}' has no partitions; add 'partitions' to it, or leave placement out",
            )
        source = tables.get(self.source)
        if source is not None and self.mode.replaces and target.partitions is not None:
            yield from self._windows(name, source)

    def _misplaced(self, name: str) -> Iterator[Problem]:
        """Yield settings of other modes."""
        fitting = _READS[self.mode]
        if self.read_mode not in {None, fitting}:
            yield _problem(
                name,
                "read_mode",
                f"mode '{self.mode}' reads '{fitting}', not '{self.read_mode}'; leave read_mode out",
            )
        mirrors, appends = self.mode is ImportMode.MIRROR, self.mode is ImportMode.APPEND
        if mirrors and not self.key:
            yield _problem(name, "key", "mode 'mirror' tells rows apart by their key; name its columns")
        others = {
            "key": (bool(self.key) and not mirrors, "tells no rows apart"),
            "partitions_per_run": (
                self.partitions_per_run is not None and not self.mode.replaces,
                "is not run by partitions",
            ),
            "batch": (self.batch is not None and not appends, "is one commit"),
            "max_batches": (self.max_batches is not None and not appends, "is one commit"),
            "on_gap": (self.on_gap != "fail" and self.mode.replaces, "reads all rows, and knows no gap"),
        }
        for field, (wrong, why) in others.items():
            if wrong:
                yield _problem(name, field, f"mode '{self.mode}' {why}; leave {field} out")
        if appends and self.max_batches is not None and self.batch is None:
            yield _problem(name, "max_batches", "nothing says how large a batch is; add batch")
        json = self.filters.expand_json if self.filters is not None else {}
        sampled = next((column for column, each in json.items() if each.columns is None), None)
        if mirrors and sampled is not None:
            yield Problem(
                ("imports", name, "filters", "expand_json", sampled),
                "mode 'mirror' compares rows of several reads, which a sample may give other columns; "
                "declare columns",
            )

    def _windows(self, name: str, source: TableSettings) -> Iterator[Problem]:
        """Yield what keeps the rows of a partition from being told."""
        if self.placement is not None and self.placement.column is None:
            yield _problem(
                name,
                "placement",
                f"{self.mode} reads the rows of the partitions of the run, and no row has a load time yet; "
                "name a column, or set mode: append",
            )
        elif self.placement is None and source.partitions is None:
            yield _problem(
                name,
                "mode",
                f"{self.mode} reads the partitions of the run, and '{self.source}' declares none; add "
                "'partitions' with its date column to it, or 'placement' with a column to the import",
            )


def import_problems(
    imports: Mapping[str, ImportSettings], tables: Mapping[str, TableSettings]
) -> Iterator[Problem]:
    """Yield what does not fit together; a target has one import."""
    taken: dict[str, str] = {}
    scheduled: dict[str, str] = {}
    for name, each in imports.items():
        if each.schedule is not None:
            # Names of Dagster's schedules know no slashes.
            other = scheduled.setdefault(name.replace("/", "_"), name)
            if other != name:
                yield _problem(
                    name, "schedule", f"its name in Dagster would be that of '{other}'; rename the import"
                )
        first = taken.setdefault(each.target, name)
        if first != name:
            yield _problem(
                name,
                "target",
                f"the import '{first}' writes '{each.target}' already; give each a target of its own",
            )
        yield from each.problems(name, tables)


def _problem(name: str, field: str, text: str) -> Problem:
    return Problem(("imports", name, field), text)
