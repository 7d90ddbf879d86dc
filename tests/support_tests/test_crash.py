from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.crash import KillVariant, count_requests, crash_matrix
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote
from tests.support_tests import toy


class Ground:
    """A bucket, with a new prefix for each state."""

    def __init__(self, s3_client: Any, bucket: str) -> None:
        self._s3_client = s3_client
        self.bucket = bucket

    def prepare(self, label: str) -> Mapping[str, Any]:
        return {"prefix": label}

    def sizes(self, prefix: str) -> list[int]:
        found = self._s3_client.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}/")
        return [item["Size"] for item in found.get("Contents", [])]

    def check_five(self, arguments: Mapping[str, Any]) -> None:
        assert self.sizes(arguments["prefix"]) == [1, 2, 3, 4, 5]

    def check_one_row(self, arguments: Mapping[str, Any]) -> None:
        assert self.sizes(arguments["prefix"] + "/data") == [3]


@pytest.fixture
def ground(s3_client: Any, bucket: str) -> Ground:
    return Ground(s3_client, bucket)


@pytest.fixture
def arguments(proxy: RequestProxy, bucket: str) -> dict[str, Any]:
    return {"endpoint": proxy.endpoint, "bucket": bucket}


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("variant", ["kill_before", "kill_after"])
def test_what_the_server_has_after_a_kill(
    variant: KillVariant,
    k: int,
    proxy: RequestProxy,
    zygote: Zygote,
    ground: Ground,
    arguments: dict[str, Any],
) -> None:
    child = zygote.spawn(toy.put_five, {**arguments, "prefix": "five"})
    proxy.arm(variant, k, pid=child.pid)
    child.go()
    outcome = child.wait(20)

    assert outcome.killed, outcome.describe()
    left = k - 1 if variant == "kill_before" else k
    assert ground.sizes("five") == list(range(1, left + 1))
    requests = proxy.requests()
    assert [request.number for request in requests] == list(range(1, k + 1))
    assert [request.status for request in requests] == [200] * left + [None] * (k - left)
    assert [request.action for request in requests] == [None] * (k - 1) + [variant]


def test_half_a_request_of_a_dead_client_reaches_nobody(
    proxy: RequestProxy, zygote: Zygote, ground: Ground, arguments: dict[str, Any]
) -> None:
    child = zygote.spawn(toy.stop_amid_body, {**arguments, "prefix": "amid"})
    proxy.arm("kill_before", 2, pid=child.pid)
    child.go()

    assert child.wait(20).killed
    proxy.reset()
    assert ground.sizes("amid") == []


def test_the_proxy_serves_again_after_a_kill(
    proxy: RequestProxy, zygote: Zygote, ground: Ground, arguments: dict[str, Any]
) -> None:
    child = zygote.spawn(toy.put_five, {**arguments, "prefix": "again"})
    proxy.arm("kill_after", 3, pid=child.pid)
    child.go()
    child.wait(20)

    assert count_requests(proxy, zygote, toy.put_five, {**arguments, "prefix": "again"}) == 5
    ground.check_five({"prefix": "again"})


def test_a_matrix_crashes_at_every_request(
    proxy: RequestProxy, zygote: Zygote, ground: Ground, arguments: dict[str, Any]
) -> None:
    report = crash_matrix(proxy, zygote, toy.put_five, arguments, ground.prepare, ground.check_five)

    assert report.failures == []
    assert report.requests == 5
    for variant in ("kill_before", "kill_after"):
        assert report.killed(variant) == [1, 2, 3, 4, 5]
        assert report.not_reached(variant) == [6]
    assert report.summary() == (
        "5 requests undisturbed, 5 of them writes; kill_before: 5 survived, 1 not reached, "
        "kill_after: 5 survived, 1 not reached; 0 failed"
    )


def test_a_matrix_can_be_a_sample(
    proxy: RequestProxy, zygote: Zygote, ground: Ground, arguments: dict[str, Any]
) -> None:
    report = crash_matrix(
        proxy,
        zygote,
        toy.put_five,
        arguments,
        ground.prepare,
        ground.check_five,
        variants=["kill_after"],
        every=3,
        repair_runs=2,
    )

    assert report.killed("kill_after") == [1, 4, 5]


def test_a_matrix_finds_what_is_not_exactly_once(
    proxy: RequestProxy, zygote: Zygote, ground: Ground, arguments: dict[str, Any]
) -> None:
    report = crash_matrix(
        proxy, zygote, toy.put_under_new_name, arguments, ground.prepare, ground.check_one_row
    )

    # Only a crash before anything was written is harmless to it. Nor does it bear a run without a crash.
    assert report.killed("kill_before") == [1]
    assert [(crash.variant, crash.k) for crash in report.failures] == [
        ("kill_before", 2),
        ("kill_after", 1),
        ("kill_after", 2),
    ]
    assert "[3, 3] == [3]" in report.summary()


def test_runs_that_end_before_their_k_are_told_apart(
    proxy: RequestProxy, zygote: Zygote, ground: Ground, arguments: dict[str, Any]
) -> None:
    """Only the undisturbed run is given a fresh state here: the later ones have one request less to send."""

    def prepare(label: str) -> Mapping[str, Any]:
        return {"prefix": "same"}

    report = crash_matrix(
        proxy, zygote, toy.list_only_once, arguments, prepare, lambda _: None, variants=["kill_before"]
    )

    assert report.requests == 3
    assert report.killed("kill_before") == [1, 2]
    assert report.not_reached("kill_before") == [3]


def test_a_function_that_fails_is_not_a_matrix(
    proxy: RequestProxy, zygote: Zygote, ground: Ground, arguments: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError, match="on purpose"):
        crash_matrix(proxy, zygote, toy.fail, {}, lambda _: {}, lambda _: None)
    with pytest.raises(ValueError, match="Nothing was sent"):
        crash_matrix(proxy, zygote, toy.sleep, {"seconds": 0}, lambda _: {}, lambda _: None)
