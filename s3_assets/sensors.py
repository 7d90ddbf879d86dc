"""Sensors: a new version of a source starts the imports that read it."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.errors import S3AssetsError
from s3_assets.movement.imports import ImportMode
from s3_assets.registry.models import Registry

_VERSION_TAG = "dagster/data_version"


def source_sensor(registry: Registry, connection: str, sources: Sequence[str]) -> dg.SensorDefinition:
    """Return the sensor of one connection: it looks at its sources and reports and acts on changes only."""
    imports = {
        name: each
        for name, each in registry.imports.items()
        if each.source in sources and each.on_new_data and each.mode is ImportMode.APPEND
    }
    targets = [asset_key(each.target) for each in imports.values()]

    @dg.sensor(
        name=f"{connection.replace('/', '_')}_sources",
        minimum_interval_seconds=registry.watch.every_seconds,
        asset_selection=dg.AssetSelection.assets(*targets) if targets else None,
        description=f"Looks at {len(sources)} sources of '{connection}' and runs the imports of those that changed.",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        known: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        versions, failures = _versions(registry, sources)
        for name, error in failures.items():
            context.log.warning(f"{name}: {error}")
        if failures and not versions:
            raise next(iter(failures.values()))
        changed = {name: token for name, token in versions.items() if known.get(name) != token}
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=f"{name}:{changed[each.source]}", asset_selection=[asset_key(each.target)]
                )
                for name, each in imports.items()
                if each.source in changed
            ],
            asset_events=[_event(name, token) for name, token in changed.items()],
            cursor=json.dumps({**known, **changed}, sort_keys=True),
            skip_reason=_skip_reason(len(sources), changed, failures, imports),
        )

    return look


def _versions(registry: Registry, sources: Sequence[str]) -> tuple[dict[str, str], dict[str, S3AssetsError]]:
    versions: dict[str, str] = {}
    failures: dict[str, S3AssetsError] = {}

    def one(name: str) -> None:
        try:
            versions[name] = registry.table(name).version().token
        except S3AssetsError as error:
            failures[name] = error

    with ThreadPoolExecutor(registry.watch.at_once) as pool:
        list(pool.map(one, sources))
    return dict(sorted(versions.items())), dict(sorted(failures.items()))


def _event(name: str, token: str) -> dg.AssetObservation:
    return dg.AssetObservation(
        asset_key(name), tags={_VERSION_TAG: token}, metadata={"s3_assets/version": token}
    )


def _skip_reason(
    count: int, changed: dict[str, str], failures: dict[str, S3AssetsError], imports: dict[str, Any]
) -> str | None:
    if any(each.source in changed for each in imports.values()):
        return None
    failed = f", {len(failures)} could not be looked at" if failures else ""
    return f"{len(changed)} of {count} sources changed{failed}; no import to run"
