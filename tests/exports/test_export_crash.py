"""Crash at every request of an export, run again: every row is there once, by manifest and by listing.

Some requests are tried; with EVERYTHING=1 in the environment each one, and more sources, formats and states.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.exports import export_work
from tests.exports.ground import ExportGround
from tests.incremental.ground import Row, rows
from tests.support.crash import Crasher, KillVariant, Report, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(1800)
DAY, OTHER = "2026-01-01", "2026-01-02"
EVERY = 1 if EVERYTHING else 20
BOTH: list[KillVariant] = ["kill_before", "kill_after"]
VARIANTS: list[KillVariant] = BOTH if EVERYTHING else ["kill_after"]
SOURCES = ["parquet", "delta"] if EVERYTHING else ["parquet"]
FORMATS = ["parquet", "jsonl.gz"]
# The partition that is run, and of how many waves of the source its files were and will be.
REPLACED: dict[str, tuple[str | None, int, int]] = {
    "a first partition": (DAY, 0, 1),
    "more files": (DAY, 1, 2),
    "fewer files": (DAY, 2, 1),
    "all files": (None, 1, 2),
}


@pytest.fixture
def reported(record_property: Callable[[str, object], None]) -> Callable[[str, Report], None]:
    def report(name: str, found: Report) -> None:
        print(f"{name}: {found.summary()}")  # noqa: T201 - the number of k's is the result
        record_property(name, found.summary())
        assert not found.failures, found.summary()
        (variant,) = {crash.variant for crash in found.crashes}
        assert found.killed(variant)

    return report


def day_rows(waves: int, day: str) -> list[Row]:
    return [row for row in rows(waves) if str(row[1]) == day]


@pytest.mark.parametrize("ground", SOURCES, indirect=True)
@pytest.mark.parametrize("format_", FORMATS if EVERYTHING else FORMATS[:1])
@pytest.mark.parametrize("states", REPLACED if EVERYTHING else ["more files"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_files_that_are_replaced(
    variant: KillVariant,
    states: str,
    format_: str,
    ground: ExportGround,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """Those of a partition, or all of them; files of another partition stay as they are."""
    day, before, waves = REPLACED[states]
    mode = "partitions" if day else "full"
    others = day_rows(1, OTHER) if day and before else []

    def prepare(label: str) -> dict[str, Any]:
        prefix = f"{ground.prefix}{label}/"
        if before:
            ground.export(prefix, mode, before, day=day, format_=format_)
        if others:
            ground.export(prefix, mode, 1, day=OTHER, format_=format_)
        return {"prefix": prefix}

    def check(given: dict[str, Any]) -> None:
        expected = day_rows(waves, day) if day else rows(waves)
        ground.require_rows(given["prefix"], sorted(expected + others))
        ground.require_clean(given["prefix"])

    given = {**ground.given(mode, waves, day=day, format_=format_), "endpoint": proxy.endpoint}
    report = crash_matrix(
        proxy, zygote, export_work.export, given, prepare, check, variants=[variant], every=EVERY
    )

    reported(f"{states} of {ground.format} as {format_}", report)


@pytest.mark.parametrize("ground", SOURCES, indirect=True)
@pytest.mark.parametrize("format_", FORMATS if EVERYTHING else FORMATS[1:])
@pytest.mark.parametrize("states", ["first", "second"] if EVERYTHING else ["second"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_increment(
    variant: KillVariant,
    states: str,
    format_: str,
    ground: ExportGround,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """The first finds nothing at its prefix, the second the files of the first, which nobody touches."""
    waves = 1 if states == "first" else 2

    def prepare(label: str) -> dict[str, Any]:
        if waves > 1:
            ground.export(f"{ground.prefix}{label}/", "incremental", waves - 1, format_=format_)
        return {"prefix": f"{ground.prefix}{label}/"}

    def check(given: dict[str, Any]) -> None:
        ground.require_rows(given["prefix"], rows(waves))
        # The next rows that arrive make the next success.
        assert not ground.export(given["prefix"], "incremental", waves + 1, format_=format_)["nothing_new"]
        ground.require_rows(given["prefix"], rows(waves + 1))
        ground.require_clean(given["prefix"])

    given = {**ground.given("incremental", waves, format_=format_), "endpoint": proxy.endpoint}
    report = crash_matrix(
        proxy, zygote, export_work.export, given, prepare, check, variants=[variant], every=EVERY
    )

    reported(f"{states} increment of {ground.format} as {format_}", report)


def test_another_partition_runs_behind_a_crashed_one(
    ground: ExportGround, proxy: RequestProxy, zygote: Zygote
) -> None:
    """It carries out what is committed, and leaves alone what may be alive; the crashed one ends in order."""
    crasher = Crasher(proxy, zygote, export_work.export, 60)
    given = {**ground.given("partitions", 1, day=DAY), "endpoint": proxy.endpoint}
    assert crasher.run({**given, "prefix": f"{ground.prefix}rehearsal/"}).succeeded
    requests = proxy.requests()
    commit = next(index for index, each in enumerate(requests, 1) if "commit-" in each.path)
    for k in range(1, len(requests) + 1) if EVERYTHING else (commit, commit + 3):
        prefix = f"{ground.prefix}{k}/"
        assert crasher.run({**given, "prefix": prefix}, "kill_before", k).killed
        proxy.reset()

        ground.export(prefix, "partitions", 1, day=OTHER)

        expected = day_rows(1, OTHER) + (day_rows(1, DAY) if k > commit else [])
        ground.require_rows(prefix, sorted(expected))
        ground.export(prefix, "partitions", 2, day=DAY)
        ground.require_rows(prefix, sorted(day_rows(2, DAY) + day_rows(1, OTHER)))
        ground.require_clean(prefix)
