"""Run requests: whole assets first, then partitions, as many as one tick may start."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s3_assets.sensors.consumers import Consumer
    from s3_assets.sensors.due import Due, Run
    from s3_assets.sensors.memory import Batch, Seen

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def whole_requests(
    consumers: Iterable[Consumer], changed: Mapping[str, Seen], imports: Mapping[str, str]
) -> list[dg.RunRequest]:
    """Request a run of each asset without partitions that reads a table which changed.

    `imports` are the names of the imports, by the name of their target.
    """
    found = []
    for each in consumers:
        news = [f"{changed[name].version}:{changed[name].change}" for name in each.sources if name in changed]
        if each.partitions is None and news:
            # The same for a tick that is tried again; another one for a table that was dropped and has grown
            # back.
            run_key = ":".join([imports.get(each.name, each.name), *news])
            found.append(dg.RunRequest(run_key=run_key, asset_selection=[each.key]))
    return found


def partition_requests(
    dues: Sequence[Due], most: int
) -> tuple[list[dg.RunRequest], dict[str, tuple[Batch, ...]]]:
    """Request the oldest partitions that are due, of each consumer in turn, and return what is left.

    What is left is by the names of the consumers.
    """
    turns = zip_longest(*[[(due, run) for run in due.runs()] for due in dues])
    taken = [each for each in chain.from_iterable(turns) if each is not None][: max(most, 0)]
    left = {}
    for due in dues:
        started = {index for other, run in taken if other is due for index in run.indexes}
        left[due.consumer.name] = due.left(started)
    return [_request(due, run) for due, run in taken], left


def _request(due: Due, run: Run) -> dg.RunRequest:
    first, last = due.calendar.keys[run.indexes[0]], due.calendar.keys[run.indexes[-1]]
    key, selection = f"{due.consumer.name}:{first}", [due.consumer.key]
    if len(run.indexes) == 1:
        return dg.RunRequest(run_key=f"{key}:{run.label}", partition_key=first, asset_selection=selection)
    return dg.RunRequest(
        run_key=f"{key}...{last}:{run.label}",
        tags={RANGE_START: first, RANGE_END: last},
        asset_selection=selection,
    )
