"""What a person does in the UI: open a page, read it, click, wait until it shows what is expected."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import Remote
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
WANTED = bool(os.environ.get("PICTURES"))
"""PICTURES=1 in the environment takes the pictures of the docs anew."""

WIDTH, HEIGHT = 1440, 900

_SECONDS = 120.0
_POLL = 0.2
_COLOURS = 256
_ROWS = """
return [...document.querySelectorAll("tr")].map(row => [...row.cells].map(cell => cell.innerText))
"""
_REQUESTS = "return performance.getEntriesByType('resource').map(each => each.name)"
_FRAME = "return [outerWidth - innerWidth, outerHeight - innerHeight, innerWidth, innerHeight]"
_CLICKABLE = "//*[self::button or self::a][normalize-space()={text}]"


@dataclass(frozen=True)
class Browser:
    """A browser on the UI at `address`."""

    driver: Remote
    address: str

    def open(self, path: str, *texts: str, height: int = HEIGHT) -> None:
        """Open a page of the UI in a window of that height, and wait until it shows all the texts."""
        self.check_requests()
        self._resize(height)
        self.driver.get(f"{self.address}/{path}")
        self.see(*texts)

    def check_requests(self) -> None:
        """Check that the present page has asked nobody but the UI's own server for anything."""
        asked: list[str] = self.driver.execute_script(_REQUESTS)
        assert [each for each in asked if not each.startswith(f"{self.address}/")] == []

    @property
    def text(self) -> str:
        """What is to be read on the page, without empty lines."""
        text = str(self.driver.execute_script("return document.body.innerText"))
        return "\n".join(filter(None, map(str.strip, text.splitlines())))

    def see(self, *texts: str) -> None:
        """Wait until the page shows all the texts."""
        missing: list[str] = []

        def shown(_: object) -> bool:
            text = self.text
            missing[:] = [each for each in texts if each not in text]
            return not missing

        self.until(shown, lambda: f"{missing} not in {self.text.splitlines()}")

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells of all rows of the page's tables, but for those without text."""
        found: list[list[str]] = self.driver.execute_script(_ROWS)
        return [tuple(filter(None, map(str.strip, row))) for row in found]

    def see_rows(self, *rows: tuple[str, ...]) -> None:
        """Wait until the page's tables have all these rows, which may leave cells out."""
        missing: list[tuple[str, ...]] = []

        def shown(_: object) -> bool:
            found = self.rows
            missing[:] = [row for row in rows if not any(_has(each, row) for each in found)]
            return not missing

        self.until(shown, lambda: f"{missing} not in {self.rows}")

    def click(self, text: str) -> None:
        """Click the button or link of that text, as soon as there is one that can be clicked."""

        def clicked(driver: Remote) -> bool:
            for element in driver.find_elements(By.XPATH, _CLICKABLE.format(text=repr(text))):
                if element.is_displayed() and element.is_enabled():
                    element.click()
                    return True
            return False

        self.until(clicked, lambda: f"nothing to click with '{text}' in {self.text.splitlines()}")

    def until(self, condition: Callable[[Remote], object], problem: Callable[[], str]) -> None:
        """Wait until the condition holds, while React exchanges elements; else tell the problem."""
        wait = WebDriverWait(self.driver, _SECONDS, _POLL, [StaleElementReferenceException])
        try:
            wait.until(condition)
        except TimeoutException:
            raise AssertionError(f"{self.driver.current_url}: {problem()}") from None

    def scroll_to(self, text: str) -> None:
        """Have the element of that text at the top of the page."""
        element = self.driver.find_element(By.XPATH, f"//*[text()={text!r}]")
        self.driver.execute_script("arguments[0].scrollIntoView()", element)

    def picture(self, name: str) -> None:
        """Take the docs' picture of that name, if pictures are wanted: as soon as nothing moves any more."""
        if not WANTED:
            return
        shots = [b""]

        def still(driver: Remote) -> bool:
            shots.append(driver.get_screenshot_as_png())
            return shots[-1] == shots[-2]

        self.until(still, lambda: "the page does not come to rest")
        (PICTURES / f"{name}.png").write_bytes(smaller(shots[-1]))

    def _resize(self, height: int) -> None:
        # A window has a frame even where nobody sees it.
        frame: list[int] = self.driver.execute_script(_FRAME)
        if frame[2:] != [WIDTH, height]:
            self.driver.set_window_size(WIDTH + frame[0], height + frame[1])


def _has(row: tuple[str, ...], cells: tuple[str, ...]) -> bool:
    """Tell whether the row has these cells in this order."""
    left = iter(row)
    return all(cell in left for cell in cells)


def smaller(png: bytes) -> bytes:
    """Return the picture with a palette: screens have few colours."""
    from PIL import Image

    found = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    # The other ways give up the colours of small signs.
    palette = picture.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette.save(found, "png", optimize=True)
    return found.getvalue()
