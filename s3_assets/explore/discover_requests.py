"""The requests of a discovery: counted, and no more than were allowed."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from s3_assets.errors import AccessDeniedError
from s3_assets.explore.openmetadata_globs import matches
from s3_assets.objects import FolderPage

if TYPE_CHECKING:
    from s3_assets.objects import Objects

MOST = 10_000


@dataclass(frozen=True)
class Portion:
    """How much of a search is done at once, and where the portion before this one stopped.

    No folder is begun any more after so many requests or seconds; what was begun is looked at to its end, so
    that nothing is half seen.
    """

    requests: int
    seconds: float
    ahead: tuple[str, ...] = ()
    """Keys of the folders that are left to look into; none: the search begins."""
    claimed: tuple[str, ...] = ()
    """Keys of the folders that a manifest speaks of, which were looked into already."""


class Requests:
    """Pages of folders, until the allowance is spent; then folders seem empty, and are remembered.

    So do folders that may not be listed, all but the root. With a `portion`, none are begun after it.
    """

    def __init__(
        self,
        objects: Objects,
        most: int = MOST,
        root: str = "",
        *,
        exclude: tuple[str, ...] = (),
        portion: Portion | None = None,
    ) -> None:
        self.objects = objects
        self.root = root
        self.most = most
        self.sent = 0
        self.expected = 0
        """Requests that what was found will need."""
        self.portion = portion
        self._exclude = exclude
        self._begun = monotonic()
        self.unlooked: list[str] = []
        """Folders and tables that were not looked at any more."""
        self.denied: list[str] = []
        """What was said of folders that may not be listed."""
        self._lock = Lock()

    def spend(self, key: str, number: int = 1) -> bool:
        """Count requests that are about to be sent; tell whether they are still allowed."""
        with self._lock:
            if self.sent + number > self.most:
                self.unlooked.append(key)
                return False
            self.sent += number
            return True

    def excludes(self, key: str) -> bool:
        """Tell whether a folder is one of those that are not looked into."""
        path = key.removeprefix(self.root).rstrip("/")
        return any(matches(pattern.rstrip("/"), path) for pattern in self._exclude)

    def is_enough(self) -> bool:
        """Tell whether the portion is used up, so that no further folder is begun."""
        if self.portion is None:
            return False
        spent = self.sent + self.expected
        return spent >= self.portion.requests or monotonic() - self._begun >= self.portion.seconds

    def expect(self, number: int) -> None:
        """Count requests that are sent later."""
        with self._lock:
            self.expected += number

    def page(self, prefix: str, start_after: str | None = None, *, deep: bool = False) -> FolderPage:
        """Return one page of a folder; `deep` has the objects in its folders as well."""
        if not self.spend(prefix):
            return FolderPage([], [], more=False)
        try:
            return self.objects.folder_page(prefix, start_after, deep=deep)
        except AccessDeniedError as error:
            if prefix == self.root:
                raise
            with self._lock:
                self.denied.append(f"{self.objects.url(prefix)} may not be listed: {error.found}")
            return FolderPage([], [], more=False)
