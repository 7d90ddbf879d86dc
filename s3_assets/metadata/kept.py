"""What a run that found nothing new tells again: pages show the newest event of an asset alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_assets.metadata.keys import COLUMNS, LINEAGE, LINEAGE_TOLD, PREVIEW, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

_KEPT = (COLUMNS, LINEAGE, LINEAGE_TOLD, PREVIEW)


def kept_metadata(
    instance: dg.DagsterInstance, key: dg.AssetKey, found: Mapping[str, Any], *, preview: bool
) -> dict[str, Any]:
    """Return what the asset's last event told and this one does not, if the table is still as it was.

    Dagster's event log is asked, and nothing else. Rows are told again only where they are still to be shown
    (`preview`).
    """
    if VERSION not in found:
        return {}
    event = instance.get_latest_materialization_event(key)
    last = event.asset_materialization if event is not None else None
    told = last.metadata if last is not None else {}
    if VERSION not in told or told[VERSION].value != found[VERSION]:
        return {}
    return {
        name: told[name]
        for name in _KEPT
        if name in told and name not in found and (preview or name != PREVIEW)
    }
