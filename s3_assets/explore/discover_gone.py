"""Whether the data of an entry is there still: asked of few entries, by one request for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.explore.discover_folders import DELTA, DELTA_FOLDER, ICEBERG, ICEBERG_FOLDER
from s3_assets.explore.discover_known import KnownEntry, Lies
from s3_assets.tables.settings import FolderSettings

if TYPE_CHECKING:
    from s3_assets.objects import Objects

_LOGS = {DELTA: f"{DELTA_FOLDER}/", ICEBERG: f"{ICEBERG_FOLDER}/"}


def still_lies(objects: Objects, entry: KnownEntry) -> Lies | None:
    """Return what the entry reads, as far as a page shows it; None if there is nothing.

    Of a folder that has more than a page, and nothing on the first that the entry reads, no files are
    returned: it is not known whether they are gone. Raises what a listing raises.
    """
    log = None if entry.settings is None else _LOGS.get(str(getattr(entry.settings, "format", "")))
    page = objects.folder_page(f"{entry.prefix}{log or ''}", deep=True)
    keys = [each.key for each in page.objects if each.size]
    if isinstance(entry.settings, FolderSettings):
        keys = list(filter(entry.takes, keys))
    if not keys and not page.more:
        return None
    return Lies(entry.prefix, tuple(keys), entry.settings is None, log is not None)
