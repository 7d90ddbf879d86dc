"""The keys of a unit's files: which of them are its own, and that nobody else has any of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s3_assets.errors import SettingError
from s3_assets.exports.key_template import KeyPattern
from s3_assets.exports.macros import PART_DIGITS
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.exports.destination import Destination

_AT_ONCE = 16


@dataclass(frozen=True)
class UnitKeys:
    """The whole keys that a unit's files may have, and those that it has had before."""

    destination: Destination
    pattern: KeyPattern
    own: frozenset[str]
    unit: str
    appends: bool
    """Whether files of earlier commits stay beside it: then its part numbers go on behind theirs."""

    @classmethod
    def of(
        cls, destination: Destination, below: KeyPattern, own: Iterable[str], *, unit: str, appends: bool
    ) -> UnitKeys:
        """Return the keys of a pattern below the export's prefix."""
        whole = KeyPattern((destination.location.key + below.texts[0], *below.texts[1:]))
        return cls(destination, whole, frozenset(own), unit, appends)

    def key(self, part: int) -> str:
        """Return the whole key of a part; raises `SettingError` for a second file without a part number."""
        if part and not self.pattern.open:
            raise SettingError(
                "the export has several files, and its key has no {part} to tell them apart",
                remedy="Put {part} into the key, or take 'split' away.",
                table=self.destination.export,
            )
        return self.pattern.key(part)

    @property
    def folder(self) -> str:
        """The key of the folder of the first file."""
        folder, slash, _ = self.pattern.key(0).rpartition("/")
        return folder + slash

    def settled(self) -> tuple[UnitKeys, int]:
        """Return the keys and the number of the first file; raises `KeyTakenError` if its key is taken.

        One request; none if the key was the unit's own before.
        """
        key = self.pattern.key(0)
        if key in self.own:
            return self, 0
        owner = self.destination.owner(key, self.unit)
        if owner is None:
            return self, 0
        if owner.same_unit and not self.appends:
            # Its manifest was lost: the files tell themselves whose they are.
            return replace(self, own=self.own.union(self._marked())), 0
        if self.appends and owner.same and self.pattern.open:
            return self, max(map(self._part, self._there()), default=-1) + 1
        remedy = ""
        if owner.same:
            remedy = "Have the key tell units apart, with a {part}, the time or the partition_key."
        raise self.destination.refuse(key, owner, remedy)

    def refuse_taken(self, keys: Iterable[str]) -> None:
        """Raise `KeyTakenError` for a key that has somebody else's object: one request each."""
        free = [key for key in keys if key not in self.own]

        def look(key: str) -> None:
            if (owner := self.destination.owner(key)) is not None:
                raise self.destination.refuse(key, owner)

        with ThreadPoolExecutor(min(_AT_ONCE, self.destination.connection.transport.max_connections)) as pool:
            list(pool.map(look, free))

    def _there(self) -> list[str]:
        """Return the keys of the pattern that have an object, whosoever."""
        pages = self.destination.objects.list_pages(self.pattern.prefix)
        return [key for page in pages for key in page["key"].to_list() if self.pattern.matches(key)]

    def _marked(self) -> list[str]:
        """Return the keys of the pattern whose objects are marked as the unit's: one request each."""
        owners = ((key, self.destination.owner(key, self.unit)) for key in self._there())
        return [key for key, owner in owners if owner is not None and owner.same_unit]

    def _part(self, key: str) -> int:
        # All digits of a part stand between the same two texts.
        start = len(self.pattern.prefix)
        return int(key[start : start + PART_DIGITS])
