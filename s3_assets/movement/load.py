"""One run of an import, or of an export, as its filters know it, and the errors that name it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from s3_assets.errors import RowsRefusedError, SchemaMismatchError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    import polars as pl

    from s3_assets.tables.origin import Origin

_SHOWN = 3
_LONGEST = 60


@dataclass(frozen=True)
class Load:
    """One run: `moment` is its load time, one for all of its rows, and has a zone."""

    name: str
    source: str
    moment: datetime
    kind: str = "import"
    """What is run, for people."""
    refusals: list[RowsRefusedError] = field(default_factory=list, compare=False, repr=False)
    """What was raised while rows were read; Polars passes it on with words of its own added."""
    origins: dict[str, Origin] = field(default_factory=dict, compare=False, repr=False)
    """Of the columns that are written, as soon as the rows were planned."""
    remarks: list[str] = field(default_factory=list, compare=False, repr=False)
    """What a person has to know of it, as far as it was not asked for."""

    def remark(self, text: str) -> None:
        """Tell it once."""
        if text not in self.remarks:
            self.remarks.append(text)

    def require(self, place: str, columns: Iterable[str], there: Collection[str]) -> None:
        """Raise `SchemaMismatchError` for the first of the columns that is not there at that step."""
        for column in columns:
            if column not in there:
                close = get_close_matches(column, there, n=1)
                hint = f"; did you mean '{close[0]}'?" if close else "."
                raise self.misfit(
                    place,
                    f"there is no column '{column}'{hint} The columns are {', '.join(there) or 'none'}",
                    "Correct the name; if some files of the source lack the column, declare the source's "
                    "`columns`.",
                )

    def require_free(self, place: str, columns: Iterable[str], there: Collection[str]) -> None:
        """Raise `SchemaMismatchError` for the first of the columns that is there already."""
        for column in columns:
            if column in there:
                raise self.misfit(
                    place,
                    f"the column '{column}' is there already, among {', '.join(there)}",
                    "Name another one, or drop or rename that one.",
                )

    def misfit(self, place: str, found: str, remedy: str) -> SchemaMismatchError:
        """Return the error of a setting, named as in the registry, that does not fit the rows' columns."""
        return SchemaMismatchError(
            f"{self.kind} '{self.name}', {place}: {found}", remedy=remedy, table=self.source
        )

    def refused(self, place: str, values: pl.Series, found: str, remedy: str) -> RowsRefusedError:
        """Return the error of values that cannot be taken; a few of them are quoted.

        How many there are is not told: it is raised at the first batch of rows that has one.
        """
        shown = ", ".join(_short(value) for value in values.head(_SHOWN).to_list())
        refusal = RowsRefusedError(
            f"{self.kind} '{self.name}', {place}: {found}, such as {shown}",
            remedy=remedy,
            table=self.source,
        )
        self.refusals.append(refusal)
        return refusal

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise what refused the rows as it was."""
        try:
            yield
        except RowsRefusedError:
            if self.refusals:
                raise self.refusals[0] from None
            raise


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
