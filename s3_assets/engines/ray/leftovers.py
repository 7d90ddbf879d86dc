"""What a start of Ray that failed leaves behind: processes that would end with this one, and not before."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_ENDING_SECONDS = 5.0


def started(ray: ModuleType) -> set[int]:
    """Return the ids of this process's children that are programs of Ray's."""
    return {each.pid for each in _children(ray)}


def end_leftovers(ray: ModuleType, before: set[int]) -> None:
    """End Ray's programs among the children of this process, but those that were there `before`."""
    psutil = _psutil()
    left = [each for each in _children(ray) if each.pid not in before]
    for each in left:
        with suppress(psutil.NoSuchProcess):
            each.terminate()
    for each in psutil.wait_procs(left, timeout=_ENDING_SECONDS)[1]:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def _children(ray: ModuleType) -> Iterator[Any]:
    psutil = _psutil()
    folder = f"{Path(str(ray.__file__)).parent}{os.sep}"
    for each in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if any(folder in argument for argument in each.cmdline()):
                yield each


def _psutil() -> Any:  # noqa: ANN401 - a module that Ray brings, without types
    """Return psutil, which Ray has with it and puts on the path as it is imported."""
    return import_module("psutil")
