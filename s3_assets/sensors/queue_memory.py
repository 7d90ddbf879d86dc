"""What the sensor of a queue remembers from tick to tick, and the messages that it holds until then."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from s3_assets.sensors.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.sensors.watch import Watch

# Of one queue: a tick that was given up may still be at work while the next one is.
_MOST_BATCHES = 4


@dataclass
class QueueMemory:
    """All of it, as compact JSON in the cursor that Dagster keeps for the sensor."""

    tables: Memory = field(default_factory=Memory)
    media: dict[str, str] = field(default_factory=dict)
    """The state of each media set's objects, as it was looked at."""
    swept: float | None = None
    """When all were looked at, in seconds since 1970."""
    again: tuple[str, ...] = ()
    """What was told of, or swept, and could not be looked at; media sets as `media:name`."""
    batch: str | None = None
    """Names the messages that led here: once this is kept, they are to be deleted."""

    @classmethod
    def read(cls, cursor: str | None) -> QueueMemory:
        """Read what `write` wrote; nothing is known without a cursor."""
        if not cursor:
            return cls()
        found: dict[str, Any] = json.loads(cursor)
        return cls(
            Memory.read(json.dumps(found["tables"])),
            found["media"],
            found["swept"],
            tuple(found["again"]),
            found["batch"],
        )

    def write(self, watch: Watch) -> str:
        """Write what is known of the tables that there are."""
        document = {
            "tables": json.loads(watch.write(self.tables)),
            "media": self.media,
            "swept": self.swept,
            "again": self.again,
            "batch": self.batch,
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"))


class HeldMessages:
    """Receipts of messages that were dealt with, until the cursor that says so is kept.

    They stay in this process: some hundred characters for each message would be too much for a cursor, which
    Dagster keeps for every tick. What is lost with the process is received again, and looked at in vain.
    """

    def __init__(self) -> None:
        self._batches: dict[str, OrderedDict[str, tuple[str, ...]]] = {}
        self._lock = Lock()

    def hold(self, queue_url: str, handles: Sequence[str]) -> str:
        """Hold a batch, and return its name for the cursor."""
        name = uuid4().hex
        with self._lock:
            batches = self._batches.setdefault(queue_url, OrderedDict())
            batches[name] = tuple(handles)
            while len(batches) > _MOST_BATCHES:
                batches.popitem(last=False)
        return name

    def take(self, queue_url: str, name: str | None) -> tuple[str, ...]:
        """Return the batch that the cursor names, once; what another process holds is received again."""
        with self._lock:
            batches = self._batches.get(queue_url, OrderedDict())
            return batches.pop(name, ()) if name is not None else ()
