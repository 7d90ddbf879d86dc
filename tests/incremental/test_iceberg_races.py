"""Iceberg tables under several writers at once, and behind answers that lie: rows are there once.

With EVERYTHING=1 in the environment more races are run, and more kinds of answers.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Literal

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import iceberg_work
from tests.incremental.ground import Row, rows
from tests.incremental.iceberg_ground import IcebergGround
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(300)
RACES = 12 if EVERYTHING else 2
DAY = "2026-01-02"


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any, request: pytest.FixtureRequest) -> IcebergGround:
    ground = IcebergGround(s3_server.endpoint_url, s3_client)
    ground.glue = getattr(request, "param", "none") == "glue"
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


def imports(ground: IcebergGround, name: str | None) -> tuple[Callable[..., Any], dict[str, Any]]:
    where = {"endpoint": ground.endpoint, "bucket": ground.bucket, "source_bucket": ground.source(2)}
    return iceberg_work.import_new, {**where, "format_": "parquet", "name": name}


@pytest.mark.parametrize("ground", ["none", "glue"], indirect=True)
def test_two_imports_of_one_stream_beside_a_foreign_writer(ground: IcebergGround, zygote: Zygote) -> None:
    """Exactly one of the imports lands, and what PyIceberg alone appends in between is there as well."""
    ground.run_iceberg(1, ground.restore({}))
    template = ground.taken()
    theirs: list[Row] = [(number, date(2027, 1, 1), f"row {number}") for number in range(900, 905)]
    again = 0
    name: str | None = None
    for _ in range(RACES):
        name = ground.restore(template)
        runs = [imports(ground, name)] * 2
        if name is not None:
            foreign = {"endpoint": ground.endpoint, "name": name, "first": 900, "rows": 5}
            runs.append((iceberg_work.foreign_append, foreign))
        results = race(zygote, *runs)[:2]

        assert sorted(result["rows"] for result in results) == [0, 20]
        expected = rows(2) + (theirs if name is not None else [])
        assert ground.read_iceberg(name) == sorted(expected)
        again += sum(result["rounds"] - 1 for result in results)
    ground.run_iceberg(3, name)
    ground.require_clean_iceberg(name)
    if EVERYTHING:
        # Otherwise they never met, and nothing was shown.
        assert again


@pytest.mark.parametrize("flat", [True, *([False] if EVERYTHING else [])])
def test_overwrites_at_once(flat: bool, ground: IcebergGround, zygote: Zygote) -> None:
    """Of the same day one comes last; another day's stands beside it, cut out of the same file or not."""
    others = [(number, date(2026, 1, 1), f"row {number}") for number in range(4)]
    where: dict[str, Any] = {"endpoint": ground.endpoint, "bucket": ground.bucket, "flat": flat}
    before = [(number, date.fromisoformat(DAY), f"row {number}") for number in range(50, 59)]
    iceberg_work.replace_all(**where, rows=[*others, *before], name=ground.restore({}))
    template = ground.taken()
    for _ in range(RACES):
        ground.restore(template)
        days = ((DAY, 100), (DAY, 200), ("2026-01-03", 300))
        race(
            zygote,
            *(
                (iceberg_work.overwrite_day, {**where, "day": day, "first": first, "rows": 4})
                for day, first in days
            ),
        )

        one, two, three = (
            [(number, date.fromisoformat(day), f"row {number}") for number in range(first, first + 4)]
            for day, first in days
        )
        assert ground.read_iceberg() in [others + one + three, others + two + three]
        iceberg_work.overwrite_day(**where, day=DAY, first=500, rows=1)
        assert len(ground.read_iceberg()) == 9
        ground.require_clean_iceberg(stream=False)


@pytest.mark.parametrize("ground", ["none", *(["glue"] if EVERYTHING else [])], indirect=True)
@pytest.mark.parametrize("kind", ["lost_reply", *(["status"] if EVERYTHING else [])])
@pytest.mark.parametrize("retries", [0, 3])
def test_answers_that_lie(
    kind: Literal["lost_reply", "status"],
    retries: int,
    ground: IcebergGround,
    proxy: RequestProxy,
    zygote: Zygote,
) -> None:
    """To each write that may be the commit; with retries the transport meets its own deeds."""
    ground.run_iceberg(1, ground.restore({}))
    template = ground.taken()

    def given() -> dict[str, Any]:
        where = {"endpoint": proxy.endpoint, "bucket": ground.bucket, "source_bucket": ground.source(2)}
        return {**where, "format_": "parquet", "name": ground.restore(template), "retries": retries}

    arguments = given()
    proxy.reset()
    assert zygote.run(iceberg_work.import_new, arguments).succeeded
    commits = [each.number for each in proxy.requests() if _may_commit(each.method, each.path)]
    assert commits
    for k in commits:
        arguments = given()
        child = zygote.spawn(iceberg_work.import_new, arguments)
        proxy.reset()
        proxy.arm(kind, k)
        child.go()
        outcome = child.wait(60)
        hit = [request for request in proxy.requests() if request.action == kind]
        proxy.reset()
        if not outcome.succeeded:
            assert retries == 0, outcome.describe()
            assert zygote.run(iceberg_work.import_new, arguments).succeeded
        assert hit
        assert ground.read_iceberg(arguments["name"]) == rows(2), f"{k}: {hit[0].method} {hit[0].path}"
        assert ground.run_iceberg(3, arguments["name"])["rows"] == 5
        assert ground.read_iceberg(arguments["name"]) == rows(3)
        ground.require_clean_iceberg(arguments["name"])


def _may_commit(method: str, path: str) -> bool:
    """Glue is spoken by POST to the root; without a catalog the put of the metadata is the commit."""
    return method == "POST" or (method == "PUT" and "/metadata/" in path)
