"""What a run did: one commit, several that followed each other, or none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.incremental.commit import Written
    from s3_assets.incremental.cursor import Cursor
    from s3_assets.tables.origin import Origin
    from s3_assets.tables.table import Commit, Plan


@dataclass(frozen=True)
class Outcome:
    """What one run of a stream or of a window did.

    Of several commits `plan` and `written` hold the sums, and for the rest the last one's. Whether there is
    more to read, since a limit cut it off, is told by `plan.more`.
    """

    plan: Plan
    written: Written | None
    since: Cursor | None = None
    until: Cursor | None = None
    seconds: float = 0.0
    rounds: int = 1
    notes: tuple[str, ...] = field(default=())
    batches: int = 1
    """How many plans were carried out."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where the columns that were written come from; none are told of rows that were not planned."""

    @property
    def nothing_new(self) -> bool:
        """Nothing was there to read, and no row was committed."""
        return self.written is None

    @property
    def rows(self) -> int:
        """Rows that were committed."""
        return self.written.commit.rows if self.written else 0

    @property
    def commits(self) -> int:
        """How many commits hold them."""
        return self.batches if self.written else 0

    def then(self, later: Outcome) -> Outcome:
        """Return what this run and a later one of the same stream did together."""
        if later.written is None or self.written is None:
            did, idle = (self, later) if later.written is None else (later, self)
            return replace(
                did,
                plan=replace(did.plan, more=later.plan.more),
                since=self.since,
                until=later.until,
                seconds=self.seconds + later.seconds,
                rounds=max(self.rounds, later.rounds),
                notes=_joined(did.notes, idle.notes),
            )
        return Outcome(
            replace(
                later.plan,
                files=self.plan.files + later.plan.files,
                bytes=self.plan.bytes + later.plan.bytes,
                notes=_joined(self.plan.notes, later.plan.notes),
            ),
            _together(self.written, later.written),
            self.since,
            later.until,
            self.seconds + later.seconds,
            max(self.rounds, later.rounds),
            _joined(self.notes, later.notes),
            self.batches + later.batches,
        )


def _together(first: Written, later: Written) -> Written:
    return replace(
        later,
        commit=_sum(first.commit, later.commit),
        tries=max(first.tries, later.tries),
        swept=first.swept + later.swept,
    )


def _sum(first: Commit, later: Commit) -> Commit:
    return replace(
        later,
        rows=first.rows + later.rows,
        bytes=first.bytes + later.bytes,
        files=first.files + later.files,
        partition_rows=dict(Counter(first.partition_rows) + Counter(later.partition_rows)),
        removed_files=first.removed_files + later.removed_files,
    )


def _joined(first: tuple[str, ...], later: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *later)))
