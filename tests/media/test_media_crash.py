"""Crash a media set at every request, run it again: inventory and copies are what plain boto3 says is there.

An ordinary run tries a few requests; with EVERYTHING=1 in the environment all are tried, before and after, of
first and second runs, with copies on the server and through the process, for each kind of inventory.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.media import media_work
from tests.media.media_ground import GONE, MediaGround
from tests.support.crash import Crasher, KillVariant, Report, crash_matrix
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(3000)
LARGE = {"c/large.bin": {"Body": bytes(range(256)) * 36_000}}

CASES = [
    ("parquet", "server", "second"),
    ("delta", "server", "second"),
    ("iceberg", "server", "second"),
    ("parquet", "streamed", "second"),
    ("delta", "", "second"),
    ("delta", "server", "first"),
]
THIN = CASES[:1]


@pytest.mark.parametrize("variant", ["kill_before", "kill_after"] if EVERYTHING else ["kill_after"])
@pytest.mark.parametrize(
    ("format_", "copies", "run"),
    [pytest.param(*case, id="-".join(filter(None, case))) for case in (CASES if EVERYTHING else THIN)],
)
def test_a_media_set(
    variant: KillVariant,
    format_: str,
    copies: str,
    run: str,
    ground: MediaGround,
    proxy: RequestProxy,
    zygote: Zygote,
    record_property: Callable[[str, object], None],
) -> None:
    """The second run finds an object that is new, one that is deleted, and two that were changed."""
    shared: dict[str, Any] = {"bucket": ground.bucket, "source_bucket": ground.source, "format_": format_}
    # The same server under another name is another one: bytes go through the process.
    elsewhere = proxy.endpoint.replace("127.0.0.1", "localhost")
    direct = {**shared, "endpoint": ground.endpoint, "on_deleted_copies": "delete", "batch": 3}
    crashed = {**direct, "endpoint": proxy.endpoint}
    if copies:
        crashed["copies_endpoint"] = proxy.endpoint if copies == "server" else elsewhere
        direct["copies_endpoint"] = crashed["copies_endpoint"]
    if run == "second":
        media_work.run(**direct)
        ground.change()
    if copies == "streamed":
        ground.put(LARGE)
    template = ground.taken()

    def prepare(label: str) -> dict[str, Any]:
        del label
        ground.restore(template)
        return {}

    def check(given: dict[str, Any]) -> None:
        del given
        assert ground.present(format_) == ground.full_look()
        rows = ground.inventory(format_)
        assert rows["key"].is_unique().all()
        gone = rows.filter(rows["status"] == "deleted")["key"].to_list()
        assert gone == ([media_work.SOURCE + GONE] if run == "second" else [])
        assert ground.copies() == (ground.expected_copies() if copies else {})
        assert ground.uploads() == []
        # In a process of its own: this one's connections to the proxy may be those that a kill has cut.
        assert Crasher(proxy, zygote, media_work.run, timeout=120).run(crashed).result["nothing_new"]
        if format_ == "delta":
            assert ground.orphans() == set()

    report: Report = crash_matrix(
        proxy,
        zygote,
        media_work.run,
        crashed,
        prepare,
        check,
        variants=[variant],
        every=1 if EVERYTHING else 18,
    )

    name = f"{run} run into {format_}{', copies ' + copies if copies else ''}, {variant}"
    print(f"{name}: {report.summary()}")  # noqa: T201 - the number of k's is the result
    record_property(name, report.summary())
    assert not report.failures, report.summary()
    assert report.killed(variant)
