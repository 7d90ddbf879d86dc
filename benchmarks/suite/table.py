"""The suite's tables: what it comes to, each job's contestants, and where somebody else is ahead."""

import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from benchmarks.suite.job import Kind
from benchmarks.suite.measure import Found, Measured

# Beyond that, seconds are told apart by more than chance.
EVEN = 1.02
BY_HAND = 1.15
OF_THE_LIMIT = 0.7
_MEGABYTE = 1e6
_LIBRARIES = ("polars", "deltalake", "pyiceberg", "obstore", "dagster")


def markdown(measured: Sequence[Measured], size: float, repeat: int) -> str:
    parts = [_machine(size, repeat), summary(measured), behind(measured)]
    parts += [details(each) for each in measured]
    return "\n\n".join(each for each in parts if each) + "\n"


def _machine(size: float, repeat: int) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    load = os.getloadavg()[1]
    told = f"`--size {size:g} --repeat {repeat}`, {os.cpu_count()} processors"
    python = platform.python_version()
    return f"{told}, Python {python}, {versions}. The machine's load at the end was {load:.1f}."


def summary(measured: Sequence[Measured]) -> str:
    """One line for each job; ratios are of the best runs, less than 1 is faster."""
    rivals = "s3-assets, s | by hand, s | ratio | fastest peer | s | ratio"
    inside = "in Dagster: s3-assets, s | fastest peer | s | ratio"
    lines = [
        f"| job | {rivals} | {inside} | of a bare client |",
        "|---|---:|---:|---:|---|---:|---:|---:|---|---:|---:|---:|",
    ]
    for each in measured:
        mine, inside = each.fastest(Kind.OURS), each.fastest(Kind.OURS_IN_DAGSTER)
        script, peer = each.fastest(Kind.SCRIPT), each.fastest(Kind.PEER)
        peer_inside = each.fastest(Kind.PEER_IN_DAGSTER)
        cells = [
            f"{each.job.name}: {each.job.what}",
            _seconds(mine),
            _seconds(script),
            _ratio(mine, script),
            _name(peer),
            _seconds(peer),
            _ratio(mine, peer),
            _seconds(inside),
            _name(peer_inside),
            _seconds(peer_inside),
            _ratio(inside, peer_inside),
            _share(each),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def behind(measured: Sequence[Measured]) -> str:
    """Where a target is missed, with what the job says of that."""
    lines = []
    for each in measured:
        missed = [
            f"{mine.best / other.best:.2f} x {other.contestant.name}"
            for other, limit in _rivals(each)
            if (mine := each.fastest(other.contestant.kind.ours)) and mine.best > limit * other.best
        ]
        if each.share is not None and each.bound_by_server and each.share < OF_THE_LIMIT:
            missed.append(f"{each.share:.0%} of a bare client's bytes per second")
        if missed:
            lines.append(f"- {each.job.name}: {', '.join(missed)}. {each.job.behind}".rstrip())
    return "\n".join(["Where s3-assets is behind:", "", *lines]) if lines else "s3-assets is nowhere behind."


def _rivals(measured: Measured) -> Iterator[tuple[Found, float]]:
    for kind, limit in ((Kind.SCRIPT, BY_HAND), (Kind.PEER, EVEN), (Kind.PEER_IN_DAGSTER, EVEN)):
        for each in measured.of(kind):
            yield each, limit


def details(measured: Measured) -> str:
    lines = [
        f"### {measured.job.name[0].upper()}{measured.job.name[1:]}: {measured.job.what}",
        "",
        "| | best s | median s | processor s | peak MB | requests | MB in | MB out | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in measured.found:
        name = each.contestant.name
        if each.failed or not each.runs:
            lines.append(f"| {name} | failed: {each.failed.replace('|', '/')} | | | | | | | |")
            continue
        mine = measured.fastest(each.contestant.kind.ours) or measured.fastest(Kind.OURS)
        ratio = f"{each.best / mine.best:.2f}" if mine else ""
        lines.append(
            f"| {name} | {each.best:.2f} | {each.middle:.2f} | {each.processor:.2f} "
            f"| {each.peak / _MEGABYTE:.0f} | {_traffic(each)} | {ratio} |"
        )
    lines += [f"| {name} | {why} | | | | | | | |" for name, why in measured.job.absent.items()]
    if measured.bare_seconds is not None:
        bound = "the server's bytes" if measured.bound_by_server else "work on rows"
        alone = f"A bare client moves the bytes of s3-assets in {measured.bare_seconds:.2f} s"
        lines += ["", f"{alone}; the job is bound by {bound}."]
    return "\n".join(lines)


def _traffic(found: Found) -> str:
    if found.traffic is None:
        return " | | "
    told = found.traffic
    if not told.received + told.sent:
        return f"{told.requests:,} | | "
    return f"{told.requests:,} | {told.received / _MEGABYTE:.1f} | {told.sent / _MEGABYTE:.1f}"


def _name(found: Found | None) -> str:
    return "" if found is None else found.contestant.name


def _seconds(found: Found | None) -> str:
    return "" if found is None else f"{found.best:.2f}"


def _ratio(mine: Found | None, other: Found | None) -> str:
    return "" if mine is None or other is None else f"{mine.best / other.best:.2f}"


def _share(measured: Measured) -> str:
    if measured.share is None:
        return ""
    return f"{measured.share:.0%}" if measured.bound_by_server else f"{measured.share:.0%}, bound by work"
