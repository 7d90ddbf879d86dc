"""Hourly partitions of many assets, backfilled in one run, while daemon, database and run are killed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.backfill_ground import ROWS_PER_HOUR, Hourly
from benchmarks.backfill_place import Place, Seen, running_place

_POLL = 0.2
_UNDER_WAY = {"", "REQUESTED", "FAILING"}


@dataclass(frozen=True)
class Fault:
    """What goes wrong, as soon as the moment is there."""

    name: str
    moment: Callable[[Seen], bool]
    strike: Callable[[Place], None]


def compare(assets: int, hours: int) -> str:
    """Backfill and count; raises `RuntimeError` where anything is not as it should be."""
    with running_place(assets, hours) as (hourly, place):
        begin = time.monotonic()
        place.launch(hourly)
        last, struck = _go_through(place, _faults(assets), begin)
        seconds = time.monotonic() - begin
        if last.backfill != "COMPLETED_SUCCESS":
            raise RuntimeError(f"{last}\n{place.dagster.daemon.end_of_log()}")
        return _table(hourly, place, last, struck, seconds)


def _faults(assets: int) -> list[Fault]:
    def done(share: float) -> Callable[[Seen], bool]:
        return lambda seen: seen.assets >= assets * share

    return [
        Fault("daemon killed, the backfill new", lambda seen: seen.backfill != "", Place.kill_daemon),
        Fault("daemon killed, the run in the queue", lambda seen: bool(seen.runs), Place.kill_daemon),
        Fault("daemon killed at a fifth", done(0.2), Place.kill_daemon),
        Fault("PostgreSQL killed at two fifths", done(0.4), Place.crash_postgresql),
        Fault("the run's process killed at four fifths", done(0.8), Place.kill_run),
    ]


def _go_through(place: Place, faults: list[Fault], begin: float) -> tuple[Seen, dict[str, float]]:
    """Strike each fault at its moment, and wait for the end; the seconds are those of the faults."""
    waiting, struck = [*faults], dict[str, float]()
    while True:
        seen = place.look()
        if waiting and waiting[0].moment(seen):
            fault = waiting.pop(0)
            struck[fault.name] = time.monotonic() - begin
            print(f"{struck[fault.name]:6.0f} s  {fault.name}; {seen}", flush=True)
            fault.strike(place)
        if seen.backfill not in _UNDER_WAY:
            return seen, struck
        time.sleep(_POLL)


def _table(hourly: Hourly, place: Place, last: Seen, struck: dict[str, float], seconds: float) -> str:
    wrong = hourly.wrong()
    if wrong:
        raise RuntimeError(f"the tables are not right: {wrong}")
    whole = {"numMaterialized": hourly.hours, "numFailed": 0, "numPartitions": hourly.hours}
    statistics = place.statistics()
    incomplete = {name: statistics.get(name) for name in hourly.tables if statistics.get(name) != whole}
    if incomplete:
        raise RuntimeError(f"Dagster does not show all partitions: {incomplete}")
    partitions = len(hourly.tables) * hourly.hours
    ((events, pairs),) = place.rows(
        "SELECT count(*), count(DISTINCT (asset_key, partition)) FROM event_logs "
        "WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    )
    lines = [
        f"### {len(hourly.tables)} assets of {hourly.hours} hourly partitions, backfilled in single-run mode",
        "",
        "| what | |",
        "|---|---:|",
        *(f"| {name}, after | {after:.0f} s |" for name, after in struck.items()),
        f"| runs | {', '.join(last.runs)} |",
        f"| from the request to the end | {seconds:.0f} s |",
        f"| partitions that Dagster shows as materialised | {pairs:,} of {partitions:,} |",
        f"| events of these beyond one each | {events - pairs:,} |",
        f"| rows in the tables, as delta-rs and PyArrow read them | {partitions * ROWS_PER_HOUR:,} |",
        "| rows missing, rows twice | 0, 0 |",
    ]
    return "\n".join(lines)
