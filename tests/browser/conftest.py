"""One shop, one UI and one browser for all tests here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.browser.browser import Browser
from tests.browser.processes import code_server, webserver
from tests.browser.shop import Shop, open_shop

if TYPE_CHECKING:
    from selenium.webdriver import Remote


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The demo's shop, with nothing delivered yet."""
    home = tmp_path_factory.mktemp("shop")
    with EmbeddedServer(home / "s3") as server:
        yield open_shop(home, server)


@pytest.fixture(scope="session")
def ui(chromium: "Remote", shop: Shop) -> Iterator[Browser]:
    """The UI on a shop that has worked for some days."""
    with shop.pipeline() as pipeline, code_server(shop.home, shop.variables) as code:
        shop.work(pipeline)
        code.wait()
        with webserver(shop.home, shop.variables) as web:
            shop.report(pipeline)
            web.wait()
            browser = Browser(chromium, web.address)
            browser.hide_navigation()
            yield browser
            browser.check_requests()
