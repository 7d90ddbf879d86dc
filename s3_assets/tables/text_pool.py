"""Work on blocks, a few at a time, with the results in the order of the blocks."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Result = TypeVar("Result")

_MOST = 4


def in_order(jobs: Iterator[Callable[[], Result]]) -> Generator[Result, None, None]:
    """Run the jobs in threads while the next ones are being read; so few at once that memory stays small."""
    workers = max(1, min(_MOST, os.cpu_count() or 1))
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
