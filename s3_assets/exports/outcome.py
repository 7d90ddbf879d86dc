"""What a run of an export did."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.exports.manifest import Manifest, ManifestFile
    from s3_assets.incremental.cursor import Cursor
    from s3_assets.tables.origin import Origin
    from s3_assets.tables.table import Plan


@dataclass(frozen=True)
class ExportOutcome:
    """What one run did: a manifest for each commit, in order; none if there was nothing new."""

    export: str
    manifests: tuple[Manifest, ...] = ()
    removed_files: int = 0
    """Files of the unit before that have no successor."""
    plan: Plan | None = None
    """Of the source, the last one; None where a frame was given."""
    since: Cursor | None = None
    until: Cursor | None = None
    """From where to where the cursor of an incremental export moved."""
    seconds: float = 0.0
    rounds: int = 1
    """How often it had to begin, since another run was faster."""
    remarks: tuple[str, ...] = ()
    """What a person has to know."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where the columns of the files come from; none are told of a frame that was given."""

    @property
    def nothing_new(self) -> bool:
        """Whether nothing was there to export, and nothing was committed."""
        return not self.manifests

    @property
    def more(self) -> bool:
        """Whether a limit cut something off that the next run will find."""
        return self.plan is not None and self.plan.more

    @property
    def files(self) -> tuple[ManifestFile, ...]:
        """The files that were written."""
        return tuple(file for manifest in self.manifests for file in manifest.files)

    @property
    def rows(self) -> int:
        """The rows in them."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Their bytes."""
        return sum(file.bytes for file in self.files)

    def then(self, later: ExportOutcome) -> ExportOutcome:
        """Return what this run and a later one of the same export did together."""
        return replace(
            later,
            manifests=self.manifests + later.manifests,
            removed_files=self.removed_files + later.removed_files,
            since=self.since,
            until=later.until or self.until,
            seconds=self.seconds + later.seconds,
            rounds=max(self.rounds, later.rounds),
            remarks=tuple(dict.fromkeys((*self.remarks, *later.remarks))),
        )
