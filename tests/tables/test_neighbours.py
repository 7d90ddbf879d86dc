"""Folders that are listed together: all that is in them, nothing else, and no more pages than there are."""

import random
from collections.abc import Iterator
from itertools import product

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.objects import Objects
from s3_assets.tables.neighbours import list_folders
from tests.support.many_keys import ManyKeys

PAGE = 1000
HOURS = [f"hour={day:02}T{hour:02}/" for day, hour in product(range(1, 31), range(24))]


@pytest.fixture(scope="module")
def many() -> Iterator[ManyKeys]:
    with ManyKeys() as server:
        yield server


def listed(many: ManyKeys, files: dict[str, int], chosen: list[str]) -> tuple[set[str], int]:
    """Fill a bucket with so many files in each folder; return the keys in the chosen ones, and requests."""
    keys = [f"t/{folder}part-{number:05}" for folder, count in files.items() for number in range(count)]
    many.fill("lake", [(key, 1) for key in keys])
    auth = AccessKeyAuth(access_key_id="key", secret_access_key="secret")
    place = S3Connection(url="s3://lake/", endpoint=many.endpoint_url, region="us-east-1", auth=auth)
    many.reset()

    objects = Objects(place)
    pages = list_folders(objects, [f"t/{each}" for each in chosen], objects.list_frame)
    found = [key for page in pages for key in page["key"]]

    wanted = {key for key in keys if key.startswith(tuple(f"t/{each}" for each in chosen))}
    assert sorted(found) == sorted(wanted)
    return wanted, sum(many.requests().values())


@pytest.mark.parametrize(("files", "requests"), [(1, 1), (3, 3)])
def test_a_month_of_hours_is_a_few_pages(files: int, requests: int, many: ManyKeys) -> None:
    keys, asked = listed(many, dict.fromkeys(HOURS, files), HOURS)

    assert len(keys) == files * 720
    assert asked == requests


def test_what_lies_between_is_passed_over(many: ManyKeys) -> None:
    files = {"a/": 3, "b/": 5_000, "c/": 1_200, "d/": 5_000, "e/": 2}

    keys, asked = listed(many, files, ["e/", "a/", "c/"])

    assert len(keys) == 1_205
    # A page for a and e each, two for c.
    assert asked <= 4


def test_folders_without_files_and_inside_of_others(many: ManyKeys) -> None:
    keys, asked = listed(many, {"a/": 2, "a/b/": 2, "c/": 1}, ["a/", "a/b/", "b/", "c/", "x/y/"])

    assert (len(keys), asked) == (5, 1)


@pytest.mark.parametrize("seed", range(6))
def test_any_folders(seed: int, many: ManyKeys) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same ones each time
    names = [f"{a}/{b}/" for a, b in product(["é", "10", "9", "a b", "z"], range(8))]
    files = {name: chance.choice([0, 1, 7, 400, 1_000, 1_001]) for name in names}
    chosen = chance.sample(names, chance.choice([2, 9, 40]))

    _, asked = listed(many, files, chosen)

    assert asked <= sum(max(-(-files[name] // PAGE), 1) for name in chosen) + 1
