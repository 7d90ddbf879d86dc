"""Schedules: imports, media sets and exports that run by the clock, or once."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from s3_assets.registry.models import Registry
from s3_assets.registry.schedule import ScheduleSettings
from s3_assets.sensors.marks import mark
from s3_assets.sensors.requests import RANGE_END, RANGE_START
from s3_assets.windows import time_zone

Specs = Mapping[str, dg.AssetSpec]
"""By the name of the table or export."""

_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - on the wall clock of the schedule
_TICKS = "%Y-%m-%d-%H:%M"


class _Job(NamedTuple):
    """What runs by the clock, such as an import; with the partitions by which it is run, if it is."""

    kind: str
    name: str
    key: dg.AssetKey
    when: ScheduleSettings
    spans: dg.TimeWindowPartitionsDefinition | None
    per_run: int | None

    @property
    def section(self) -> str:
        """The section of the registry that declares it."""
        return {"import": "imports", "media set": "media", "export": "exports"}[self.kind]

    def called(self, what: str) -> str:
        """Return the name of its schedule or sensor, which knows no slashes."""
        return f"{_plain(self.name)}_{what}"


def schedules(registry: Registry, specs: Specs) -> list[dg.ScheduleDefinition]:
    """Return a schedule for whatever has a cron; it is switched on in the UI, or by `dagster`."""
    return [_schedule(each) for each in _jobs(registry, specs) if not each.when.once]


def run_once_sensors(registry: Registry, specs: Specs) -> list[dg.SensorDefinition]:
    """Return a sensor for whatever is to run once: it requests one run, and never another."""
    return [_run_once(each) for each in _jobs(registry, specs) if each.when.once]


def _jobs(registry: Registry, specs: Specs) -> Iterator[_Job]:
    for name, each in registry.imports.items():
        if each.schedule is not None:
            spec = specs[each.target]
            yield _Job("import", name, spec.key, each.schedule, _spans(spec), each.partitions_per_run)
    for name, media in registry.media.items():
        if media.schedule is not None:
            yield _Job("media set", name, specs[media.target].key, media.schedule, None, None)
    for name, export in registry.exports.items():
        if export.schedule is not None:
            spec = specs[name]
            yield _Job("export", name, spec.key, export.schedule, _spans(spec), export.partitions_per_run)


def _schedule(job: _Job) -> dg.ScheduleDefinition:
    zone = time_zone(job.when.timezone)
    crons = job.when.crons()

    @dg.schedule(
        crons[0] if len(crons) == 1 else crons,
        name=job.called("schedule"),
        execution_timezone=job.when.timezone,
        metadata=mark(job.section, job.name),
        target=dg.AssetSelection.assets(job.key),
        description=f"Runs the {job.kind} '{job.name}': {_told(job.when)}.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(zone)
        if job.spans is None:
            return [dg.RunRequest(run_key=f"{job.name}:{now.isoformat()}", asset_selection=[job.key])]
        ended = _ended(job.spans, job.when, now)
        if not ended:
            return dg.SkipReason("no partition has ended since the last time")
        return _requests(job.name, job.key, ended, job.per_run)

    return tick


def _run_once(job: _Job) -> dg.SensorDefinition:
    @dg.sensor(
        name=job.called("once"),
        metadata=mark(job.section, job.name),
        asset_selection=dg.AssetSelection.assets(job.key),
        description=f"Runs the {job.kind} '{job.name}' once"
        + (", for all partitions that have ended." if job.spans is not None else "."),
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if context.cursor is not None:
            return dg.SkipReason(f"requested at {context.cursor}, and not again")
        requests = [dg.RunRequest(run_key=f"{job.name}:once", asset_selection=[job.key])]
        if job.spans is not None:
            keys = list(job.spans.get_partition_keys())
            if not keys:
                return dg.SkipReason("no partition has ended yet")
            requests = _requests(f"{job.name}:once", job.key, keys, job.per_run)
        return dg.SensorResult(run_requests=requests, cursor=f"{datetime.now().astimezone():%Y-%m-%d %H:%M}")

    return look


def _spans(spec: dg.AssetSpec) -> dg.TimeWindowPartitionsDefinition | None:
    """Return the partitions by which it is run, if it is."""
    found = spec.partitions_def
    return found if isinstance(found, dg.TimeWindowPartitionsDefinition) else None


def _ended(spans: dg.TimeWindowPartitionsDefinition, when: ScheduleSettings, now: datetime) -> list[str]:
    """Return the keys of the partitions that ended since the time before this one, less the delay of both.

    Where the clock is set, what one run leaves over is the next one's: no partition is left out.
    """
    before = _time_before(when, now)
    since = _undelayed(when, before).timestamp() if before is not None else 0.0
    until = _undelayed(when, now).astimezone(UTC)
    keys: list[str] = []
    span = spans.get_prev_partition_window(until, respect_bounds=False)
    while span is not None and span.end.timestamp() > since:
        inside = span.start.timestamp() >= spans.start.timestamp() and (
            spans.end is None or span.end.timestamp() <= spans.end.timestamp()
        )
        if inside:
            keys += spans.get_partition_keys_in_time_window(span)
        span = spans.get_prev_partition_window(span.start, respect_bounds=False)
    return keys[::-1]


def ticks_of(cron: str, timezone: str) -> dg.TimeWindowPartitionsDefinition:
    """Return the spans between the times of a cron as partitions: Dagster's public way to these times."""
    return dg.TimeWindowPartitionsDefinition(
        start=_LONG_AGO, fmt=_TICKS, cron_schedule=cron, timezone=timezone
    )


def _time_before(when: ScheduleSettings, now: datetime) -> datetime | None:
    """Return the last time before `now` at which it ran."""
    found = []
    for cron in when.crons():
        window = ticks_of(cron, when.timezone).get_prev_partition_window(now, respect_bounds=False)
        if window is not None:
            ended = window.end.timestamp() < now.timestamp()
            found.append((window.end if ended else window.start).timestamp())
    return datetime.fromtimestamp(max(found), now.tzinfo) if found else None


def _undelayed(when: ScheduleSettings, now: datetime) -> datetime:
    """Return the moment that is meant by a time of the schedule: by the clock's hands, as the cron was moved.

    Of an hour that the clock shows twice, the second is meant, unless `now` is in the first.
    """
    zone = time_zone(when.timezone)
    local = now.astimezone(zone)
    wall = local.replace(tzinfo=None) - timedelta(minutes=when.delay_minutes)
    first = local.fold == 0 and local.utcoffset() != local.replace(fold=1).utcoffset()
    return wall.replace(tzinfo=zone, fold=0 if first else 1)


def _requests(name: str, key: dg.AssetKey, keys: list[str], per_run: int | None) -> list[dg.RunRequest]:
    """Request as many runs as a backfill of these partitions, which are neighbours, would make."""
    found = []
    size = per_run or len(keys)
    for index in range(0, len(keys), size):
        first, last = keys[index], keys[min(index + size, len(keys)) - 1]
        if first == last:
            request = dg.RunRequest(run_key=f"{name}:{first}", partition_key=first, asset_selection=[key])
        else:
            request = dg.RunRequest(
                run_key=f"{name}:{first}...{last}",
                tags={RANGE_START: first, RANGE_END: last},
                asset_selection=[key],
            )
        found.append(request)
    return found


def _told(when: ScheduleSettings) -> str:
    later = f", {when.delay_minutes} minutes later" if when.delay_minutes else ""
    return f"{when.cron} ({when.timezone}){later}"


def _plain(name: str) -> str:
    # Names of schedules and sensors know no slashes.
    return name.replace("/", "_")
