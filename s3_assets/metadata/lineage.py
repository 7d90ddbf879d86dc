"""Which column comes from which: as Dagster has it, and in words, for the pages that show no lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.metadata.keys import LINEAGE, LINEAGE_TOLD
from s3_assets.metadata.markdown import plain, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s3_assets.tables.origin import Origin

_LONGEST = 60


def lineage_metadata(source: dg.AssetKey, origins: Mapping[str, Origin]) -> dict[str, Any]:
    """Return the lineage of columns that all come from one source, or from none."""
    if not origins:
        return {}
    deps = {
        name: [dg.TableColumnDep(source, column) for column in origin.columns]
        for name, origin in origins.items()
    }
    return {
        LINEAGE: dg.TableColumnLineage(deps),
        LINEAGE_TOLD: dg.MetadataValue.md(_told("/".join(source.path), origins)),
    }


def _told(source: str, origins: Mapping[str, Origin]) -> str:
    rows = [
        (
            plain(name, _LONGEST),
            plain(", ".join(origin.columns), _LONGEST),
            plain("; ".join(origin.how), 2 * _LONGEST),
        )
        for name, origin in origins.items()
    ]
    return table(("column", f"from {plain(source)}", "how"), rows)
