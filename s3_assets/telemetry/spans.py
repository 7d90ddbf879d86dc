"""The traces: run, step, phases, requests; one trace for each run, whichever processes work for it.

Names are those of OpenTelemetry's semantic conventions where there are any ("HTTP spans", "AWS SDK", "S3");
what has none begins with `s3_assets.` or `dagster.`.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Span, Tracer

    from s3_assets.metrics import Phase, Request
    from s3_assets.telemetry.told import Told

_trace: ContextVar[int | None] = ContextVar("s3_assets_trace", default=None)


class RunIds(RandomIdGenerator):
    """Ids of traces that are those of runs: as long as each other, and as random."""

    def generate_trace_id(self) -> int:
        """Return the run's id, or another one."""
        return _trace.get() or super().generate_trace_id()


class Spans:
    """Writes spans of steps; the span of a run lasts until the process has another one, or ends."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._run: tuple[str, Span] | None = None

    def write(self, told: Told) -> None:
        """Write the spans of a step that has ended."""
        asker = told.meter.asker
        parent = set_span_in_context(self._of_run(asker.run, told.began)) if asker.run else Context()
        attributes: dict[str, str | int] = {
            "dagster.run.id": asker.run,
            "dagster.step.key": asker.step,
            "dagster.sensor.name": asker.sensor,
            "s3_assets.asset": asker.asset,
            "s3_assets.task": told.task,
            **{f"s3_assets.{name}": number for name, number in _sums(told).items()},
        }
        step = self._tracer.start_span(
            "dagster.step" if asker.run else "dagster.tick",
            parent,
            attributes={name: value for name, value in attributes.items() if value != ""},
            start_time=_nanoseconds(told.began),
        )
        if told.error is not None:
            step.set_attribute("error.type", told.error)
            step.set_status(Status(StatusCode.ERROR, told.error))
        spans = [(each, self._phase(each, step)) for each in told.meter.phases]
        for request in told.meter.requests:
            self._request(request, _innermost(spans, request.began) or step)
        step.end(_nanoseconds(told.began + told.seconds))

    def close(self) -> None:
        """End the span of the run."""
        if self._run is not None:
            self._run[1].end()
            self._run = None

    def _of_run(self, run: str, began: float) -> Span:
        if self._run is not None and self._run[0] == run:
            return self._run[1]
        self.close()
        token = _trace.set(_trace_of(run))
        try:
            span = self._tracer.start_span(
                "dagster.run",
                Context(),
                attributes={"dagster.run.id": run},
                start_time=_nanoseconds(began),
            )
        finally:
            _trace.reset(token)
        self._run = run, span
        return span

    def _phase(self, phase: Phase, step: Span) -> Span:
        span = self._tracer.start_span(
            f"s3_assets.{phase.name}", set_span_in_context(step), start_time=_nanoseconds(phase.began)
        )
        span.end(_nanoseconds(phase.began + phase.seconds))
        return span

    def _request(self, request: Request, parent: Span) -> None:
        host, _, port = request.server.partition(":")
        attributes: dict[str, str | int] = {
            "rpc.system": "aws-api",
            "rpc.service": "S3",
            "rpc.method": request.operation,
            "http.request.method": request.method,
            "http.request.body.size": request.bytes_written,
            "http.response.body.size": request.bytes_read,
            "s3_assets.engine": request.engine,
            **({"aws.s3.bucket": request.bucket} if request.bucket else {}),
            **({"aws.s3.key": request.key} if request.key else {}),
            **({"server.address": host} if host else {}),
            **({"server.port": int(port)} if port.isdigit() else {}),
            **({"http.response.status_code": request.status} if request.status is not None else {}),
            **({"http.request.resend_count": 1} if request.retry else {}),
        }
        span = self._tracer.start_span(
            f"S3/{request.operation}",
            set_span_in_context(parent),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=_nanoseconds(request.began),
        )
        if request.throttled or request.failed or request.refused:
            span.set_attribute("error.type", str(request.status) if request.status else "no_answer")
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(request.began + request.seconds))


def _sums(told: Told) -> dict[str, int]:
    total = told.meter.usage.total
    return {
        "requests": total.requests,
        "retries": total.retries,
        "throttles": total.throttled,
        "bytes_read": total.bytes_read,
        "bytes_written": total.bytes_written,
    }


def _innermost(spans: Sequence[tuple[Phase, Span]], moment: float) -> Span | None:
    around = [
        (phase.seconds, number)
        for number, (phase, _) in enumerate(spans)
        if phase.began <= moment <= phase.began + phase.seconds
    ]
    return spans[min(around)[1]][1] if around else None


def _trace_of(run: str) -> int | None:
    try:
        return UUID(run).int
    except ValueError:
        return None


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
