"""What a run of a media set did."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3_assets.incremental.outcome import Outcome


@dataclass(frozen=True)
class Counts:
    """Objects by what became of them since the last run; `copied_bytes` are those of the `copied` ones."""

    new: int = 0
    changed: int = 0
    deleted: int = 0
    left_out: int = 0
    vanished: int = 0
    archived: int = 0
    copied: int = 0
    copied_bytes: int = 0
    already_copied: int = 0
    copies_deleted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__}
        )


@dataclass(frozen=True)
class MediaOutcome:
    """What one run did: what was listed, what became of it, and the commits that hold it.

    `outcome` is what all streams tell: commit, cursor from and to, rounds, seconds, notes.
    """

    objects: int
    bytes: int
    counts: Counts
    outcome: Outcome
    notes: tuple[str, ...] = field(default=())

    @property
    def nothing_new(self) -> bool:
        """Whether all was as the last run left it."""
        return self.outcome.nothing_new

    def then(self, later: MediaOutcome) -> MediaOutcome:
        """Return what this batch and a later one did together."""
        return replace(
            later,
            counts=self.counts + later.counts,
            outcome=self.outcome.then(later.outcome),
            notes=tuple(dict.fromkeys((*self.notes, *later.notes))),
        )
