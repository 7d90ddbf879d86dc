"""Sizes as `du` tells them: counted, told by CloudWatch, or estimated."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid
from rich.text import Text

from s3_assets.cli.console import note, standard_error, standard_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.explore.estimates import Estimate
    from s3_assets.explore.sizes import Measurement
    from s3_assets.explore.usage import Usage

Amount = tuple[int | None, int]
"""Objects, where they are known, and bytes."""

LISTING, ESTIMATE, CLOUDWATCH = "listing", "estimate", "CloudWatch"


@dataclass(frozen=True)
class Told:
    """How much lies at a place, and how that is known."""

    bucket: str
    prefix: str
    source: str
    objects: int
    bytes: int
    parts: dict[str, Amount] = field(default_factory=dict)
    """Of folders, with their slash, or of types of storage."""
    more: dict[str, Any] = field(default_factory=dict)
    """What else programs are told."""

    @classmethod
    def of_usage(cls, usage: "Usage") -> "Told":
        """Return what CloudWatch told."""
        parts: dict[str, tuple[int | None, int]] = {
            name: (None, size) for name, size in usage.storage.items()
        }
        day = f"{usage.day:%Y-%m-%d}"
        return cls(usage.bucket, "", CLOUDWATCH, usage.objects, usage.bytes, parts, {"day": day})

    @classmethod
    def of_measurement(
        cls, bucket: str, measurement: "Measurement", expected: "Estimate | None" = None
    ) -> "Told":
        """Return what was counted; what is expected of a listing that is not at its end."""
        size = measurement.size
        more = {"requests": size.requests, "seconds": round(measurement.seconds, 3)}
        if expected is not None and not measurement.is_done:
            more = {"requests": expected.requests, "seconds": round(expected.seconds, 3)}
            return cls(bucket, size.prefix, ESTIMATE, expected.objects, expected.bytes, {}, more)
        folders: dict[str, Amount] = {
            f"{name}/": (each.objects, each.bytes) for name, each in size.folders.items()
        }
        return cls(bucket, size.prefix, LISTING, size.objects, size.bytes, folders, more)

    def described(self) -> dict[str, Any]:
        """Return it for programs."""
        listed = "storage" if self.source == CLOUDWATCH else "folders"
        parts = [
            {
                "name": name.removesuffix("/"),
                **({} if objects is None else {"objects": objects}),
                "bytes": size,
            }
            for name, (objects, size) in sorted(self.parts.items())
        ]
        return {
            "bucket": self.bucket,
            "prefix": self.prefix,
            "source": self.source,
            "objects": self.objects,
            "bytes": self.bytes,
            **({} if self.source == ESTIMATE else {listed: parts}),
            **self.more,
        }

    @property
    def origin(self) -> str:
        """How it is known, for people."""
        return f"{CLOUDWATCH}, {self.more['day']}" if self.source == CLOUDWATCH else self.source


def print_told(told: Told) -> None:
    """Print what lies at one place."""
    from s3_assets.progress import count

    grid = _grid("storage" if told.source == CLOUDWATCH else "folder")
    for name, (objects, size) in sorted(told.parts.items(), key=lambda each: (-each[1][1], each[0])):
        grid.add_row(*_amounts(objects, size), Text(name))
    about = "about " * (told.source == ESTIMATE)
    grid.add_row(*_amounts(told.objects, told.bytes, about), Text("all", style="bold"))
    standard_output().print(grid)
    if told.source == CLOUDWATCH:
        note(
            f"{told.origin}; older versions and unfinished uploads are counted, too. "
            "--list counts what is there now, and each folder"
        )
        return
    seconds = told.more["seconds"]
    # Of one page it says more of the start than of the listing.
    rate = f", {told.objects / seconds:,.0f} keys per second" if seconds and told.more["requests"] > 1 else ""
    requests = f"{about}{count(told.more['requests'], 'request')}, {seconds:.1f} s"
    standard_error().print(requests + rate, style="dim", markup=False, soft_wrap=True)


def print_buckets(told: "Iterable[Told]") -> None:
    """Print how much lies in each bucket."""
    rows = sorted(told, key=lambda each: (-each.bytes, each.bucket))
    grid = _grid("bucket")
    grid.add_column("from")
    for each in rows:
        about = "about " * (each.source == ESTIMATE)
        grid.add_row(*_amounts(each.objects, each.bytes, about), Text(f"{each.bucket}/"), each.origin)
    whole = _amounts(sum(each.objects for each in rows), sum(each.bytes for each in rows))
    grid.add_row(*whole, Text("all", style="bold"))
    standard_output().print(grid)


def told_estimate(expected: "Estimate") -> str:
    """Say in one line what is expected."""
    from s3_assets.progress import readable_bytes

    return (
        f"about {expected.objects:,} objects, {readable_bytes(expected.bytes)}: "
        f"{expected.requests:,} requests, {expected.seconds:.0f} s"
    )


def _grid(last: str) -> Grid:
    grid = Grid(box=None, header_style="bold", pad_edge=False)
    grid.add_column("size", justify="right")
    grid.add_column("objects", justify="right")
    grid.add_column(last, overflow="fold")
    return grid


def _amounts(objects: int | None, size: int, about: str = "") -> tuple[str, str]:
    from s3_assets.progress import readable_bytes

    return f"{about}{readable_bytes(size)}", "-" if objects is None else f"{about}{objects:,}"
