"""The metrics: sums since the process began, by asset, engine and operation, and never by run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

    from s3_assets.telemetry.told import Told


class Instruments:
    """The instruments of one exporter."""

    def __init__(self, meter: Meter) -> None:
        self._requests = meter.create_counter("s3_assets.requests", "{request}", "Requests to S3.")
        self._retries = meter.create_counter(
            "s3_assets.request.retries", "{request}", "Requests that repeat another."
        )
        self._throttles = meter.create_counter(
            "s3_assets.request.throttles", "{request}", "Answers 503 and 429."
        )
        self._refusals = meter.create_counter("s3_assets.request.refusals", "{request}", "Other answers 4xx.")
        self._failures = meter.create_counter(
            "s3_assets.request.failures", "{request}", "Other answers 5xx, and none at all."
        )
        self._bytes = meter.create_counter("s3_assets.request.io", "By", "Bytes of bodies.")
        self._seconds = meter.create_counter("s3_assets.request.time", "s", "Seconds of requests, added up.")
        self._steps = meter.create_histogram("s3_assets.step.duration", "s", "Seconds of steps.")
        self._phases = meter.create_histogram("s3_assets.phase.duration", "s", "Seconds of phases of steps.")

    def record(self, told: Told) -> None:
        """Add what a step did."""
        asker = told.meter.asker
        whose = {"s3_assets.asset": asker.asset} if asker.asset else {"s3_assets.sensor": asker.sensor}
        for (engine, operation), count in told.meter.usage.counts.items():
            of = {**whose, "s3_assets.engine": engine, "rpc.service": "S3", "rpc.method": operation}
            self._requests.add(count.requests, of)
            for instrument, number in (
                (self._retries, count.retries),
                (self._throttles, count.throttled),
                (self._refusals, count.refused),
                (self._failures, count.failed),
            ):
                if number:
                    instrument.add(number, of)
            self._bytes.add(count.bytes_read, {**of, "network.io.direction": "receive"})
            self._bytes.add(count.bytes_written, {**of, "network.io.direction": "transmit"})
            self._seconds.add(count.seconds, of)
        outcome = {"error.type": told.error} if told.error else {}
        self._steps.record(told.seconds, {**whose, **outcome})
        for name, seconds in told.meter.seconds_by_phase().items():
            self._phases.record(seconds, {**whose, "s3_assets.phase": name})
