"""The cursor that Dagster keeps for a sensor, as far as its instance is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class KeptCursor:
    """A cursor, and where it is from, in words."""

    text: str | None
    told: str


FROM_START = KeptCursor(None, "none: as if it had never looked")
NO_INSTANCE = KeptCursor(None, "none: there is no instance of Dagster, so it has never looked")


def kept_cursor(instance: dg.DagsterInstance, sensor: str) -> KeptCursor:
    """Return the cursor of the sensor's last tick: of several code locations, that which ticked last."""
    found = []
    for state in instance.all_instigator_state():
        data = state.instigator_data
        cursor = getattr(data, "cursor", None)
        if state.instigator_name == sensor and cursor is not None:
            found.append((getattr(data, "last_tick_timestamp", None) or 0.0, cursor))
    if not found:
        return KeptCursor(None, "none: Dagster's instance has no tick of it")
    return KeptCursor(max(found)[1], "that of its last tick")
