"""Counting: what requests are called, who asks, and which thread counts for whom."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor as PlainPool
from typing import TYPE_CHECKING

import pytest

from s3_assets.metrics import Asker, Meter, Request, current, operation_of, phase, user_agent
from s3_assets.progress import pulse
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.metrics.meter import Counted

# RFC 9110, 5.6.2 and 10.1.5.
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PRODUCTS = re.compile(rf"{TOKEN}/{TOKEN}(?: {TOKEN}/{TOKEN})*")


@pytest.mark.parametrize(
    ("method", "query", "key", "operation"),
    [
        ("GET", "", True, "GetObject"),
        ("GET", "list-type=2&prefix=a%2F", False, "ListObjectsV2"),
        ("PUT", "partNumber=3&uploadId=abc", True, "UploadPart"),
        ("POST", "uploads=", True, "CreateMultipartUpload"),
        ("POST", "uploadId=abc", True, "CompleteMultipartUpload"),
        ("POST", "delete=", False, "DeleteObjects"),
        ("HEAD", "", False, "HeadBucket"),
        ("PUT", "x-id=PutObject", True, "PutObject"),
        ("GET", "acl", True, "GET ?acl"),
    ],
)
def test_operations_of_the_api(method: str, query: str, key: bool, operation: str) -> None:
    assert operation_of(method, query, {}, key=key) == operation


def test_a_copy_is_told_by_its_header() -> None:
    headers = {"x-amz-copy-source": "/b/k"}

    assert operation_of("PUT", "", headers, key=True) == "CopyObject"
    assert operation_of("PUT", "uploadId=1", headers, key=True) == "UploadPartCopy"


@pytest.mark.parametrize("asset", ["sales/orders", "ü" * 200, "a b\r\nX-Evil: 1", '"(comment)"', "%"])
def test_any_name_is_a_product(asset: str) -> None:
    told = user_agent(Asker(run="r-1", asset=asset))

    assert PRODUCTS.fullmatch(told)
    assert max(map(len, told.split())) <= 128 + len("asset/")


def _request(status: int | None = 200) -> Request:
    return Request("engine", "GetObject", "GET", 0.0, 0.5, status, bytes_read=7)


def test_pools_count_for_who_started_them_and_strangers_for_the_only_meter() -> None:
    first, second = Meter(Asker(run="1")), Meter(Asker(run="2"))

    def work() -> None:
        found = current()
        assert found is not None
        found.note(_request())

    with first.active(), second.active():
        with ThreadPoolExecutor(2) as ours:
            list(ours.map(lambda _: work(), range(5)))
        with PlainPool(1) as theirs:
            # Of two that are active, a thread of a library cannot know whose it is.
            assert theirs.submit(current).result() is None
    with first.active(), PlainPool(1) as theirs:
        theirs.submit(work).result()

    assert (first.usage.total.requests, second.usage.total.requests) == (1, 5)
    assert second.usage.total.bytes_read == 35
    assert current() is None


def test_answers_are_told_apart() -> None:
    meter = Meter()
    for status in (200, 404, 429, 500, 503, None):
        meter.note(_request(status))

    total = meter.usage.total
    assert (total.requests, total.throttled, total.refused, total.failed) == (6, 2, 1, 2)


def test_phases_add_up_and_end_with_a_failure() -> None:
    meter = Meter()
    with meter.active():
        with phase("plan"):
            assert meter.under_way == "plan"
        with pytest.raises(KeyError), phase("plan"):
            raise KeyError

    assert [each.name for each in meter.phases] == ["plan", "plan"]
    assert meter.under_way == ""


def test_what_was_told_is_not_told_twice() -> None:
    meter = Meter(keep=1)
    elsewhere: Iterator[Counted] = iter([({}, [_request()]), ({}, [])])
    meter.also("gateway", lambda: next(elsewhere))
    meter.note(_request())
    meter.used("polars")
    with meter.active(), phase("plan"):
        meter.collect()
    assert len(meter.requests) == 1

    meter.begin_anew()
    meter.collect()

    assert (meter.usage.counts, meter.requests, meter.phases, meter.unseen) == ({}, [], [], set())


def test_a_long_step_says_what_it_is_at() -> None:
    lines: list[str] = []
    shown = threading.Event()

    def show(line: str) -> None:
        lines.append(line)
        shown.set()

    with pulse(lambda: "at work", show, 0.01):
        assert shown.wait(10)

    assert set(lines) == {"at work"}
