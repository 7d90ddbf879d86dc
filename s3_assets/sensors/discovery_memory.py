"""What a discovery sensor remembers from tick to tick, as JSON in the cursor that Dagster keeps for it."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from s3_assets.explore.discover_known import KnownEntry, known_entries
from s3_assets.tables.any_settings import AnyTableSettings

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection
    from s3_assets.explore.discover import Found
    from s3_assets.tables.settings import TableSettings

# What tells by the names of files whether they are an entry's.
_TELLING = ("format", "path", "warehouse_path", "path_regex", "suffixes")


@dataclass
class DiscoveryMemory:
    """What was reported, and where the look that is under way goes on."""

    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name: the settings of a table that tell its files, or the path of a media set."""
    ahead: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    met: set[str] = field(default_factory=set)
    """Names of those among `told` whose data this look has seen so far."""
    ended: float | None = None
    """When the last look came to its end, in seconds since 1970."""

    @classmethod
    def read(cls, cursor: str | None) -> DiscoveryMemory:
        """Read what `write` wrote; nothing is known without a cursor."""
        if not cursor:
            return cls()
        found: dict[str, Any] = json.loads(cursor)
        packed: dict[str, Any] = json.loads(zlib.decompress(base64.b85decode(found["packed"])))
        return cls(
            packed["told"],
            tuple(packed["ahead"]),
            tuple(packed["claimed"]),
            set(packed["met"]),
            found["ended"],
        )

    def write(self) -> str:
        """Write it; names of folders are alike, so that some ten characters are left of each."""
        packed = {"told": self.told, "ahead": self.ahead, "claimed": self.claimed, "met": sorted(self.met)}
        text = json.dumps(packed, sort_keys=True, separators=(",", ":"))
        document = {
            "ended": self.ended,
            "packed": base64.b85encode(zlib.compress(text.encode(), 9)).decode(),
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    def tell(self, found: Found) -> None:
        """Remember that it was reported, and seen."""
        settings = found.guess.settings
        if found.kind == "media":
            self.told[found.name] = {"path": settings["path"]}
        else:
            self.told[found.name] = {name: settings[name] for name in _TELLING if name in settings}
        self.met.add(found.name)

    def known(self, connection: S3Connection) -> list[KnownEntry]:
        """Return what was reported as if it were entries of a registry."""
        adapter: TypeAdapter[TableSettings] = TypeAdapter(AnyTableSettings)
        name = connection.name
        tables = {
            each: adapter.validate_python({"connection": name, **told})
            for each, told in self.told.items()
            if "format" in told
        }
        media = {each: (name, told["path"]) for each, told in self.told.items() if "format" not in told}
        return known_entries(connection, tables, media, {name: connection})
