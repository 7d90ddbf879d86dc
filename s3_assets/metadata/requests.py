"""What a materialisation tells of its requests to S3: sums that are plotted, a table by operation, phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.metadata.keys import OURS
from s3_assets.metadata.markdown import plain, table
from s3_assets.progress import count, readable_bytes

if TYPE_CHECKING:
    from s3_assets.metrics import Count, Meter

REQUESTS = f"{OURS}/requests"
_TITLES = (
    *("engine", "operation", "requests", "retried", "throttled", "refused", "failed"),
    *("read", "written", "seconds"),
)


def request_metadata(meter: Meter) -> dict[str, Any]:
    """Return what the meter has counted so far."""
    total = meter.usage.total
    found: dict[str, Any] = {
        REQUESTS: total.requests,
        f"{REQUESTS}_retried": total.retries,
        f"{REQUESTS}_throttled": total.throttled,
        f"{REQUESTS}_refused": total.refused,
        f"{REQUESTS}_failed": total.failed,
        f"{REQUESTS}_bytes_read": total.bytes_read,
        f"{REQUESTS}_bytes_written": total.bytes_written,
        f"{REQUESTS}_seconds": round(total.seconds, 3),
    }
    if meter.usage.counts:
        rows = [_cells(*name, each) for name, each in sorted(meter.usage.counts.items())]
        found[f"{REQUESTS}_by_operation"] = dg.MetadataValue.md(
            table(_TITLES, rows, right=[False, False, *[True] * (len(_TITLES) - 2)])
        )
    if meter.unseen:
        found[f"{REQUESTS}_not_seen"] = ", ".join(sorted(meter.unseen))
    phases = meter.seconds_by_phase()
    if phases:
        found[f"{OURS}/phases"] = dg.MetadataValue.md(
            table(
                ("phase", "seconds"),
                [(name, f"{seconds:.3f}") for name, seconds in phases.items()],
                right=(False, True),
            )
        )
    return found


def request_line(meter: Meter) -> str:
    """Return one line about the requests, for a log."""
    total = meter.usage.total
    more = [
        f"{number:,} {name}"
        for name, number in (
            ("retried", total.retries),
            ("throttled", total.throttled),
            ("refused", total.refused),
            ("failed", total.failed),
        )
        if number
    ]
    told = [
        count(total.requests, "request") + (f" ({', '.join(more)})" if more else ""),
        f"{readable_bytes(total.bytes_read)} read",
        f"{readable_bytes(total.bytes_written)} written",
        f"{total.seconds:.1f} s",
    ]
    unseen = f"; those of {' and '.join(sorted(meter.unseen))} are not seen" if meter.unseen else ""
    return f"S3: {', '.join(told)}{unseen}"


def _cells(engine: str, operation: str, each: Count) -> tuple[str, ...]:
    return (
        plain(engine),
        plain(operation),
        *(
            f"{number:,}"
            for number in (each.requests, each.retries, each.throttled, each.refused, each.failed)
        ),
        readable_bytes(each.bytes_read),
        readable_bytes(each.bytes_written),
        f"{each.seconds:.3f}",
    )
