"""Chromium without a window, driven through its driver; all that the two write is gone afterwards."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.servers.child import running, wait_for_port
from tests.servers.programs import free_port, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Remote

PROGRAMS = ("chromium", "chromedriver")

_FLAGS = (
    "--headless=new",
    # Root may not have a sandbox; only pages of this machine are opened.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    # Neither the browser's own services nor anything that a page may name is reached.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    # The driver's end of the pipe is closed however the driver ends, and the browser ends with it.
    "--remote-debugging-pipe",
)


@contextmanager
def chromium() -> Iterator[Remote]:
    """Run a browser for as long as the block lasts."""
    # No other test needs it, and each worker loads this module.
    from selenium.webdriver import ChromeOptions, Remote
    from urllib3.exceptions import HTTPError

    # Not below pytest's folder: the browser has a unix socket there, whose path must be short.
    with TemporaryDirectory(prefix="s3-assets-chromium-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        options = ChromeOptions()
        options.binary_location = path_of("chromium")
        for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(flag)
        port, log = free_port(), folder / "chromedriver.log"
        command = [path_of("chromedriver"), f"--port={port}"]
        variables = {"HOME": name, "XDG_CONFIG_HOME": name, "TMPDIR": name, "TZ": "UTC"}
        with running(command, log, variables=variables) as process:
            wait_for_port(process, port, log)
            driver = Remote(f"http://127.0.0.1:{port}", options=options)
            try:
                yield driver
            finally:
                # A driver that is gone has taken its browser with it.
                with suppress(HTTPError):
                    driver.quit()
