"""The tools under test, once for all tests of a worker."""

from collections.abc import Iterator

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.support.proxy import RequestProxy
from tests.support.zygote import Zygote


@pytest.fixture(scope="module")
def running_proxy(s3_server: EmbeddedServer) -> Iterator[RequestProxy]:
    with RequestProxy(s3_server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def proxy(running_proxy: RequestProxy) -> RequestProxy:
    running_proxy.reset()
    return running_proxy


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(["boto3", "tests.support_tests.toy"]) as zygote:
        yield zygote
