"""The heart of the conformance suite over catalogs that have servers of their own."""

import pytest

from tests.tables import test_conformance_on_ceph as heart
from tests.tables.conformance import CATALOGS
from tests.tables.formats import Format, Place


@pytest.fixture(params=CATALOGS, ids=[each.name for each in CATALOGS])
def table_format(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


def test_another_writers_rows(table_format: Format, place: Place) -> None:
    heart.test_another_writers_rows(table_format, place)


def test_a_window_is_overwritten_twice(table_format: Format, place: Place) -> None:
    heart.test_a_window_is_overwritten_twice(table_format, place)
