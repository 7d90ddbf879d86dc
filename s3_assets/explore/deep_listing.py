"""All objects below a folder in the order of their keys, read by several requests at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.explore.parallel_listing import Page, ParallelListing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.objects import ObjectInfo, Objects


def deep_listing(objects: Objects, prefix: str) -> Iterator[list[ObjectInfo]]:
    """Yield the objects page by page; some of the pages behind are held meanwhile, never all of them."""

    def read(after: str | None) -> Page[ObjectInfo]:
        page = objects.folder_page(prefix, after, deep=True)
        return Page([each.key for each in page.objects], page.objects, page.more)

    for page in ParallelListing(read, fixed=len(prefix)).in_order():
        yield page.items
