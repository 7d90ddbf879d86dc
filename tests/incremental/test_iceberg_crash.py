"""Crash at every request of a write into Iceberg, run again: every row is there once, nothing is left behind.

A table without a catalog: all steps are requests, the commit among them. Each state that the server can be
left in follows a write. With EVERYTHING=1 in the environment, crashes before each request are tried as well,
and other sources, Glue, and windows that cut no file.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import iceberg_work
from tests.incremental.ground import rows
from tests.incremental.iceberg_ground import IcebergGround
from tests.support.crash import KillVariant, Report, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(900)
DAY = "2026-01-02"
VARIANTS = pytest.mark.parametrize("variant", ["kill_after", *(["kill_before"] if EVERYTHING else [])])
OVERWRITTEN = [(number, date.fromisoformat(DAY), f"row {number}") for number in range(500, 507)]
SOURCES = ["parquet", "delta", "iceberg"] if EVERYTHING else ["parquet"]
FLAT = [True, False] if EVERYTHING else [True]
CATALOGS = ["none", "glue"] if EVERYTHING else ["none"]


@pytest.fixture(params=SOURCES, ids=[f"from-{name}" for name in SOURCES])
def source(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(params=CATALOGS)
def catalog(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any, source: str, catalog: str) -> IcebergGround:
    ground = IcebergGround(s3_server.endpoint_url, s3_client, source)
    ground.glue = catalog == "glue"
    ground.make_sources()
    return ground


@pytest.fixture
def reported(record_property: Callable[[str, object], None]) -> Callable[[str, Report], None]:
    def report(name: str, found: Report) -> None:
        print(f"{name}: {found.summary()}")  # noqa: T201 - the number of k's is the result
        record_property(name, found.summary())
        assert not found.failures, found.summary()
        (variant,) = {crash.variant for crash in found.crashes}
        assert found.killed(variant)

    return report


@pytest.mark.parametrize("imports", ["first", "second"])
@VARIANTS
def test_an_import(
    variant: KillVariant,
    imports: str,
    ground: IcebergGround,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """The first creates the table, the second finds new files and late rows for old dates."""
    waves = 1 if imports == "first" else 2
    template: dict[str, bytes] = {}
    if waves == 2:
        ground.run_iceberg(1, ground.restore({}))
        template = ground.taken()

    def prepare(label: str) -> dict[str, Any]:
        del label
        return {"name": ground.restore(template), "source_bucket": ground.source(waves)}

    def check(given: dict[str, Any]) -> None:
        assert ground.read_iceberg(given["name"]) == rows(waves)
        # The next rows that arrive make the next success.
        assert not ground.run_iceberg(waves + 1, given["name"])["nothing_new"]
        assert ground.read_iceberg(given["name"]) == rows(waves + 1)
        ground.require_clean_iceberg(given["name"])

    given = {
        "endpoint": proxy.endpoint,
        "bucket": ground.bucket,
        "format_": ground.format,
    }
    report = crash_matrix(
        proxy,
        zygote,
        iceberg_work.import_new,
        given,
        prepare,
        check,
        variants=[variant],
        every=1 if EVERYTHING else 3,
    )

    reported(f"{imports} import from {ground.format}, catalog {ground.glue}", report)


@pytest.mark.parametrize("source", ["parquet"], indirect=True)
@pytest.mark.parametrize("flat", FLAT)
@VARIANTS
def test_a_partition_overwrite(
    variant: KillVariant,
    *,
    flat: bool,
    ground: IcebergGround,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """In a table without partition fields, the window cuts the one file that all rows lie in."""
    direct: dict[str, Any] = {"endpoint": ground.endpoint, "bucket": ground.bucket, "flat": flat}
    others = [(number, date(2026, 1, 1), f"row {number}") for number in range(5)]
    before = [(number, date.fromisoformat(DAY), f"row {number}") for number in range(100, 109)]
    iceberg_work.replace_all(**direct, rows=[*others, *before], name=ground.restore({}))
    template = ground.taken()

    def prepare(label: str) -> dict[str, Any]:
        del label
        return {"name": ground.restore(template)}

    def check(given: dict[str, Any]) -> None:
        assert ground.read_iceberg(given["name"]) == sorted(others + OVERWRITTEN)
        iceberg_work.overwrite_day(**direct, day=DAY, first=900, rows=1, name=given["name"])
        assert ground.read_iceberg(given["name"]) == [*others, (900, date.fromisoformat(DAY), "row 900")]
        ground.require_clean_iceberg(given["name"], stream=False)

    given = {"endpoint": proxy.endpoint, "bucket": ground.bucket, "flat": flat, "day": DAY, "first": 500}
    report = crash_matrix(
        proxy,
        zygote,
        iceberg_work.overwrite_day,
        {**given, "rows": 7},
        prepare,
        check,
        variants=[variant],
        every=1 if EVERYTHING else 3,
    )

    reported(f"overwrite, flat {flat}, catalog {ground.glue}", report)
