"""Processes at the same moment: no row is doubled, none is lost, and the next import works."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import work
from tests.incremental.ground import Ground, Row, get_all, put_all, rows
from tests.support.extent import EVERYTHING
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(300)
RACES = 50 if EVERYTHING else 3
FEWER = 12 if EVERYTHING else 6


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any, request: pytest.FixtureRequest) -> Ground:
    ground = Ground(s3_server.endpoint_url, s3_client, getattr(request, "param", "parquet"))
    ground.make_sources()
    return ground


def race(zygote: Zygote, *runs: tuple[Callable[..., Any], Mapping[str, Any]]) -> list[Any]:
    """Start all at once; all must return."""
    children = [zygote.spawn(function, arguments) for function, arguments in runs]
    for child in children:
        child.go()
    outcomes = [child.wait(60) for child in children]
    for outcome in outcomes:
        assert outcome.succeeded, outcome.describe()
    return [outcome.result for outcome in outcomes]


def imports(ground: Ground, prefix: str, waves: int) -> tuple[Callable[..., Any], dict[str, Any]]:
    return work.import_new, {
        "endpoint": ground.endpoint,
        "bucket": ground.bucket,
        "source_bucket": ground.sources[waves - 1],
        "format_": ground.format,
        "prefix": prefix,
    }


@pytest.mark.parametrize("ground", ["parquet", "delta"], indirect=True)
def test_two_imports_of_one_stream(ground: Ground, zygote: Zygote) -> None:
    ground.run("template/", 1)
    template = get_all(ground.store(), "template/")
    again = 0
    for number in range(RACES):
        prefix = f"race-{number}/"
        put_all(ground.store(), prefix, template)
        results = race(zygote, imports(ground, prefix, 2), imports(ground, prefix, 2))

        assert sorted(result["rows"] for result in results) == [0, 20]
        assert sorted(result["nothing_new"] for result in results) == [False, True]
        assert ground.read_delta(prefix) == rows(2)
        again += sum(result["rounds"] - 1 for result in results)
        if number % 5 == 0:
            assert ground.run(prefix, 3)["rows"] == 5
            assert ground.read_delta(prefix) == rows(3)
            ground.require_clean(prefix)
    print(f"{RACES} races from {ground.format}: {again} rounds were run again")  # noqa: T201
    # Otherwise they never met, and nothing was shown.
    assert again


def test_two_imports_that_create_the_table(ground: Ground, zygote: Zygote) -> None:
    for number in range(FEWER):
        prefix = f"race-{number}/"
        results = race(zygote, imports(ground, prefix, 1), imports(ground, prefix, 1))

        assert sorted(result["rows"] for result in results) == [0, 40]
        assert ground.read_delta(prefix) == rows(1)
        assert ground.run(prefix, 2)["rows"] == 20
        assert ground.run(prefix, 3)["rows"] == 5
        assert ground.read_delta(prefix) == rows(3)
        ground.require_clean(prefix)


@pytest.mark.parametrize("day", [None, "2027-02-01"], ids=["append", "overwrite"])
def test_an_import_beside_a_foreign_writer(day: str | None, ground: Ground, zygote: Zygote) -> None:
    ground.run("template/", 1)
    template = get_all(ground.store(), "template/")
    where = date.fromisoformat(day) if day else date(2027, 1, 1)
    theirs: list[Row] = [(number, where, f"row {number}") for number in range(900, 905)]
    for number in range(FEWER):
        prefix = f"race-{number}/"
        put_all(ground.store(), prefix, template)
        foreign = {"options": ground.options, "url": f"s3://{ground.bucket}/{prefix}", "first": 900}
        race(
            zygote,
            imports(ground, prefix, 2),
            (work.foreign_write, {**foreign, "rows": 5, "day": day}),
        )

        assert ground.read_delta(prefix) == sorted(rows(2) + theirs)
        ground.run(prefix, 3)
        assert ground.read_delta(prefix) == sorted(rows(3) + theirs)


def overwrites(
    ground: Ground, prefix: str, day: str, first: int
) -> tuple[Callable[..., Any], dict[str, Any]]:
    where = {"endpoint": ground.endpoint, "bucket": ground.bucket, "prefix": prefix, "format_": "delta"}
    return work.overwrite_day, {**where, "day": day, "first": first, "rows": 4}


def day_rows(day: str, first: int) -> list[Row]:
    return [(number, date.fromisoformat(day), f"row {number}") for number in range(first, first + 4)]


@pytest.mark.parametrize("before", ["rows", "nothing"])
def test_two_overwrites_of_one_day(before: str, ground: Ground, zygote: Zygote) -> None:
    function, arguments = overwrites(ground, "template/", "2026-01-01", 0)
    function(**arguments)
    if before == "rows":
        function(**{**arguments, "day": "2026-01-02"})
    template = get_all(ground.store(), "template/")
    others = day_rows("2026-01-01", 0)
    for number in range(FEWER):
        prefix = f"race-{number}/"
        put_all(ground.store(), prefix, template)
        race(
            zygote,
            overwrites(ground, prefix, "2026-01-02", 100),
            overwrites(ground, prefix, "2026-01-02", 200),
        )

        found = ground.read_delta(prefix)
        assert found in [others + day_rows("2026-01-02", 100), others + day_rows("2026-01-02", 200)]
        function(**{**arguments, "prefix": prefix, "day": "2026-01-02", "first": 300})
        assert ground.read_delta(prefix) == others + day_rows("2026-01-02", 300)
        ground.require_clean(prefix, stream=None)


def test_an_overwrite_beside_a_foreign_one_of_the_same_empty_day(ground: Ground, zygote: Zygote) -> None:
    function, arguments = overwrites(ground, "template/", "2026-01-01", 0)
    function(**arguments)
    template = get_all(ground.store(), "template/")
    others = day_rows("2026-01-01", 0)
    for number in range(FEWER):
        prefix = f"race-{number}/"
        put_all(ground.store(), prefix, template)
        foreign = {"options": ground.options, "url": f"s3://{ground.bucket}/{prefix}", "first": 200}
        race(
            zygote,
            overwrites(ground, prefix, "2026-01-02", 100),
            (work.foreign_write, {**foreign, "rows": 4, "day": "2026-01-02"}),
        )

        found = ground.read_delta(prefix)
        assert found in [others + day_rows("2026-01-02", 100), others + day_rows("2026-01-02", 200)]


def test_two_overwrites_of_two_days(ground: Ground, zygote: Zygote) -> None:
    function, arguments = overwrites(ground, "template/", "2026-01-01", 0)
    function(**arguments)
    template = get_all(ground.store(), "template/")
    for number in range(FEWER):
        prefix = f"race-{number}/"
        put_all(ground.store(), prefix, template)
        race(
            zygote,
            overwrites(ground, prefix, "2026-01-02", 100),
            overwrites(ground, prefix, "2026-01-03", 200),
        )

        found = ground.read_delta(prefix)
        expected = [*day_rows("2026-01-01", 0), *day_rows("2026-01-02", 100), *day_rows("2026-01-03", 200)]
        assert found == expected
        ground.require_clean(prefix, stream=None)
