"""What is counted of the requests to S3, and who is told of it."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class ObserveSettings(BaseModel):
    """How runs are observed."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    requests: Literal["seen", "all"] = Field(
        default="seen",
        description="Which requests are counted: those that are seen in the process, or all, over a gateway.",
    )
    user_agent: bool = Field(
        default=True, description="Whether requests name run, step and asset in their User-Agent."
    )
    progress_seconds: float = Field(
        default=30.0, gt=0, description="Seconds between two lines that say what a long step is at."
    )
    opentelemetry: str | None = Field(
        default=None,
        description="URL of a collector that takes OTLP over HTTP; left out: OTEL_* variables count.",
    )
    spans_per_step: int = Field(
        default=1_000, ge=0, description="Requests of a step that have spans of their own; all are counted."
    )

    @field_validator("opentelemetry")
    @classmethod
    def _without_secrets(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("this is no http or https URL; write such as http://collector:4318")
        if parts.username or parts.password:
            raise ValueError("a URL with a user in it; put it into OTEL_EXPORTER_OTLP_HEADERS")
        return url.rstrip("/")
