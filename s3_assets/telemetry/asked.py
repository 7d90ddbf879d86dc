"""Whether telemetry is asked for: by the registry, or as OpenTelemetry's SDK is told by the environment."""

from __future__ import annotations

import os
from typing import NamedTuple

# OpenTelemetry Specification, "OpenTelemetry protocol exporter" and "Environment variable specification".
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOL = "http/protobuf"


class Asked(NamedTuple):
    """What is to be sent; None for an endpoint: what the environment says."""

    endpoint: str | None
    traces: bool
    metrics: bool


def asked(endpoint: str | None) -> Asked | None:
    """Return what is to be sent where, or None if nobody asks; `endpoint` is that of the registry."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    traces = _asks("TRACES", endpoint)
    metrics = _asks("METRICS", endpoint)
    return Asked(endpoint, traces, metrics) if traces or metrics else None


def protocol_refused(signal: str) -> str | None:
    """Return the protocol that the environment wants for a signal, if it is not ours."""
    wanted = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    return wanted if wanted not in {None, "", _PROTOCOL} else None


def _asks(signal: str, endpoint: str | None) -> bool:
    exporter = os.environ.get(f"OTEL_{signal}_EXPORTER", "otlp").strip().lower()
    if exporter != "otlp":
        return False
    named = (_ENDPOINT, f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return endpoint is not None or any(os.environ.get(name) for name in named)
