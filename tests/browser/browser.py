"""What a person does in the UI: open a page, read it, click, wait until it shows what is expected."""

from collections.abc import Callable
from dataclasses import dataclass

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import Remote
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import pictures

WIDTH, HEIGHT = 1440, 900

# Much longer than anything takes: what is waited for is a condition, and never time.
_SECONDS = 200.0
_POLL = 0.2
_ROWS = """
return [...document.querySelectorAll("tr")].map(row => [...row.cells].map(cell => cell.innerText))
"""
_REQUESTS = "return performance.getEntriesByType('resource').map(each => each.name)"
_FRAME = "return [outerWidth - innerWidth, outerHeight - innerHeight, innerWidth, innerHeight]"
_CLICKABLE = "//*[self::button or self::a][normalize-space()={text}]"
_SWITCH = "label[class*=formatSwitch]"
# Stands for moments that the UI has not asked for yet.
_UNKNOWN = "Invalid Date"
# Stands where a run has ended so: nothing else will come.
_FAILED = "Failed in"


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

    def hide_navigation(self) -> None:
        """Leave the width of all pages to what they show."""
        # An answer that loads nothing else.
        self.driver.get(f"{self.address}/server_info")
        self.driver.execute_script("localStorage.setItem('dagster-nav-collapsed', 'true')")

    @property
    def text(self) -> str:
        """What is to be read on the page, without empty lines."""
        text = str(self.driver.execute_script("return document.body.innerText"))
        return "\n".join(filter(None, map(str.strip, text.splitlines())))

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The lines of text in the cells of all rows of the page's tables."""
        found: list[list[str]] = self.driver.execute_script(_ROWS)
        return [tuple(filter(None, map(str.strip, "\n".join(row).splitlines()))) for row in found]

    def see(self, *texts: str) -> None:
        """Wait until the page shows all the texts, each of whole lines or parts of one."""
        missing: list[str] = []

        def shown(_: Remote) -> bool:
            text = self.text
            assert _FAILED not in text, text
            missing[:] = [each for each in texts if each not in text]
            return not missing

        self._until(shown, lambda: f"{missing} not in {self.text.splitlines()}")

    def see_gone(self, text: str) -> None:
        """Wait until the page does not show the text any more."""
        self._until(lambda _: text not in self.text, lambda: f"{text} is still there")

    def see_rows(self, *rows: tuple[str, ...]) -> None:
        """Wait until the page's tables have all these rows, which may leave cells out."""
        missing: list[tuple[str, ...]] = []

        def shown(_: Remote) -> bool:
            found = self.rows
            missing[:] = [row for row in rows if not any(_has(each, row) for each in found)]
            return not missing

        self._until(shown, lambda: f"{missing} not in {self.rows}")

    def click(self, text: str) -> None:
        """Click the button or link of that text, as soon as there is one that can be clicked."""
        self._click(By.XPATH, _CLICKABLE.format(text=repr(text)))

    def turn_switch(self, *, on: bool) -> None:
        """Turn the page's first switch, and wait until the server has taken it."""
        self._click(By.CSS_SELECTOR, _SWITCH)
        self._until(
            lambda driver: driver.find_element(By.CSS_SELECTOR, f"{_SWITCH} input").is_selected() == on,
            lambda: f"the switch does not become {'on' if on else 'off'}",
        )

    def enter(self, hint: str, text: str) -> None:
        """Type into the field whose hint begins so, and send it off."""
        self._click(By.CSS_SELECTOR, f"input[placeholder^='{hint}']")
        self.driver.switch_to.active_element.send_keys(text, Keys.ENTER)

    def scroll_to(self, text: str) -> None:
        """Have the element of that text at the top of the page."""
        element = self.driver.find_element(By.XPATH, f"//*[text()={text!r}]")
        self.driver.execute_script("arguments[0].scrollIntoView()", element)

    def fold(self, title: str) -> None:
        """Fold the section of that title."""
        self._click(By.XPATH, f"//*[normalize-space(text())={title!r}]")

    def picture(self, name: str) -> None:
        """Take the docs' picture of that name, if pictures are wanted: as soon as nothing moves any more."""
        if not pictures.WANTED:
            return
        shots = [b""]

        def still(driver: Remote) -> bool:
            shots.append(driver.get_screenshot_as_png())
            return shots[-1] == shots[-2] and _UNKNOWN not in self.text

        self._until(still, lambda: "the page does not come to rest")
        pictures.keep(name, shots[-1])

    def _click(self, by: str, what: str) -> None:
        def clicked(driver: Remote) -> bool:
            for element in driver.find_elements(by, what):
                if element.is_displayed() and element.is_enabled():
                    element.click()
                    return True
            return False

        self._until(clicked, lambda: f"nothing to click by {what} in {self.text.splitlines()}")

    def _until(self, condition: Callable[[Remote], bool], problem: Callable[[], str]) -> None:
        # React exchanges elements at any moment.
        wait = WebDriverWait(self.driver, _SECONDS, _POLL, [StaleElementReferenceException])
        try:
            wait.until(condition)
        except TimeoutException:
            raise AssertionError(f"{self.driver.current_url}: {problem()}") from None

    def _resize(self, height: int) -> None:
        # A window has a frame even where nobody sees it.
        frame: list[int] = self.driver.execute_script(_FRAME)
        if frame[2:] != [WIDTH, height]:
            self.driver.set_window_size(WIDTH + frame[0], height + frame[1])


def _has(row: tuple[str, ...], cells: tuple[str, ...]) -> bool:
    """Tell whether the row has these cells in this order."""
    left = iter(row)
    return all(cell in left for cell in cells)
