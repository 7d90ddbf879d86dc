"""Folders of dates: the pattern that all of them follow, and none where one does not."""

from datetime import date, datetime
from typing import Any

import pytest

from s3_assets.explore.dated import find_dated

DAY, HOUR = date(2026, 1, 5), datetime(2026, 1, 5, 13)  # noqa: DTZ001 - on the wall clock, as a registry says it


@pytest.mark.parametrize(
    ("folders", "pattern", "every", "start"),
    [
        (["2026/01/05/13", "2026/01/06/00"], "%Y/%m/%d/%H", "hour", HOUR),
        (["2026/1/5", "2026/12/31"], "%Y/%-m/%-d", "day", DAY),
        (
            ["year=2026/month=1/day=5/a", "year=2026/month=12/day=31/b"],
            "year=%Y/month=%-m/day=%-d",
            "day",
            DAY,
        ),
        (["eu-central-1/2026/01/05", "eu-central-1/2026/01/06"], "eu-central-1/%Y/%m/%d", "day", DAY),
        (["a/2026/01", "b/2026/02"], "*/%Y/%m", "month", date(2026, 1, 1)),
        (["2026-01-06", "2026-01-05"], "%Y-%m-%d", "day", DAY),
        (["20260105/x", "20260106/y"], "%Y%m%d", "day", DAY),
        (["2026-01-05T13", "2026-01-05T14"], "%Y-%m-%dT%H", "hour", HOUR),
    ],
    ids=["hours", "no zeros", "hive", "below a name", "months", "iso", "short", "iso hours"],
)
def test_one_pattern_of_all(folders: list[str], pattern: str, every: str, start: Any) -> None:
    found = find_dated(folders, ())

    assert found is not None
    column = {"hour": "hour", "day": "date", "month": "month"}[every]
    assert found.settings == {"column": column, "every": every, "start": start, "folders": pattern}
    assert folders[0].startswith(found.example)


@pytest.mark.parametrize(
    "folders",
    [[], ["2026"], ["2026/13/01"], ["2026-02-30"], ["2026/01/05", "latest"], ["a/b"]],
    ids=["none", "year", "month 13", "no day", "another name", "names"],
)  # fmt: skip
def test_no_pattern(folders: list[str]) -> None:
    assert find_dated(folders, ()) is None


def test_the_units_that_all_have() -> None:
    found = find_dated(["2026/01/05", "2026/02", "2026/03/latest"], ())

    assert found is not None
    assert (found.settings["folders"], found.settings["every"]) == ("%Y/%m", "month")


def test_the_column_is_none_of_the_table() -> None:
    names = ["date", "day", "partition_date"]

    found = [find_dated(["2026/01/05"], names[:taken]) for taken in range(4)]

    assert [each and each.settings["column"] for each in found] == [*names, None]
