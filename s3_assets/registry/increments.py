"""How imports and exports read what is new, as the registry declares it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from s3_assets.tables.positions import Limit


class BatchSettings(BaseModel):
    """How much one commit takes; a file is never cut, and one is taken in any case."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    files: int | None = Field(default=None, ge=1, description="Source files at most.")
    bytes: int | None = Field(default=None, ge=1, description="Bytes of source files at most.")

    @model_validator(mode="after")
    def _one_of_them(self) -> BatchSettings:
        if self.files is None and self.bytes is None:
            raise ValueError("give files, bytes, or both")
        return self

    def limit(self) -> Limit:
        """Return it as a plan takes it."""
        return Limit(self.files, self.bytes)


class IncrementSettings(BaseModel):
    """How what is new is read: in how large pieces, and what is done when the source has lost some of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    on_gap: Literal["fail", "full_refresh"] = Field(
        default="fail",
        description="Where only what is new is read: what to do when the source no longer has what came "
        "since the cursor. full_refresh replaces all rows, or files, by those of the source.",
    )
    batch: BatchSettings | None = Field(
        default=None,
        description="Where only what was added is read: how much one commit takes; left out: all that is "
        "new.",
    )
    max_batches: int | None = Field(
        default=None,
        ge=1,
        description="Commits of one run; the next run goes on. Left out: as many as needed.",
    )
