"""Listings by several requests at once leave nothing out and name nothing twice, whatever the keys are."""

import random
import time
from bisect import bisect_right
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.explore.deep_listing import deep_listing
from s3_assets.explore.parallel_listing import AT_ONCE, AT_ONCE_NEARBY, NEARBY, Page, ParallelListing
from s3_assets.explore.sizes import Measurement, measure
from s3_assets.objects import Objects
from tests.support.extent import EVERYTHING
from tests.support.many_keys import ManyKeys
from tests.support.many_keys_layouts import LAYOUTS

KEYS = st.lists(
    st.one_of(
        st.from_regex(r"(logs|t)/date=202[0-9]-0[0-9]/part-0[0-9]{2}", fullmatch=True),
        st.from_regex(r"[0-9a-f]{3}", fullmatch=True),
        st.text(st.sampled_from("ab0/é_Z"), min_size=1, max_size=6),
    ),
    max_size=60,
    unique=True,
)


@pytest.fixture(scope="module")
def many() -> Iterator[ManyKeys]:
    with ManyKeys() as server:
        yield server


def objects_of(server: ManyKeys, bucket: str) -> Objects:
    auth = AccessKeyAuth(access_key_id="key", secret_access_key="secret")
    return Objects(
        S3Connection(url=f"s3://{bucket}/", endpoint=server.endpoint_url, region="us-east-1", auth=auth)
    )


class Listed:
    """Sorted keys, and pages of three of them."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys, key=str.encode)
        self.asked = 0

    def page(self, after: str | None) -> Page[str]:
        self.asked += 1
        begin = 0 if after is None else bisect_right(self.keys, after.encode(), key=str.encode)
        found = self.keys[begin : begin + 3]
        return Page(found, found, more=begin + 3 < len(self.keys))


@settings(deadline=None, max_examples=400 if EVERYTHING else 40, suppress_health_check=[HealthCheck.too_slow])
@given(KEYS, st.integers(1, 8), st.integers(1, 12), st.sampled_from((0.0, NEARBY)))
def test_every_key_once(keys: list[str], at_once: int, most: int, nearby: float) -> None:
    listed = Listed(keys)
    found: list[str] = []
    listing = ParallelListing(listed.page, at_once=at_once, nearby=nearby)

    listing.run(lambda page: found.extend(page.items), most)
    assert listed.asked <= most
    listing.run(lambda page: found.extend(page.items))

    assert sorted(found, key=str.encode) == listed.keys
    assert listing.requests == listed.asked
    # Two thirds of the parts may turn out to be empty, or end amid a page.
    assert listed.asked <= 4 * (len(keys) // 3 + 1) + at_once


@settings(deadline=None, max_examples=400 if EVERYTHING else 40, suppress_health_check=[HealthCheck.too_slow])
@given(KEYS, st.integers(1, 8), st.sampled_from((0.0, NEARBY)))
def test_in_order(keys: list[str], at_once: int, nearby: float) -> None:
    listed = Listed(keys)

    listing = ParallelListing(listed.page, at_once=at_once, nearby=nearby)
    found = [key for page in listing.in_order() for key in page.items]

    assert found == listed.keys


@pytest.mark.parametrize(("seconds", "most"), [(0.0, AT_ONCE_NEARBY), (0.02, AT_ONCE)])
def test_of_a_server_nearby_few_pages_are_read_at_once(seconds: float, most: int) -> None:
    listed = Listed([f"{number:05}" for number in range(600)])
    under_way: list[str | None] = []
    seen = [0]

    def page(after: str | None) -> Page[str]:
        under_way.append(after)
        seen.append(len(under_way))
        time.sleep(max(seconds, 0.002))
        under_way.remove(after)
        return listed.page(after)

    listing = ParallelListing(page, answered=seconds)
    found: list[str] = []
    listing.run(lambda each: found.extend(each.items))

    assert sorted(found) == listed.keys
    assert max(seen) == most
    if most == AT_ONCE_NEARBY:
        assert listing.requests < 1.6 * len(listed.keys) / 3


def test_an_error_of_one_request_ends_all() -> None:
    listed = Listed([f"{number:04}" for number in range(900)])

    def page(after: str | None) -> Page[str]:
        if listed.asked > 20:
            raise OSError("away")
        return listed.page(after)

    with pytest.raises(OSError, match="away"):
        ParallelListing(page, nearby=0.0).run(print)
    with pytest.raises(OSError, match="away"):
        list(ParallelListing(page, nearby=0.0).in_order())
    assert listed.asked < 60


def test_who_stops_listening_ends_it() -> None:
    listed = Listed([f"{number:04}" for number in range(9000)])
    pages = ParallelListing(listed.page, nearby=0.0).in_order()

    assert next(pages).keys == ["0000", "0001", "0002"]
    pages.close()  # type: ignore[attr-defined]  # it is a generator

    assert listed.asked < 200


def test_pages_that_wait_for_others_are_few() -> None:
    listed = Listed([f"{number:04}" for number in range(6000)])
    listing = ParallelListing(listed.page, nearby=0.0)
    most = found = 0

    for page in listing.in_order():
        found += len(page.keys)
        most = max(most, sum(len(each.pages) for each in list(listing.parts)))

    assert found == 6000
    # 96, and what 16 were reading by then.
    assert most <= 112


@pytest.mark.parametrize("layout", [*LAYOUTS] if EVERYTHING else ["hive", "uneven"])
def test_sizes_and_estimates(layout: str, many: ManyKeys) -> None:
    number = 60_000 if EVERYTHING else 6_000
    keys = many.lay_out(layout, layout, number)
    expected: dict[str, list[int]] = {}
    laid_out = LAYOUTS[layout](number)
    for key, size in laid_out.objects:
        body = laid_out.bodies.get(key, laid_out.bodies.get("." + key.rpartition(".")[2]))
        folder = key.partition("/")[0] if "/" in key else ""
        expected.setdefault(folder, []).append(size if body is None else len(body))
    many.reset()

    measurement = Measurement(objects_of(many, layout), "")
    estimate = measurement.begin(24)
    found = measurement.finish()

    assert (found.objects, found.bytes) == (keys, sum(map(sum, expected.values())))
    assert {name: (each.objects, each.bytes) for name, each in found.folders.items()} == {
        folder: (len(sizes), sum(sizes)) for folder, sizes in expected.items() if folder
    }
    assert found.requests == sum(many.requests().values()) <= 4 * (keys // 1000) + 32
    assert 0.3 < estimate.objects / keys < 3


def test_keys_as_the_server_writes_them(many: ManyKeys) -> None:
    alphabet = "a%+&<>'\"= é\U0001f600/~\n"
    source = random.Random(7)  # noqa: S311 - the same keys each time
    keys = {"".join(source.choices(alphabet, k=source.randint(1, 9))) for _ in range(200)} - {"/"}
    keys = {key for key in keys if not key.startswith("/")}
    many.fill("odd", [(key, 3) for key in keys])

    objects = objects_of(many, "odd")

    assert objects.sizes_page("").keys == sorted(keys, key=str.encode)
    assert [each.key for page in deep_listing(objects, "") for each in page] == sorted(keys, key=str.encode)
    assert measure(objects, "").bytes == 3 * len(keys)
