"""The requests of a discovery: counted, and no more than were allowed."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from s3_assets.errors import AccessDeniedError
from s3_assets.objects import FolderPage

if TYPE_CHECKING:
    from s3_assets.objects import Objects

MOST = 10_000


class Requests:
    """Pages of folders, until the allowance is spent; then folders seem empty, and are remembered.

    So do folders that may not be listed, all but the root.
    """

    def __init__(self, objects: Objects, most: int = MOST, root: str = "") -> None:
        self.objects = objects
        self.root = root
        self.most = most
        self.sent = 0
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
