"""Write, audit, publish: the checks that rows have to pass before the commit that makes them visible.

The rows lie where nobody sees them: as parts that no log, manifest or snapshot names. What fails is an error
before the commit: the table stays as it was, and so do the cursors.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.checks.columns import drift
from s3_assets.checks.examination import Examination
from s3_assets.checks.outcome import CheckOutcome, failures
from s3_assets.checks.rules import rules
from s3_assets.checks.shown import Shown
from s3_assets.checks.staged import Staged
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.errors import CheckFailedError
from s3_assets.tables.check_settings import SchemaCheck
from s3_assets.tables.schemas import widens
from s3_assets.tables.table import WriteMode
from s3_assets.tables.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.checks.rules import Rule
    from s3_assets.tables.parts import AuditedPart, Layout
    from s3_assets.tables.regions import Region
    from s3_assets.tables.table import Merge, Table, Writer
    from s3_assets.windows import Slice, Window

_LOG = logging.getLogger(__name__)


@dataclass
class Gate:
    """The checks before the commit of one write; `told` is what they found, by name."""

    table: Table[Any]
    mode: WriteMode
    part: Window | Slice | None
    rules: tuple[Rule, ...]
    shown: Shown
    told: dict[str, CheckOutcome] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table[Any], mode: WriteMode, part: Window | Slice | None) -> Gate | None:
        """Return the gate of a table; None if no check of it is `before_commit`."""
        declared = rules(table.settings.checks)
        early = tuple(each for each in declared if each.before_commit)
        return cls(table, mode, part, early, Shown.of(declared, table.shown)) if early else None

    @property
    def compares(self) -> bool:
        """Whether it depends on what the table has: then what was told holds for one state of it alone."""
        return any(each.compares for each in self.rules) and self.mode is not WriteMode.REPLACE

    def columns(self, rows: pl.Schema, writer: Writer | None) -> None:
        """Look at the columns, before the table is made or gets new ones; raises `CheckFailedError`.

        A type that fits the table's is the table's: the rows will have it.
        """
        if not rows:
            return
        known = writer.schema if writer is not None and writer.keeps_schema else None
        found = rows
        if known:
            fitted = {
                name: known[name] if name in known and widens(dtype, known[name]) else dtype
                for name, dtype in rows.items()
            }
            found = type(rows)(fitted)
        filled = writer.filled if writer is not None else frozenset()
        names = (
            {name: type_name(dtype) for name, dtype in known.items() if name in rows or name not in filled}
            if known
            else None
        )
        for rule in self.rules:
            if isinstance(rule.settings, SchemaCheck):
                self.told[rule.name] = drift(rule, rule.settings, found, names, self.table.name)
        self._refuse()

    def parts(
        self,
        writer: Writer,
        arranged: pl.LazyFrame,
        layout: Layout,
        parts: Sequence[AuditedPart],
        region: Region | None,
        merge: Merge | None,
    ) -> None:
        """Look at what was written; raises `CheckFailedError`."""
        connection = self.table.files_connection
        with diagnosed(connection, layout.root.url, OSError):
            self._look(writer, Staged.of(arranged, layout, parts, connection), region, merge)

    def frame(self, writer: Writer, frame: pl.LazyFrame, region: Region | None, merge: Merge | None) -> None:
        """Look at rows that the format's own library is going to write: they are run for that.

        Raises `CheckFailedError`.
        """
        with diagnosed(self.table.files_connection, self.table.location.url, OSError):
            self._look(writer, Staged(frame), region, merge)

    def _look(self, writer: Writer, staged: Staged, region: Region | None, merge: Merge | None) -> None:
        writer.exact = self.compares
        look = Examination(self, writer, staged, region, merge)
        self.told |= look.all([each for each in self.rules if not isinstance(each.settings, SchemaCheck)])
        self._refuse()

    def _hint(self, failed: Sequence[CheckOutcome]) -> str:
        """Say how the rows that fail are found, where they may be shown and nobody has said so."""
        if self.shown.most or not self.shown.keys or not any(each.failed_rows for each in failed):
            return ""
        return " `preview: { rows: 5 }` of the table has keys of such rows shown here."

    def _refuse(self) -> None:
        found = [self.told[each.name] for each in self.rules if each.name in self.told]
        failed = failures(found)
        if failed:
            raise CheckFailedError(
                f"nothing was committed, for a check fails: {'; '.join(each.sentence for each in failed)}"
                if len(failed) == 1
                else f"nothing was committed, for {len(failed)} checks fail: "
                f"{'; '.join(each.sentence for each in failed)}",
                remedy=f"Mend the rows, or the checks of the table; then run it again.{self._hint(failed)}",
                outcomes=found,
                table=self.table.name,
            )
        for each in found:
            if not each.passed:
                _LOG.warning("table '%s', before the commit: %s", self.table.name, each.sentence)
