"""An endpoint whose name nobody knows: each operation says so, and its next run ends right."""

import time

import pytest

from s3_assets.errors import UnreachableError
from tests.faults.cells import DEADLINE
from tests.faults.conftest import NAMES, Operations
from tests.support.extent import EVERYTHING
from tests.support.proxy import RequestProxy

# RFC 2606, section 2: there is no such name, and never will be.
NOBODY = "http://nobody.invalid:9000"
TRIED = [name for name in NAMES if EVERYTHING or name in ("parquet-to-delta", "listing")]


@pytest.mark.parametrize("name", [each for each in TRIED if each != "iceberg-rest-catalog"])
def test_a_name_is_unknown(name: str, operations: Operations, proxy: RequestProxy) -> None:
    operation = operations(name)
    operation.prepare()
    started = time.monotonic()

    with pytest.raises(UnreachableError, match=r"host name nobody\.invalid is unknown") as told:
        operation.run(NOBODY)

    assert time.monotonic() - started < DEADLINE
    assert told.value.remedy
    assert told.value.connection == "lake"
    operation.check(operation.run(proxy.endpoint))
    operation.follow()
