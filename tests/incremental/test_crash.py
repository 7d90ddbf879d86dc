"""Crash at every request, run again: every row is there once, and the next success leaves nothing behind.

Each state that the server can be left in follows a write, and every write is crashed behind, always. A crash
before a read leaves the state of the read before it: of those every fourth is tried, and each one with
EVERYTHING=1 in the environment.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import obstore
import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import work
from tests.incremental.ground import Ground, get_all, put_all, rows
from tests.support.crash import Crasher, KillVariant, Report, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(600)
DAY = "2026-01-02"
EVERY: dict[KillVariant, int] = {
    "kill_before": 1 if EVERYTHING else 12,
    "kill_after": 1 if EVERYTHING else 3,
}
# One test for each, so that the workers share them.
VARIANTS = pytest.mark.parametrize("variant", ["kill_before", "kill_after"])
OVERWRITTEN = [(number, date.fromisoformat(DAY), f"row {number}") for number in range(500, 507)]


@pytest.fixture
def ground(s3_server: EmbeddedServer, s3_client: Any, request: pytest.FixtureRequest) -> Ground:
    ground = Ground(s3_server.endpoint_url, s3_client, getattr(request, "param", "parquet"))
    ground.make_sources()
    return ground


@pytest.fixture
def reported(record_property: Callable[[str, object], None]) -> Callable[[str, Report], None]:
    def report(name: str, found: Report) -> None:
        # Both: the line for a person who runs with -s, the property for a report file.
        print(f"{name}: {found.summary()}")  # noqa: T201 - the number of k's is the result
        record_property(name, found.summary())
        assert not found.failures, found.summary()
        (variant,) = {crash.variant for crash in found.crashes}
        assert found.killed(variant)

    return report


def arguments(ground: Ground, proxy: RequestProxy, waves: int) -> dict[str, Any]:
    return {
        "endpoint": proxy.endpoint,
        "bucket": ground.bucket,
        "source_bucket": ground.sources[waves - 1],
        "format_": ground.format,
    }


class State:
    """Fresh targets, all alike, and what must become of them."""

    def __init__(self, ground: Ground, waves: int, template: Mapping[str, bytes]) -> None:
        self.ground = ground
        self.waves = waves
        self.template = template

    def prepare(self, label: str) -> dict[str, Any]:
        put_all(self.ground.store(), f"{label}/", self.template)
        return {"prefix": f"{label}/"}

    def check(self, arguments: dict[str, Any]) -> None:
        prefix = arguments["prefix"]
        assert self.ground.read_delta(prefix) == rows(self.waves)
        # The next rows that arrive make the next success.
        assert not self.ground.run(prefix, self.waves + 1)["nothing_new"]
        assert self.ground.read_delta(prefix) == rows(self.waves + 1)
        self.ground.require_clean(prefix)


@pytest.mark.parametrize("ground", ["parquet", "delta"], indirect=True)
@pytest.mark.parametrize("imports", ["first", "second"])
@VARIANTS
def test_an_import(
    variant: KillVariant,
    imports: str,
    ground: Ground,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """The first creates the table, the second finds new files and late rows for old dates."""
    template: dict[str, bytes] = {}
    if imports == "second":
        ground.run("template/", 1)
        template = get_all(ground.store(), "template/")
    waves = 1 if imports == "first" else 2
    state = State(ground, waves, template)
    given = arguments(ground, proxy, waves)
    report = crash_matrix(
        proxy,
        zygote,
        work.import_new,
        given,
        state.prepare,
        state.check,
        variants=[variant],
        every=EVERY[variant],
    )

    reported(f"{imports} import from {ground.format}", report)


@VARIANTS
def test_an_import_behind_a_crashed_one(
    variant: KillVariant,
    ground: Ground,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    """It sweeps what the first one left: a crash amid the sweep must not forget the rest."""
    ground.run("template/", 1)
    given = arguments(ground, proxy, 2)
    crash_at_the_commit(Crasher(proxy, zygote, work.import_new, 60), ground, given)
    assert len(ground.keys("template/")) > len(ground.keys("untouched/"))
    state = State(ground, 2, get_all(ground.store(), "template/"))
    report = crash_matrix(
        proxy,
        zygote,
        work.import_new,
        given,
        state.prepare,
        state.check,
        variants=[variant],
        every=EVERY[variant],
    )

    reported("import behind a crashed one", report)


def crash_at_the_commit(crasher: Crasher, ground: Ground, given: Mapping[str, Any]) -> None:
    """Leave the target `template/` with all that an import writes before its commit, and no commit."""
    before = get_all(ground.store(), "template/")
    for _ in range(5):
        put_all(ground.store(), "untouched/", before)
        put_all(ground.store(), "rehearsal/", before)
        assert crasher.run({**given, "prefix": "rehearsal/"}).succeeded
        requests = crasher.proxy.requests()
        k = next(each.number for each in requests if each.method == "PUT" and "_delta_log" in each.path)
        outcome = crasher.run({**given, "prefix": "template/"}, "kill_before", k)
        if outcome.killed and "_delta_log" in crasher.proxy.requests()[-1].path:
            crasher.proxy.reset()
            return
        for prefix in ("template/", "rehearsal/"):
            obstore.delete(ground.store(), [prefix + key for key in ground.keys(prefix)])
        put_all(ground.store(), "template/", before)
    raise AssertionError("the commit was not hit")


@pytest.mark.parametrize("before", ["rows", "nothing"])
@VARIANTS
def test_a_partition_overwrite(
    variant: KillVariant,
    before: str,
    ground: Ground,
    proxy: RequestProxy,
    zygote: Zygote,
    reported: Callable[[str, Report], None],
) -> None:
    others = [(number, date(2026, 1, 1), f"row {number}") for number in range(5)]
    overwrite = {"bucket": ground.bucket, "format_": "delta"}
    direct: dict[str, Any] = {**overwrite, "endpoint": ground.endpoint}
    work.overwrite_day(**direct, prefix="template/", day="2026-01-01", first=0, rows=5)
    if before == "rows":
        work.overwrite_day(**direct, prefix="template/", day=DAY, first=0, rows=9)
    template = get_all(ground.store(), "template/")

    def prepare(label: str) -> dict[str, Any]:
        put_all(ground.store(), f"{label}/", template)
        return {"prefix": f"{label}/"}

    def check(given: dict[str, Any]) -> None:
        prefix = given["prefix"]
        assert ground.read_delta(prefix) == sorted(others + OVERWRITTEN)
        work.overwrite_day(**direct, prefix=prefix, day=DAY, first=900, rows=1)
        assert ground.read_delta(prefix) == [*others, (900, date.fromisoformat(DAY), "row 900")]
        ground.require_clean(prefix, stream=None)

    given = {**overwrite, "endpoint": proxy.endpoint, "day": DAY, "first": 500, "rows": 7}
    report = crash_matrix(
        proxy, zygote, work.overwrite_day, given, prepare, check, variants=[variant], every=EVERY[variant]
    )

    reported(f"overwrite of a day with {before} before", report)
