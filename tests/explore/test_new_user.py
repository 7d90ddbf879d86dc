"""A bucket of every layout and trap that `discover` was not made for: what is told rightly, and what is not.

The answers are those of `tests/explore/new_user`, written before anyone looked at how it decides.
"""

from pathlib import Path
from typing import Any

import pytest

from s3_assets.explore.discover import discover
from s3_assets.registry.additions import add_found
from s3_assets.registry.loading import load_registry
from tests.explore.new_user.bucket import fill, telling, things
from tests.explore.new_user.judge import Verdict, judge
from tests.explore.new_user.second import second
from tests.explore.new_user.things import Thing
from tests.support.extent import EVERYTHING
from tests.tables.formats import Place

# A workbook is a document, whose media set is an inventory; the judge sees nothing that is worth one.
DISPUTED = ("office",)


@pytest.fixture
def made(place: Place, tmp_path: Path) -> tuple[Thing, ...]:
    """All of it, or the part that tells most; in the bucket already."""
    found = things(_catalog(place, tmp_path), 10_000) if EVERYTHING else telling(12)
    fill(place.client, place.bucket, found)
    return found


def _catalog(place: Place, folder: Path) -> Any:
    from pyiceberg.catalog.sql import SqlCatalog

    told = {
        "warehouse": f"s3://{place.bucket}",
        "s3.endpoint": place.server.endpoint_url,
        "s3.access-key-id": place.key_id,
        "s3.secret-access-key": place.secret,
        "s3.region": "us-east-1",
    }
    return SqlCatalog("given", uri=f"sqlite:///{folder}/catalog.db", **told)


@pytest.mark.skipif(not EVERYTHING, reason="the first bucket is tried ordinarily")
def test_a_second_bucket(place: Place, tmp_path: Path) -> None:
    made = second()
    fill(place.client, place.bucket, made)

    verdict, _ = discovered(place, made, tmp_path / "s3_assets.yaml")

    assert (verdict.wrong, verdict.missed, verdict.extra) == ((), (), ()), str(verdict)
    assert len(verdict.right) == sum(len(each.answers) for each in made)


def test_every_table_once_and_no_trap(place: Place, made: tuple[Thing, ...], tmp_path: Path) -> None:
    verdict, requests = discovered(place, made, tmp_path / "s3_assets.yaml")

    assert (verdict.wrong, verdict.missed) == ((), ()), str(verdict)
    assert len(verdict.right) == sum(len(each.answers) for each in made)
    assert [each for each in verdict.extra if each.split(":")[1].strip() not in DISPUTED] == []
    # The small files of one table cost no requests by their number.
    assert requests < 300


def discovered(place: Place, made: tuple[Thing, ...], file: Path) -> tuple[Verdict, int]:
    """Write what is found to a registry, and judge it; return also how many requests were sent."""
    connection = place.connection()
    keys = {"type": "access_key", "access_key_id": place.key_id, "secret_access_key": place.secret}
    fields = {
        "url": f"s3://{place.bucket}/",
        "endpoint": place.server.endpoint_url,
        "region": "us-east-1",
        "auth": keys,
    }

    found = discover(connection)
    add_found(file, connection, found.found, fields=fields)
    return judge(load_registry(file), made), found.requests
