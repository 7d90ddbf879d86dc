"""What workers report, handed on to whoever counts in the process of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3_assets.engines.ray.worker import Report
    from s3_assets.metrics import Meter, Request
    from s3_assets.metrics.meter import Counted
    from s3_assets.progress import Progress
    from s3_assets.tables.reading import Tally


class Told:
    """What workers report, handed on to whoever counts here."""

    def __init__(self, tally: Tally, meter: Meter | None, progress: Progress | None) -> None:
        self._tally = tally
        self._meter = meter
        self._progress = progress
        self._requests: list[Request] = []
        if meter is not None:
            meter.also(self, self._taken)

    def take(self, report: Report) -> None:
        """Count what a worker has counted."""
        if report.tally is not None:
            self._tally.join(report.tally)
        if self._meter is not None:
            self._meter.usage.merge(report.counts)
            self._requests += report.requests
            for engine in report.unseen:
                self._meter.used(engine)
        if self._progress is not None:
            if self._progress.look is not None:
                for rows in report.seen:
                    self._progress.look(rows)
            self._progress.advance(rows=report.rows, bytes_=report.bytes, files=report.files)

    def _taken(self) -> Counted:
        """Return the single requests that are kept for traces, and forget them."""
        requests, self._requests = self._requests, []
        return {}, requests
