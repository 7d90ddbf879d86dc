"""Media sets: the objects of a prefix, as an inventory that follows them, run by run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from s3_assets.incremental.rounds import until_unmoved
from s3_assets.incremental.run_notes import began
from s3_assets.media.run import Run
from s3_assets.tables.naming import naming
from s3_assets.tables.table import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.media.copies import Copies
    from s3_assets.media.outcome import MediaOutcome
    from s3_assets.media.source import MediaSource
    from s3_assets.progress import Progress
    from s3_assets.tables.table import Table

OnDeleted = Literal["mark", "remove", "fail"]
MEDIA = "media"
"""The note of a commit that names the media set."""


@dataclass(frozen=True)
class MediaSet:
    """One media set, ready to run: the inventory is opened when it does.

    `on_deleted` says what becomes of the row of an object that is gone: it is kept with another status, it is
    taken out, or nothing is done and `SourceRewrittenError` is raised. `max_deleted` is how many may be gone
    at once. `at_once` objects are looked at in parallel, and every `batch` of them is a commit of its own.
    """

    name: str
    source: MediaSource
    target: Table[Any]
    copies: Copies | None = None
    on_deleted: OnDeleted = "mark"
    max_deleted: int | None = None
    on_archived: Literal["note", "fail"] = "note"
    at_once: int = 16
    batch: int = 20_000

    @property
    def stream(self) -> str:
        """The stable id of the cursor: the target's name, then the media set's."""
        return f"{self.target.name}/{self.name}"

    def run(
        self,
        *,
        look_again: bool = False,
        notes: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> MediaOutcome:
        """List the objects, look at those that are new or changed, copy them if asked to, commit their rows.

        With `look_again` every object is looked at, and what differs from its row is committed. Nothing new
        is a success without a commit. When another run of the media set is faster, this one begins again.

        Raises `SourceRewrittenError` for objects that are gone and must not be, `KeyTakenError` for a copy
        whose place is taken by somebody else's object, `SettingError` for a target that is no inventory.
        """
        self.target.require(Capability.TRANSACTIONS)
        moment = datetime.now(UTC)
        told = {MEDIA: self.name, **began(moment), **(notes or {})}
        run = Run(self, moment, told, progress, look_again=look_again)
        found: MediaOutcome | None = None
        while found is None or run.more:
            with naming(self.target):
                outcome = until_unmoved(self.target, self.stream, run.once)
            batch = run.told(outcome)
            found = batch if found is None else found.then(batch)
        return found
