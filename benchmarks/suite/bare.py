"""What the server gives to a client that does nothing with it: ranges are fetched, parts are sent."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import obstore

from benchmarks.ground import Ground

LIBRARIES = ("obstore",)
AT_ONCE = 8
PART = 8 * 1024 * 1024
TARGET = "bare/"


def move(place: Mapping[str, str], source: str, received: int, sent: int) -> int:
    """Fetch so many bytes of what lies below a prefix and send so many, both at once; return how many."""
    store = Ground(**place).store

    def get(part: tuple[str, int, int]) -> int:
        path, start, length = part
        return len(obstore.get_range(store, path, start=start, length=length))

    def put(part: tuple[int, int]) -> int:
        number, length = part
        obstore.put(store, f"{TARGET}{number}", bytes(length), use_multipart=False)
        return length

    with ThreadPoolExecutor(AT_ONCE) as gets, ThreadPoolExecutor(AT_ONCE) as puts:
        fetched = gets.map(get, _ranges(store, source, received))
        stored = puts.map(put, enumerate(_lengths(sent)))
        return sum(fetched) + sum(stored)


def _ranges(store: obstore.store.ObjectStore, source: str, total: int) -> list[tuple[str, int, int]]:
    there = [item for chunk in obstore.list(store, source) for item in chunk if item["size"]]
    ranges: list[tuple[str, int, int]] = []
    for item in cycle(there):
        for start in range(0, item["size"], PART):
            if total <= 0:
                return ranges
            ranges.append((item["path"], start, min(PART, item["size"] - start, total)))
            total -= ranges[-1][2]
    return ranges


def _lengths(total: int) -> list[int]:
    return [min(PART, total - start) for start in range(0, total, PART)]
