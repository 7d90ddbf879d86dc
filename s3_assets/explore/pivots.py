"""Keys that may lie between two keys: where a range of keys can be split without knowing what is in it.

A listing can begin behind any string. Behind `logs/2024-03-01` lie `logs/2024-03-02`, `logs/2024-03-1`,
`logs/2024-04` and so on: each place of a key counted up by itself. The deeper the place, the closer it lies.
"""

from __future__ import annotations

import string
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_HEX = string.digits + "abcdef"
_ALL = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KINDS = (string.digits, _HEX, string.ascii_lowercase, string.ascii_uppercase, _ALL)
_BEHIND_SLASH = chr(ord("/") + 1)


def pivots(keys: Sequence[str], end: str | None, *, fixed: int = 0) -> list[str]:
    """Return strings that sort behind the last key and before `end`, nearest first; no end: None.

    `keys` are those of the last page that was read, in their order; the first `fixed` characters are the same
    in all keys that are listed.
    """
    alike = alike_in(keys[0], keys[-1])
    return [each for each in _counted_up(keys, alike, fixed) if end is None or each < end]


def alike_in(first: str, last: str) -> int:
    """Return how many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def _counted_up(keys: Sequence[str], alike: int, fixed: int) -> Iterator[str]:
    last = keys[-1]
    seen = {key[alike] for key in keys if len(key) > alike}
    # Where the page's own keys differ, a step is less than a page: nothing is won by it.
    for place in range(min(alike, len(last)) - 1, fixed - 1, -1):
        here = last[place]
        if here == "/":
            yield last[:place] + _BEHIND_SLASH
        # What is seen further on in the same word may stand here as well: a hash has letters beside digits.
        seen = {here, *seen} if here.isalnum() and all(map(str.isalnum, seen)) else {here}
        yield from (last[:place] + each for each in _kind(seen) if each > here)


def _kind(seen: Collection[str]) -> str:
    """Return the characters that may stand where these do; none where words are divided."""
    return next((kind for kind in _KINDS if all(each in kind for each in seen)), "")
