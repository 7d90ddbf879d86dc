"""The sensor of a connection's media sets: it lists their objects, and runs what changed."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
import json
from collections.abc import Collection, Mapping, Sequence

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.errors import S3AssetsError
from s3_assets.observing import observed_look
from s3_assets.registry.models import Registry
from s3_assets.sensors.marks import mark
from s3_assets.threads import ThreadPoolExecutor


def media_sensors(registry: Registry, without: Collection[str] = ()) -> list[dg.SensorDefinition]:
    """Return a sensor for each connection that has media sets which new objects start.

    Of connections in `without`, another sensor looks at them.
    """
    connections: dict[str, list[str]] = {}
    for name, each in registry.media.items():
        if each.on_new_data and each.connection not in without:
            connections.setdefault(each.connection, []).append(name)
    return [_sensor(registry, *item) for item in connections.items()]


def _sensor(registry: Registry, connection: str, names: Sequence[str]) -> dg.SensorDefinition:
    keys = [asset_key(registry.media[name].target, registry) for name in names]

    @dg.sensor(
        name=f"{connection.replace('/', '_')}_media",
        minimum_interval_seconds=registry.watch.every_seconds,
        asset_selection=dg.AssetSelection.assets(*keys),
        metadata=mark("connections", connection),
        description=f"Lists the objects of {len(names)} media sets of '{connection}', and runs what changed.",
    )
    @observed_look(registry, f"{connection.replace('/', '_')}_media")
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        found, failures = media_states(registry, names)
        for name, error in failures.items():
            context.log.warning("%s: %s", name, error)
        if failures and not found:
            raise next(iter(failures.values()))
        requests = media_requests(registry, found, seen)
        return dg.SensorResult(
            run_requests=requests,
            cursor=json.dumps({**seen, **found}),
            skip_reason=None if requests else f"nothing changed in {len(found)} media sets",
        )

    return look


def media_states(registry: Registry, names: Sequence[str]) -> tuple[dict[str, str], dict[str, S3AssetsError]]:
    """Return the state of each media set's objects, or why it could not be looked at."""

    def one(name: str) -> str | S3AssetsError:
        try:
            return registry.media_set(name).source.state()
        except S3AssetsError as error:
            return error

    with ThreadPoolExecutor(registry.watch.at_once) as pool:
        states = dict(zip(names, pool.map(one, names), strict=True))
    return (
        {name: state for name, state in states.items() if isinstance(state, str)},
        {name: state for name, state in states.items() if isinstance(state, S3AssetsError)},
    )


def media_requests(
    registry: Registry, states: Mapping[str, str], seen: Mapping[str, str]
) -> list[dg.RunRequest]:
    """Request a run of each media set whose state is another one than the one that was seen."""
    return [
        dg.RunRequest(
            run_key=f"{name}:{state}", asset_selection=[asset_key(registry.media[name].target, registry)]
        )
        for name, state in states.items()
        if state != seen.get(name)
    ]
