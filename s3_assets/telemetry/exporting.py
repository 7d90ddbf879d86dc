"""OpenTelemetry's SDK with its exporters over HTTP: one for each place that is told."""

from __future__ import annotations

import atexit
import os
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from s3_assets.metrics import user_agent
from s3_assets.metrics.user_agent import Asker
from s3_assets.telemetry.asked import protocol_refused
from s3_assets.telemetry.instruments import Instruments
from s3_assets.telemetry.spans import RunIds, Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from s3_assets.telemetry.asked import Asked
    from s3_assets.telemetry.told import Told

_SCOPE = "s3_assets"
_PATIENCE = 3
"""Seconds until a collector must have taken what a step told, unless OTEL_EXPORTER_OTLP_TIMEOUT says so."""
_LONGEST = 30_000
"""Milliseconds that are waited for an exporter, which gives up by itself sooner."""
_NEVER = 3_600_000
"""Milliseconds between two sendings of metrics: each step sends its own at its end."""


def exporter_of(wanted: Asked) -> Exporter:
    """Return this process's exporter of that kind."""
    return _exporter(wanted, os.getpid())


@lru_cache(maxsize=8)
def _exporter(wanted: Asked, process: int) -> Exporter:
    # Threads and sockets do not survive a fork: each process has its own.
    del process
    return Exporter(wanted)


class _SpanExporter(OTLPSpanExporter):
    """One that knows whether what it sent last has arrived: flushing does not tell."""

    arrived = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send, and take down what became of it."""
        result = super().export(spans)
        self.arrived = result is SpanExportResult.SUCCESS
        return result


class _MetricExporter(OTLPMetricExporter):
    """The same for metrics."""

    arrived = True

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float | None = 10_000,
        **kwargs: Any,  # noqa: ANN401 - its words
    ) -> MetricExportResult:
        """Send, and take down what became of it."""
        result = super().export(metrics_data, timeout_millis, **kwargs)
        self.arrived = result is MetricExportResult.SUCCESS
        return result


class Exporter:
    """Sends spans and metrics, and what is left of them when the process ends."""

    def __init__(self, wanted: Asked) -> None:
        # Not where it is: a URL of the environment may hold a password.
        asked = "the OTEL_EXPORTER_OTLP_ variables" if wanted.endpoint is None else "observe.opentelemetry"
        self._not_taken = (
            "the OpenTelemetry collector did not take what the step told: it refused it, or did not answer "
            f"in time. Check {asked}, and the collector's own log; the run is not affected."
        )
        version = user_agent(Asker()).partition("/")[2]
        resource = Resource.create(
            {
                # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come before it.
                **({} if _named() else {"service.name": "s3-assets"}),
                "service.version": version,
                # Sums begin at none in each process, and are told apart by it.
                "service.instance.id": str(uuid.uuid4()),
            }
        )
        self._refused = next(
            (
                found
                for signal, sent in (("TRACES", wanted.traces), ("METRICS", wanted.metrics))
                if sent and (found := protocol_refused(signal))
            ),
            None,
        )
        self._tracing: TracerProvider | None = None
        self._metering: MeterProvider | None = None
        if self._refused is not None:
            return
        if wanted.traces:
            self._tracing = TracerProvider(resource=resource, id_generator=RunIds(), shutdown_on_exit=False)
            self._sent_spans = _SpanExporter(**_options(wanted, "traces"))
            self._tracing.add_span_processor(BatchSpanProcessor(self._sent_spans))
            self._spans = Spans(self._tracing.get_tracer(_SCOPE, version))
        if wanted.metrics:
            self._sent_sums = _MetricExporter(**_options(wanted, "metrics"))
            reader = PeriodicExportingMetricReader(self._sent_sums, export_interval_millis=_NEVER)
            self._metering = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
            self._instruments = Instruments(self._metering.get_meter(_SCOPE, version))
        atexit.register(self.close)

    def send(self, told: Told) -> str | None:
        """Send what a step did; returns what went wrong."""
        if self._refused is not None:
            return f"OpenTelemetry's protocol {self._refused} is asked for; only http/protobuf is spoken"
        sent = True
        if self._tracing is not None:
            self._spans.write(told)
            sent &= self._tracing.force_flush(_LONGEST) and self._sent_spans.arrived
        if self._metering is not None:
            self._instruments.record(told)
            sent &= self._metering.force_flush(_LONGEST) and self._sent_sums.arrived
        return None if sent else self._not_taken

    def close(self) -> None:
        """End what is open, send it, and stop."""
        if self._tracing is not None:
            self._spans.close()
            self._tracing.shutdown()
            self._tracing = None
        if self._metering is not None:
            self._metering.shutdown()
            self._metering = None


def _named() -> bool:
    return bool(os.environ.get("OTEL_SERVICE_NAME")) or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )


def _options(wanted: Asked, signal: str) -> dict[str, Any]:
    """Return what the exporter of a signal is told; it reads the rest in the environment."""
    named = ("OTEL_EXPORTER_OTLP_TIMEOUT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_TIMEOUT")
    patience = {} if any(os.environ.get(name) for name in named) else {"timeout": _PATIENCE}
    place = {} if wanted.endpoint is None else {"endpoint": f"{wanted.endpoint}/v1/{signal}"}
    return {**patience, **place}
