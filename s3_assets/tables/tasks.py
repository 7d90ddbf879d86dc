"""Tasks: small files that are read together, so that thousands of them cost what a few large ones do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MIN_TASK_BYTES = 268_435_456
"""The least size of a task, in bytes as they are stored, where a table does not say."""


class Sized(Protocol):
    """Something with a size in bytes."""

    @property
    def size(self) -> int:
        """How many bytes it has."""


SizedOf = TypeVar("SizedOf", bound=Sized)


def grouped(files: Iterable[SizedOf], least: int, most: int | None = None) -> Iterator[list[SizedOf]]:
    """Yield the files in their order, in groups of at least `least` bytes; only the last may be smaller.

    A group ends with the file that fills it, so that it holds less than `least` bytes besides that file; and
    after `most` files, where that is given.
    """
    group: list[SizedOf] = []
    size = 0
    for file in files:
        group.append(file)
        size += file.size
        if size >= least or len(group) == most:
            yield group
            group, size = [], 0
    if group:
        yield group
