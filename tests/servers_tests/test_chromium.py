"""The browser reaches nothing but this machine, and ends however its driver does."""

import os
import signal
import time
from pathlib import Path

import pytest

from s3_assets.embedded.process import start_time
from tests.servers.chromium import PROGRAMS, chromium
from tests.servers.programs import need
from tests.support.extent import EVERYTHING

pytestmark = pytest.mark.skipif(not EVERYTHING, reason="a browser of its own; EVERYTHING=1 tries it")


def test_browser_ends_with_its_driver() -> None:
    need(*PROGRAMS)
    with chromium() as driver:
        browser = int(driver.capabilities["goog:processID"])
        begun = start_time(browser)
        parent = int(Path(f"/proc/{browser}/stat").read_text().rpartition(")")[2].split()[1])
        assert begun

        os.kill(parent, signal.SIGKILL)

        end = time.monotonic() + 30
        while start_time(browser) == begun and time.monotonic() < end:
            time.sleep(0.02)
        assert start_time(browser) != begun


def test_names_lead_nowhere() -> None:
    from selenium.common.exceptions import WebDriverException

    need(*PROGRAMS)
    with chromium() as driver, pytest.raises(WebDriverException, match="ERR_NAME_NOT_RESOLVED"):
        driver.get("http://localhost.localdomain/")
