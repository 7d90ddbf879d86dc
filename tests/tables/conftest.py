"""A fresh place for each test, and one format after the other."""

from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from s3_assets.tables.open import capabilities
from s3_assets.tables.table import Capability
from tests.tables.conformance import FORMATS
from tests.tables.formats import Format, Place


@pytest.fixture
def place(s3_server: EmbeddedServer, s3_client: Any, bucket: str) -> Place:
    return Place(s3_server, s3_client, bucket)


@pytest.fixture(params=FORMATS, ids=[each.name for each in FORMATS])
def table_format(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


@pytest.fixture(autouse=True)
def _only_what_is_declared(request: pytest.FixtureRequest) -> None:
    """Skip a case that needs what the format declares to lack, with the declared reason."""
    needed = {name for marker in request.node.iter_markers("needs") for name in marker.args}
    if not needed:
        return
    table_format: Format = request.getfixturevalue("table_format")
    for name in sorted(needed & set(table_format.lacks)):
        pytest.skip(f"{table_format.name}: {table_format.lacks[name]}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Check, before any case runs, that what the suite says of a format is what the format says of itself."""
    for each in FORMATS if "table_format" in metafunc.fixturenames else ():
        writable = Capability.WRITE_WINDOW in capabilities(each.settings())
        if writable == ("write" in each.lacks):
            raise ValueError(f"the suite and {each.name} disagree about writing")
