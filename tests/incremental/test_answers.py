"""Answers that lie: the server acted and said 503, or did not act; at each from the first write on."""

from typing import Any, Literal

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.incremental import work
from tests.incremental.ground import Ground, get_all, put_all, rows
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(600)


def first_write(proxy: RequestProxy, zygote: Zygote, given: dict[str, Any]) -> int:
    """The number of the first request that changes anything."""
    proxy.reset()
    assert zygote.run(work.import_new, given).succeeded
    return next(each.number for each in proxy.requests() if each.method == "PUT")


@pytest.mark.parametrize(
    ("kind", "retries"),
    [("status", 0), ("lost_reply", 3), *([("lost_reply", 0), ("status", 3)] if EVERYTHING else [])],
)
def test_rows_are_there_once(
    kind: Literal["lost_reply", "status"],
    retries: int,
    s3_server: EmbeddedServer,
    s3_client: Any,
    proxy: RequestProxy,
    zygote: Zygote,
    record_property: Any,
) -> None:
    """Without retries each answer reaches our code; with them, the engines meet their own deeds."""
    ground = Ground(s3_server.endpoint_url, s3_client)
    ground.make_sources()
    ground.run("template/", 1)
    template = get_all(ground.store(), "template/")
    given = {
        "endpoint": proxy.endpoint,
        "bucket": ground.bucket,
        "source_bucket": ground.sources[1],
        "format_": "parquet",
        "retries": retries,
    }
    failed, k = 0, first_write(proxy, zygote, {**given, "prefix": "template/"}) - 1
    tried = 0
    while True:
        k += 1 if EVERYTHING else 4
        prefix = f"at-{k}/"
        put_all(ground.store(), prefix, template)
        child = zygote.spawn(work.import_new, {**given, "prefix": prefix})
        proxy.reset()
        proxy.arm(kind, k)
        child.go()
        outcome = child.wait(60)
        hit = [request for request in proxy.requests() if request.action == kind]
        if not outcome.succeeded:
            failed += 1
            assert retries == 0, outcome.describe()
            assert zygote.run(work.import_new, {**given, "prefix": prefix}).succeeded
        if not hit:
            break
        tried += 1
        assert ground.read_delta(prefix) == rows(2), f"{k}: {hit[0].method} {hit[0].path}"
        ground.run(prefix, 3)
        assert ground.read_delta(prefix) == rows(3)
        ground.require_clean(prefix)
    print(f"{kind}, {retries} retries: {tried} k's, {failed} runs failed and were run again")  # noqa: T201
    record_property("answers", tried)
    assert tried > (10 if EVERYTHING else 2)
