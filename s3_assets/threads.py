"""Threads that work for whoever started them: what is said of the asker reaches them, too."""

from __future__ import annotations

import concurrent.futures
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

Told = ParamSpec("Told")
Answer = TypeVar("Answer")


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """Python's own, whose work runs in the context variables of the thread that submits it."""

    def submit(
        self, fn: Callable[Told, Answer], /, *args: Told.args, **kwargs: Told.kwargs
    ) -> Future[Answer]:
        """Run it in a thread, with a copy of this thread's context; `map` submits, too."""
        return super().submit(partial(copy_context().run, fn, *args, **kwargs))
