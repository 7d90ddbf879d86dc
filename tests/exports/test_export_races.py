"""Exports at the same moment: nothing is lost and nothing is mixed, or one is refused with a clear error."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.exports import export_work
from tests.exports.ground import INTENTS, ExportGround
from tests.incremental.ground import Row, rows
from tests.support.extent import EVERYTHING
from tests.support.zygote import Outcome, Zygote

pytestmark = pytest.mark.timeout(600)
RACES = 20 if EVERYTHING else 2
FEWER = 20 if EVERYTHING else 1
DAYS = ("2026-01-01", "2026-01-02")


def race(zygote: Zygote, *runs: Mapping[str, Any]) -> list[Outcome]:
    """Start all at once, and wait for all."""
    children = [zygote.spawn(export_work.export, arguments) for arguments in runs]
    for child in children:
        child.go()
    return [child.wait(60) for child in children]


def results(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    for outcome in outcomes:
        assert outcome.succeeded, outcome.describe()
    return [outcome.result for outcome in outcomes]


def day_rows(waves: int, day: str) -> list[Row]:
    return [row for row in rows(waves) if str(row[1]) == day]


@pytest.mark.parametrize("before", [2, 0] if EVERYTHING else [2])
def test_two_runs_of_one_partition(before: int, ground: ExportGround, zygote: Zygote) -> None:
    again = 0
    for number in range(RACES):
        prefix = f"{ground.prefix}{number}/"
        if before:
            ground.export(prefix, "partitions", before, day=DAYS[0])
        given = [{**ground.given("partitions", waves, day=DAYS[0]), "prefix": prefix} for waves in (1, 2)]
        found = results(race(zygote, *given))

        last = max(ground.manifests(prefix).values(), key=lambda each: each["number"])
        expected = day_rows(1 if last["totals"]["rows"] == 20 else 2, DAYS[0])
        ground.require_rows(prefix, expected)
        ground.require_clean(prefix)
        again += sum(each["rounds"] - 1 for each in found)
    print(f"{RACES} races of one partition: {again} rounds were run again")  # noqa: T201
    # Otherwise they never met, and nothing was shown.
    assert again


def test_two_partitions(ground: ExportGround, zygote: Zygote) -> None:
    for number in range(FEWER):
        prefix = f"{ground.prefix}{number}/"
        given = [{**ground.given("partitions", 2, day=day), "prefix": prefix} for day in DAYS]
        found = results(race(zygote, *given))

        # Neither was written again for the other's sake.
        assert [each["rounds"] for each in found] == [1, 1]
        ground.require_rows(prefix, sorted(row for day in DAYS for row in day_rows(2, day)))
        ground.require_clean(prefix)


def test_two_increments(ground: ExportGround, zygote: Zygote) -> None:
    for number in range(FEWER):
        prefix = f"{ground.prefix}{number}/"
        ground.export(prefix, "incremental", 1)
        given = {**ground.given("incremental", 2), "prefix": prefix}
        found = results(race(zygote, given, given))

        assert sorted(each["rows"] for each in found) == [0, 20]
        ground.require_rows(prefix, rows(2))
        ground.export(prefix, "incremental", 3)
        ground.require_rows(prefix, rows(3))
        ground.require_clean(prefix)


def test_two_exports_of_one_key(ground: ExportGround, zygote: Zygote) -> None:
    """One of them has all of its files there, and the other none."""
    for number in range(FEWER):
        prefix = f"{ground.prefix}{number}/"
        given = [
            {**ground.given("full", waves, name=name), "prefix": prefix}
            for waves, name in ((1, export_work.NAME), (2, "other orders"))
        ]
        outcomes = race(zygote, *given)

        first, other = (outcome.succeeded for outcome in outcomes)
        assert first != other, [outcome.describe() for outcome in outcomes]
        (refused,) = (outcome for outcome in outcomes if not outcome.succeeded)
        assert "KeyTakenError" in (refused.traceback or "")
        winner = export_work.NAME if first else "other orders"
        assert f"its object was written by the export '{winner}'" in (refused.traceback or "")
        shown = {key: body for key, body in ground.objects(prefix).items() if not key.startswith("_")}
        assert len([key for key in shown if not key.endswith("_SUCCESS")]) == (5 if first else 8)
        assert ground.open_uploads(prefix) == []
        assert not [key for key in ground.keys(prefix) if key.startswith(INTENTS)]
        if first:
            ground.require_rows(prefix, rows(1))
