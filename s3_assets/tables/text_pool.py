"""Work on blocks, a few at a time, with the results in the order of the blocks."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Result = TypeVar("Result")


def in_order(jobs: Iterator[Callable[[], Result]], workers: int) -> Generator[Result, None, None]:
    """Run the jobs in threads, at most so many of them ahead of the one whose result is taken."""
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
