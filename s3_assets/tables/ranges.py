"""Objects in ranges, of which the next ones are on their way while one is used."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.errors import DataFileBrokenError
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from concurrent.futures import Future

    from s3_assets.objects import Objects

RANGE = 16 * 1024 * 1024
# Bytes that are fetched ahead, and requests at a time: the ranges of large objects, or many small objects.
_AHEAD = 2 * RANGE
_AT_ONCE = 16
# Who wants a few rows fetches little more than they need: the first range is small, each next one larger.
_FIRST = 64 * 1024
_GROWTH = 4


class Range(NamedTuple):
    """Some bytes of an object, of which `size` and `etag` are those of the listing."""

    key: str
    size: int
    etag: str
    start: int
    end: int


def ranges(key: str, size: int, etag: str, *, sparing: bool = False) -> Iterator[Range]:
    """Yield the ranges of an object; `sparing` begins with a small one, for who may stop early."""
    start, length = 0, _FIRST if sparing else RANGE
    while start < size:
        end = min(start + length, size)
        yield Range(key, size, etag, start, end)
        start, length = end, min(length * _GROWTH, RANGE)


def fetch(
    objects: Objects, wanted: Iterable[Range], *, sparing: bool = False
) -> Generator[tuple[Range, Future[bytes]], None, None]:
    """Yield each range with its bytes, which are there or on their way; `sparing` fetches none ahead.

    The result of a future raises `SourceRewrittenError` if the object is not the one that was listed.
    """
    waiting: deque[tuple[Range, Future[bytes]]] = deque()
    ahead, held = (0 if sparing else _AHEAD), 0
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="s3-assets-ranges")
    try:
        for each in wanted:
            length = each.end - each.start
            while waiting and (held + length > ahead or len(waiting) >= _AT_ONCE):
                held -= waiting[0][0].end - waiting[0][0].start
                yield waiting.popleft()
            waiting.append((each, pool.submit(_get, objects, each)))
            held += length
        while waiting:
            yield waiting.popleft()
    finally:
        pool.shutdown(cancel_futures=True)


def _get(objects: Objects, wanted: Range) -> bytes:
    found = objects.get_range(wanted.key, wanted.start, wanted.end, etag=wanted.etag)
    if len(found) != wanted.end - wanted.start:
        ended = wanted.start + len(found)
        raise DataFileBrokenError(
            f"the object ends after {ended} bytes, and had {wanted.size} when it was listed",
            remedy="Run it again.",
        )
    return found
