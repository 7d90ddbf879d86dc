"""Sensors: a new version of a source starts the imports that read it."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

import dagster as dg

from s3_assets.assets import asset_key
from s3_assets.errors import S3AssetsError
from s3_assets.movement.imports import ImportMode
from s3_assets.registry.models import ImportSettings, Registry

_VERSION_TAG = "dagster/data_version"


class _Seen(TypedDict):
    """What the cursor keeps of a source: its version, and how many changes were seen up to it."""

    version: str
    change: int


def source_sensor(registry: Registry, connection: str, sources: Sequence[str]) -> dg.SensorDefinition:
    """Return the sensor of one connection: it looks at its sources and reports and acts on changes only."""
    imports = {
        name: each
        for name, each in registry.imports.items()
        if each.source in sources and each.on_new_data and _starts_without_partitions(registry, each)
    }
    targets = [asset_key(each.target) for each in imports.values()]

    @dg.sensor(
        name=f"{connection.replace('/', '_')}_sources",
        minimum_interval_seconds=registry.watch.every_seconds,
        asset_selection=dg.AssetSelection.assets(*targets) if targets else None,
        description=f"Looks at {len(sources)} sources of '{connection}' and imports from those that changed.",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        known: dict[str, _Seen] = json.loads(context.cursor) if context.cursor else {}
        versions, failures = _versions(registry, sources)
        for name, error in failures.items():
            context.log.warning("%s: %s", name, error)
        if failures and not versions:
            raise next(iter(failures.values()))
        changed = {
            name: _next(known, name, token) for name, token in versions.items() if _new(known, name, token)
        }
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=_run_key(name, changed[each.source]), asset_selection=[asset_key(each.target)]
                )
                for name, each in imports.items()
                if each.source in changed
            ],
            asset_events=[_event(name, seen) for name, seen in changed.items()],
            cursor=_cursor({**known, **changed}, sources),
            skip_reason=_skip_reason(len(sources), changed, failures, imports),
        )

    return look


def _starts_without_partitions(registry: Registry, settings: ImportSettings) -> bool:
    # A new version does not say which partitions have changed: an import of partitions is not started.
    return settings.mode is ImportMode.APPEND or registry.tables[settings.target].partitions is None


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


def _new(known: dict[str, _Seen], name: str, token: str) -> bool:
    return name not in known or known[name]["version"] != token


def _next(known: dict[str, _Seen], name: str, token: str) -> _Seen:
    return {"version": token, "change": known[name]["change"] + 1 if name in known else 1}


def _run_key(name: str, seen: _Seen) -> str:
    # The same for a tick that is tried again; another one for a table that was dropped and has grown back.
    return f"{name}:{seen['version']}:{seen['change']}"


def _cursor(seen: dict[str, _Seen], sources: Sequence[str]) -> str:
    return json.dumps({name: seen[name] for name in sources if name in seen}, sort_keys=True)


def _event(name: str, seen: _Seen) -> dg.AssetObservation:
    token = seen["version"]
    return dg.AssetObservation(
        asset_key(name), tags={_VERSION_TAG: token}, metadata={"s3_assets/version": token}
    )


def _skip_reason(
    count: int, changed: dict[str, _Seen], failures: dict[str, S3AssetsError], imports: dict[str, Any]
) -> str | None:
    if any(each.source in changed for each in imports.values()):
        return None
    failed = f", {len(failures)} could not be looked at" if failures else ""
    return f"{len(changed)} of {count} sources changed{failed}; no import to run"
