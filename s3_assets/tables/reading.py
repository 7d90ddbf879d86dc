"""What a read met with on its way: rows that were left out, fields that are no columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from s3_assets.tables.kept_bodies import KeptBodies

_NAMED = 5


@dataclass
class Tally:
    """The counts of one collection of a frame; its reader fills it from one thread."""

    rows: Counter[str] = field(default_factory=Counter)
    """Rows that were left out, by file."""
    first: str = ""
    """Where the first of them is, and why it was left out."""
    kept_in: str = ""
    """The object that keeps them, if one does."""
    extra: Counter[str] = field(default_factory=Counter)
    """How many rows have a field that is no column, by field."""
    first_extra: str = ""
    """The first file with such a field."""

    def join(self, other: Tally) -> None:
        """Count what another reader of the same plan has counted."""
        self.rows.update(other.rows)
        self.extra.update(other.extra)
        self.first = self.first or other.first
        self.kept_in = self.kept_in or other.kept_in
        self.first_extra = self.first_extra or other.first_extra

    def notes(self) -> tuple[str, ...]:
        """Say what a person has to know of it; nothing if all was read."""
        found = []
        if self.rows:
            count, files = self.rows.total(), len(self.rows)
            fate = f"quarantined in {self.kept_in}" if self.kept_in else "skipped"
            rows = "1 row" if count == 1 else f"{count:,} rows"
            of = "1 file" if files == 1 else f"{files:,} files"
            found.append(f"{rows} of {of} {'was' if count == 1 else 'were'} {fate}; the first: {self.first}")
        if self.extra:
            named = [f"'{name}' in {count:,}" for name, count in self.extra.most_common(_NAMED)]
            if len(self.extra) > _NAMED:
                named.append(f"{len(self.extra) - _NAMED:,} more")
            found.append(
                f"fields that are no columns were not read, by rows: {', '.join(named)}; "
                f"the first in {self.first_extra}"
            )
        return tuple(found)


@dataclass
class Reading:
    """What the newest collection of a plan's frame met with; empty before, and for formats without rows."""

    tally: Tally = field(default_factory=Tally)
    kept: KeptBodies = field(default_factory=KeptBodies)
    """Files that the plan has fetched already."""

    def begin(self) -> Tally:
        """Start the counts of a collection, in the place of those of an earlier one."""
        self.tally = Tally()
        return self.tally

    def notes(self) -> tuple[str, ...]:
        """Say what a person has to know of the newest collection."""
        return self.tally.notes()
