"""Which partitions a run is of, and where an input that reads what is new goes on in each."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import dagster as dg

from s3_assets.errors import UnsupportedError
from s3_assets.io_managers.options import reads_all_partitions
from s3_assets.partitions import unbroken, windows_in, windows_of

if TYPE_CHECKING:
    from s3_assets.io_managers.owners import CursorOwner
    from s3_assets.tables.table import Table
    from s3_assets.windows import Window


def execution_of() -> dg.AssetExecutionContext | None:
    """Return the step of an asset; None in an asset check, and where a value is loaded outside of a run."""
    try:
        return dg.AssetExecutionContext.get()
    except dg.DagsterInvariantViolationError:
        return None


def of_partitions(execution: dg.AssetExecutionContext | None) -> bool:
    """Tell whether a step is run for partitions."""
    return execution is not None and (execution.has_partition_key or execution.has_partition_key_range)


def stream_windows(
    context: dg.InputContext, execution: dg.AssetExecutionContext, owner: CursorOwner, source: Table[Any]
) -> tuple[dict[str, Window] | None, dict[str, Window] | None]:
    """Return the run's partitions in what the consumer writes, and the same in the source, by key.

    The first is None for a consumer without partitions, the second where all of the source is read. Raises
    `UnsupportedError` if the input is mapped to other partitions: what is new in these was read, or is to be
    read, by the runs of those.
    """
    if not of_partitions(execution):
        return None, None
    definition, keys = execution.assets_def.partitions_def, execution.partition_keys
    own = windows_in(definition, keys, owner.partitions, owner.name, owner.kind)
    everything = reads_all_partitions(context.definition_metadata or {}, source.name)
    if everything or source.settings.partitions is None:
        return own, None
    read = windows_of(definition, keys, source)
    if context.has_asset_partitions:
        mapped = windows_of(context.asset_partitions_def, context.asset_partition_keys, source)
        whole = unbroken(read, source.name)
        start, end = whole.start.astimezone(UTC), whole.end.astimezone(UTC)
        outside = [key for key, each in mapped.items() if not start <= each.start.astimezone(UTC) < end]
        if outside:
            raise UnsupportedError(
                f"what is new is read for the run's own partitions, and the input is mapped to {outside[0]}",
                remedy="Leave its partition_mapping out, or read with read_mode: current.",
                table=source.name,
            )
    return own, read
