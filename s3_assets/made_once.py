"""What is made once for all threads of a process: clients, stores, sources of credentials."""

from __future__ import annotations

import os
from collections import OrderedDict
from functools import update_wrapper
from threading import Event, RLock, get_ident
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Told = ParamSpec("Told")
Made = TypeVar("Made")


def made_once(most: int) -> Callable[[Callable[Told, Made]], MadeOnce[Told, Made]]:
    """Keep what a function makes for each of its `most` last arguments, which are told by place.

    Unlike `lru_cache`, which lets each thread make its own while there is none: of a sensor's first look,
    sixteen threads made sixteen clients of botocore, which takes a processor's second.
    """

    def decorated(make: Callable[Told, Made]) -> MadeOnce[Told, Made]:
        return MadeOnce(make, most)

    return decorated


class MadeOnce(Generic[Told, Made]):
    """A function whose answers are kept; threads that ask for the same wait for the first that asked."""

    def __init__(self, make: Callable[Told, Made], most: int) -> None:
        self._make = make
        self._most = most
        self._kept: OrderedDict[tuple[object, ...], Made] = OrderedDict()
        self._forget_threads()
        # In a child, nobody is there who would end what was under way.
        os.register_at_fork(after_in_child=self._forget_threads)
        update_wrapper(self, make)

    def __call__(self, *told: Told.args, **more: Told.kwargs) -> Made:
        """Return what is kept, or make it; what making it raises is kept for nobody."""
        wanted = (*told, *more.items())
        with self._lock:
            if wanted in self._kept:
                self._kept.move_to_end(wanted)
                return self._kept[wanted]
            maker, ended = self._under_way.setdefault(wanted, (get_ident(), Event()))
        if maker != get_ident():
            ended.wait()
            with self._lock:
                if wanted in self._kept:
                    return self._kept[wanted]
            # The other one failed. Each tries by itself then, beside the others, as long as that may take.
            return self._keep(wanted, self._make(*told, **more))
        try:
            return self._keep(wanted, self._make(*told, **more))
        finally:
            with self._lock:
                self._under_way.pop(wanted, None)
            ended.set()

    def cache_clear(self) -> None:
        """Forget all that is kept."""
        with self._lock:
            self._kept.clear()

    def _keep(self, wanted: tuple[object, ...], made: Made) -> Made:
        with self._lock:
            found = self._kept.setdefault(wanted, made)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found

    def _forget_threads(self) -> None:
        # One that is asked again within its making, by a handler of signals, must not wait for itself.
        self._lock = RLock()
        self._under_way: dict[tuple[object, ...], tuple[int, Event]] = {}
