"""The tools under test, once for all tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.support.zygote import Zygote


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(["boto3", "tests.support_tests.toy"]) as zygote:
        yield zygote
