"""Conditions of Dagster's declarative automation, as the registry names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from s3_assets.registry.schedule import AutomationSettings


def condition_of(settings: AutomationSettings | None) -> dg.AutomationCondition[dg.AssetKey] | None:
    """Return the condition of an asset; None without settings.

    An update of a table that somebody else writes is a new data version, which a sensor reports. Views of the
    user's (`is_virtual`) are looked through to what they read: nothing ever runs them.
    """
    if settings is None:
        return None
    if settings.condition == "eager":
        found = dg.AutomationCondition.eager()
    elif settings.condition == "on_missing":
        found = dg.AutomationCondition.on_missing()
    else:
        found = dg.AutomationCondition.on_cron(settings.plain_cron, settings.timezone)
    through = found.resolve_through_virtual()
    if settings.all_partitions:
        return through.without(dg.AutomationCondition.in_latest_time_window())
    return through
