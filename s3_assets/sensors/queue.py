"""The sensor of a queue: it looks at what messages tell of, now and then at all, and acts on changes only."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import dagster as dg

from s3_assets.errors import MissingError
from s3_assets.notifications.queue import Queue
from s3_assets.observing import observed_look
from s3_assets.progress import count
from s3_assets.registry.models import Registry
from s3_assets.registry.queues import QueueSettings
from s3_assets.sensors.consumers import Consumer
from s3_assets.sensors.mail import Mail
from s3_assets.sensors.marks import mark
from s3_assets.sensors.media import media_requests, media_states
from s3_assets.sensors.queue_memory import HeldMessages, QueueMemory
from s3_assets.sensors.queue_watch import MEDIA, Chosen, QueueWatch
from s3_assets.sensors.trying import trying
from s3_assets.sensors.watch import Looked

_HELD = HeldMessages()
_MINUTE = 60


def queue_sensor(
    registry: Registry,
    name: str,
    sources: Mapping[str, Iterable[str]],
    consumers: Sequence[Consumer],
    clock: Callable[[], float] = time.time,
) -> dg.SensorDefinition:
    """Return the sensor of one queue; `sources` are the tables that nobody here writes, by connection.

    A message says which table to look at; what changed in it, the table says itself, as for the sensor of a
    connection. So messages may come twice, late and in any order; those that never come are made up for by a
    sweep. They are deleted by the tick after the one that received them, when its cursor is known to be kept.
    When it is only tried, it receives and deletes nothing, and looks at all as a sweep does.
    """
    settings = registry.queues[name]
    watched = QueueWatch.of(registry, settings, sources, consumers)
    queue = Queue(registry.connections[settings.connection], settings)

    @dg.sensor(
        name=f"{name.replace('/', '_')}_queue",
        minimum_interval_seconds=settings.every_seconds,
        asset_selection=watched.selection(),
        metadata=mark("queues", name),
        description=_description(settings, watched),
    )
    @observed_look(registry, f"{name.replace('/', '_')}_queue")
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory, dry = QueueMemory.read(context.cursor), trying()
        mail = Mail() if dry else _received(context, queue, settings, memory, watched)
        now = clock()
        sweeps = dry or memory.swept is None or now >= memory.swept + settings.sweep_minutes * _MINUTE
        chosen = watched.everything() if sweeps else watched.chosen(mail.concerned, memory.again)
        found = watched.watch.look(memory.tables, chosen.tables)
        found.log(context)
        states, failures = media_states(registry, chosen.media)
        for each, error in failures.items():
            context.log.warning("%s: %s", each, error)
        if sweeps and not states:
            found.raise_if_nothing_was_seen()
        requests = [*found.requests, *media_requests(registry, states, memory.media)]
        after = QueueMemory(
            found.memory,
            {**memory.media, **states},
            now if sweeps else memory.swept,
            _again(found, failures),
            memory.batch if dry else _HELD.hold(settings.queue_url, mail.done),
        )
        told = [_waiting(queue) if dry else mail.summary(), _summary(chosen, found, sweeps=sweeps)]
        return dg.SensorResult(
            run_requests=requests,
            asset_events=[*found.events],
            cursor=after.write(watched.watch),
            skip_reason=None if requests else "; ".join([*told, *found.told]),
        )

    return look


def _received(
    context: dg.SensorEvaluationContext,
    queue: Queue,
    settings: QueueSettings,
    memory: QueueMemory,
    watched: QueueWatch,
) -> Mail:
    """Delete the messages that led to the cursor, which is kept now, and receive others."""
    kept = queue.delete(_HELD.take(settings.queue_url, memory.batch))
    for why, failed in kept.items():
        context.log.warning("%s not deleted, to come again: %s", count(failed, "message"), why)
    mail = Mail.read(queue.receive(), watched.addressees, settings)
    for line in mail.warnings(settings):
        context.log.warning("%s", line)
    return mail


def _again(found: Looked, failures: Iterable[str]) -> tuple[str, ...]:
    """Return what to look at again without being told to: that a missing table is made will be told."""
    unseen = [name for name, error in found.seen.failures.items() if not isinstance(error, MissingError)]
    return tuple(sorted([*unseen, *found.seen.unplaced, *(f"{MEDIA}{name}" for name in failures)]))


def _waiting(queue: Queue) -> str:
    found = queue.waiting()
    hidden = f", and {found.hidden:,} are hidden" if found.hidden else ""
    return f"{count(found.visible, 'message')} in the queue{hidden}"


def _summary(chosen: Chosen, found: Looked, *, sweeps: bool) -> str:
    media = f" and {count(len(chosen.media), 'media set')}" if chosen.media else ""
    failed = f", {found.failed} could not be looked at" if found.failed else ""
    return (
        f"{'swept' if sweeps else 'looked at'} {count(len(chosen.tables), 'table')}{media}: "
        f"{len(found.changed):,} changed{failed}"
    )


def _description(settings: QueueSettings, watched: QueueWatch) -> str:
    media = f" and {count(len(watched.media), 'media set')}" if watched.media else ""
    return (
        f"Looks at what the messages of '{settings.queue_url.rpartition('/')[2]}' tell of, and every "
        f"{count(settings.sweep_minutes, 'minute')} at all of "
        f"{count(len(watched.watch.tables), 'table')}{media}; starts what reads a changed one."
    )
