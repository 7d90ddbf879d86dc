"""What is said of a Ray cluster, without any I/O."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

SLICE_BYTES = 256 * 1024 * 1024


class RaySettings(BaseModel):
    """The cluster that runs what says `engine: ray`, and how the work is cut for it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    address: str | None = Field(
        default=None,
        min_length=1,
        description="Of a running cluster, as `ray.init` takes it: host:port, auto, or local for one of its "
        "own; left out: RAY_ADDRESS, and without it a cluster on this machine that nobody else reaches.",
    )
    cpus: float = Field(
        default=1, gt=0, description="CPUs that one slice takes; its worker runs so many threads."
    )
    memory: int | None = Field(
        default=None,
        ge=1,
        description="Bytes of memory that Ray keeps free for each slice; left out: it starts one per CPU.",
    )
    slice_bytes: int = Field(
        default=SLICE_BYTES,
        ge=1,
        description="Bytes of source files that one worker takes at a time, about; a file is never cut.",
    )
    retries: int = Field(
        default=3, ge=0, le=100, description="How often a slice is begun again when its worker is lost."
    )

    wait_seconds: float = Field(
        default=900,
        gt=0,
        description="Seconds that a run waits for a free worker while none works for it, before it ends with "
        "an error.",
    )

    @property
    def threads(self) -> int:
        """How many threads a worker runs."""
        return max(1, int(self.cpus))
