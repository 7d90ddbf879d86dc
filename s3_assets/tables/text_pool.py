"""Work on blocks, a few at a time, with the results in the order of the blocks."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Result = TypeVar("Result")


def in_order(
    jobs: Iterator[Callable[[], Result]], workers: int, ahead: int | None = None
) -> Generator[Result, None, None]:
    """Run the jobs in threads, at most `ahead` of them before the one whose result is taken.

    As many as there are workers, unless it is said otherwise.
    """
    waiting: deque[Future[Result]] = deque()
    most = workers if ahead is None else ahead
    pool = ThreadPoolExecutor(workers)
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
