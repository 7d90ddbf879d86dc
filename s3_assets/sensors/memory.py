"""What a sensor remembers from tick to tick, as compact JSON in the cursor that Dagster keeps for it."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.incremental.position_text import read_position, write_position
from s3_assets.object_listings import empty_listing
from s3_assets.tables.touched import DigestsPosition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from s3_assets.tables.positions import Position

_DIGESTS = "digests"


@dataclass(frozen=True)
class Seen:
    """A source as it was looked at: its version, and how many changes were seen up to it.

    Where partitions depend on it, `position` is up to where their changes were told, when the version was
    `told`.
    """

    version: str
    change: int
    told: str | None = None
    position: Position | DigestsPosition | None = None


class Batch(NamedTuple):
    """Spans that changed and were not run yet: the tick that found them, and seconds since 1970."""

    tick: int
    spans: tuple[tuple[int, int], ...]


@dataclass
class Memory:
    """All of it. `pending` is by the names of consumers; `tick` counts the ticks that found something."""

    sources: dict[str, Seen] = field(default_factory=dict)
    pending: dict[str, tuple[Batch, ...]] = field(default_factory=dict)
    tick: int = 0

    @classmethod
    def read(cls, cursor: str | None) -> Memory:
        """Read what `write` wrote; nothing is known without a cursor."""
        found: dict[str, Any] = json.loads(cursor) if cursor else {}
        if not isinstance(found.get("tick"), int):
            # Before partitions were watched, the cursor was the sources alone.
            found = {"sources": found, "tick": 0}
        return cls(
            {name: _read_seen(each) for name, each in found["sources"].items()},
            {
                name: tuple(Batch(tick, tuple((low, high) for low, high in spans)) for tick, spans in batches)
                for name, batches in found.get("pending", {}).items()
            },
            found["tick"],
        )

    def write(self, sources: Collection[str], consumers: Collection[str]) -> str:
        """Write what is known of these; what is declared no longer is forgotten."""
        document: dict[str, Any] = {
            "tick": self.tick,
            "sources": {name: _write_seen(self.sources[name]) for name in sources if name in self.sources},
        }
        pending = {name: self.pending[name] for name in consumers if self.pending.get(name)}
        if pending:
            document["pending"] = pending
        return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _write_seen(seen: Seen) -> dict[str, Any]:
    found: dict[str, Any] = {"version": seen.version, "change": seen.change}
    if seen.told is not None and seen.position is not None:
        found["touched"] = {"told": seen.told, "position": _write_position(seen.position)}
    return found


def _read_seen(found: Mapping[str, Any]) -> Seen:
    touched = found.get("touched")
    if touched is None:
        return Seen(found["version"], found["change"])
    return Seen(found["version"], found["change"], touched["told"], _read_position(touched["position"]))


def _write_position(position: Position | DigestsPosition) -> dict[str, Any]:
    if not isinstance(position, DigestsPosition):
        return write_position(position)
    # Digests do not compress, the names of partitions do: some seven characters are left of each.
    text = json.dumps(position.digests, sort_keys=True, separators=(",", ":"))
    return {"kind": _DIGESTS, "packed": base64.b85encode(zlib.compress(text.encode(), 9)).decode()}


def _read_position(found: Mapping[str, Any]) -> Position | DigestsPosition:
    if found["kind"] != _DIGESTS:
        return read_position(found, empty_listing)
    return DigestsPosition(json.loads(zlib.decompress(base64.b85decode(found["packed"]))))
