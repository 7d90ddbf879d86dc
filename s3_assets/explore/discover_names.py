"""Names of what was discovered: after the last folders, longer where two would be alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.explore.discover_shapes import is_partition
from s3_assets.explore.entry import plain_name

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_SEGMENTS = 2


class Place(NamedTuple):
    """What a name is made of: folders, what else tells it apart, and the bucket's name for its root."""

    folders: str
    """Folders below the connection's url, and of the files inside; with slashes."""
    format: str
    bucket: str


def name_all(places: Sequence[Place], taken: Collection[str] = ()) -> list[str]:
    """Return a name for each place; alike ones are all made longer, so that none depends on the order.

    `taken` are names that are given already.
    """
    lengths = [_SEGMENTS] * len(places)
    names = [_name(place, length) for place, length in zip(places, lengths, strict=True)]
    while True:
        seen = Counter(names)
        alike = [index for index, name in enumerate(names) if seen[name] > 1 or name in taken]
        longer = [index for index in alike if lengths[index] < len(_segments(places[index]))]
        if not longer:
            break
        for index in longer:
            lengths[index] += 1
            names[index] = _name(places[index], lengths[index])
    return _numbered(_by_format(names, places, taken), taken)


def _by_format(names: list[str], places: Sequence[Place], taken: Collection[str]) -> list[str]:
    """Add the format where the folders are the same."""
    seen = Counter(names)
    return [
        f"{name}_{plain_name(place.format)}" if seen[name] > 1 or name in taken else name
        for name, place in zip(names, places, strict=True)
    ]


def _numbered(names: list[str], taken: Collection[str]) -> list[str]:
    given = set(taken)
    found = []
    for name in names:
        number, own = 2, name
        while own in given:
            own, number = f"{name}_{number}", number + 1
        given.add(own)
        found.append(own)
    return found


def _name(place: Place, length: int) -> str:
    return "/".join(_segments(place)[-length:])


def _segments(place: Place) -> list[str]:
    named = [each for each in place.folders.split("/") if each and not is_partition(each)]
    return [plain_name(each) for each in named] or [plain_name(place.bucket)]
