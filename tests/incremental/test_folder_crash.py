"""Crash at every request of a write into a Parquet folder, run again: every row is there once.

Every eighth request is tried; with EVERYTHING=1 in the environment each one, and more sources and states.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import folder_work, work
from tests.incremental.folder_ground import FolderGround, crash_at_the_commit
from tests.incremental.ground import Row, get_all, put_all, rows
from tests.support.crash import Crasher, KillVariant, Report, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(900)
DAY = "2026-01-02"
EVERY = 1 if EVERYTHING else 16
BOTH = ["kill_before", "kill_after"]
VARIANTS = pytest.mark.parametrize("variant", BOTH if EVERYTHING else ["kill_after"])
SOURCES = ["parquet", "delta"] if EVERYTHING else ["parquet"]
IMPORTS = ["first", "second"] if EVERYTHING else ["second"]
OVERWRITES = ["day", "all"] if EVERYTHING else ["day"]
OTHERS: list[Row] = [(number, date(2026, 1, 1), f"row {number}") for number in range(5)]
OVERWRITTEN: list[Row] = [(number, date.fromisoformat(DAY), f"row {number}") for number in range(500, 507)]
LAST: Row = (900, date.fromisoformat(DAY), "row 900")


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any, request: pytest.FixtureRequest) -> FolderGround:
    ground = FolderGround(s3_server.endpoint_url, s3_client, getattr(request, "param", "parquet"))
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


def prepared(ground: FolderGround, template: Mapping[str, bytes]) -> Callable[[str], dict[str, Any]]:
    def prepare(label: str) -> dict[str, Any]:
        put_all(ground.store(), f"{label}/", template)
        return {"prefix": f"{label}/"}

    return prepare


@pytest.mark.parametrize("ground", SOURCES, indirect=True)
@pytest.mark.parametrize("imports", IMPORTS)
@pytest.mark.parametrize("variant", BOTH)
def test_an_import(
    variant: KillVariant,
    imports: str,
    ground: FolderGround,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """The first finds no folder, the second new files and late rows for old dates."""
    waves = 1 if imports == "first" else 2
    template: dict[str, bytes] = {}
    if waves == 2:
        ground.run_folder("template/", 1)
        template = get_all(ground.store(), "template/")

    def check(given: dict[str, Any]) -> None:
        ground.require_rows(given["prefix"], rows(waves))
        # The next rows that arrive make the next success.
        assert not ground.run_folder(given["prefix"], waves + 1)["nothing_new"]
        ground.require_rows(given["prefix"], rows(waves + 1))
        ground.require_clean_folder(given["prefix"])

    given = {
        "endpoint": proxy.endpoint,
        "bucket": ground.bucket,
        "source_bucket": ground.sources[waves - 1],
        "format_": ground.format,
    }
    report = crash_matrix(
        proxy,
        zygote,
        folder_work.import_new,
        given,
        prepared(ground, template),
        check,
        variants=[variant],
        every=EVERY,
    )

    reported(f"{imports} import from {ground.format}", report)


@pytest.mark.parametrize("committed", [True, False] if EVERYTHING else [True])
@VARIANTS
def test_an_import_behind_a_crashed_one(
    variant: KillVariant,
    *,
    committed: bool,
    ground: FolderGround,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """It finishes what the first one committed, or sweeps what it did not: a crash amid that, too."""
    given = {"endpoint": proxy.endpoint, "bucket": ground.bucket, "format_": ground.format}
    crasher = Crasher(proxy, zygote, folder_work.import_new, 60)
    crash_at_the_commit(ground, crasher, {**given, "source_bucket": ground.sources[0]}, committed=committed)
    assert any("/staging/" in key for key in ground.keys("table/"))

    def check(arguments: dict[str, Any]) -> None:
        ground.require_rows(arguments["prefix"], rows(2))
        ground.run_folder(arguments["prefix"], 3)
        ground.require_rows(arguments["prefix"], rows(3))
        ground.require_clean_folder(arguments["prefix"])

    report = crash_matrix(
        proxy,
        zygote,
        folder_work.import_new,
        {**given, "source_bucket": ground.sources[1]},
        prepared(ground, ground.objects("table/")),
        check,
        variants=[variant],
        every=EVERY,
    )

    reported(f"import behind a crashed one, committed: {committed}", report)


@pytest.mark.parametrize("before", ["rows", "nothing"] if EVERYTHING else ["rows"])
@pytest.mark.parametrize("what", OVERWRITES)
@VARIANTS
def test_an_overwrite(
    variant: KillVariant,
    what: str,
    before: str,
    ground: FolderGround,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """A day takes the places of two files and removes none, or finds none; all takes one and removes two."""
    direct: dict[str, Any] = {"endpoint": ground.endpoint, "bucket": ground.bucket}
    folder_work.replace_all(**direct, prefix="template/", day="2026-01-01", first=0, rows=5)
    if before == "rows":
        for first in (100, 200):
            folder_work.append_rows(**direct, prefix="template/", day=DAY, first=first, rows=9)
    template = get_all(ground.store(), "template/")
    kept = OTHERS if what == "day" else []
    function: Callable[..., Any] = work.overwrite_day if what == "day" else folder_work.replace_all
    arguments: dict[str, Any] = {"day": DAY, "first": 500, "rows": 7}
    if what == "day":
        arguments["format_"] = "parquet"

    def check(given: dict[str, Any]) -> None:
        prefix = given["prefix"]
        ground.require_rows(prefix, kept + OVERWRITTEN)
        work.overwrite_day(**direct, prefix=prefix, format_="parquet", day=DAY, first=900, rows=1)
        ground.require_rows(prefix, [*kept, LAST])
        ground.require_clean_folder(prefix, stream=False)

    report = crash_matrix(
        proxy,
        zygote,
        function,
        {**direct, "endpoint": proxy.endpoint, **arguments},
        prepared(ground, template),
        check,
        variants=[variant],
        every=EVERY,
    )

    reported(f"overwrite of {what} with {before} before", report)
