"""The demo's runs: through Dagster, in this process, on the instance that the UI shows."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_assets.embedded.demo_data import DAYS, FIRST_DATE
from s3_assets.errors import S3AssetsError
from s3_assets.registry.models import Registry


class RunFailedError(S3AssetsError, RuntimeError):
    """A run of the demo's pipeline failed."""


@dataclass(frozen=True)
class Materialized:
    """What one asset's run told, as Dagster's own event has it."""

    rows: int
    files: int
    bytes: int
    swept: int
    read_files: int
    version: str
    total_rows: int
    seconds: float


class Pipeline:
    """The registry's definitions, and Dagster's instance in `home`."""

    def __init__(self, registry: Registry) -> None:
        import dagster as dg

        from s3_assets.builder import build_definitions

        self._definitions = build_definitions(registry)
        self._instance = dg.DagsterInstance.get()

    def run(self, *tables: str, partitions: tuple[str, str] | None = None) -> dict[str, Materialized]:
        """Materialise the assets in one run, and return what each told.

        Raises `RunFailedError` with the cause.
        """
        import dagster as dg

        from s3_assets.sensors.requests import RANGE_END, RANGE_START

        keys = [dg.AssetKey(table.split("/")) for table in tables]
        job = self._definitions.resolve_implicit_job_def_def_for_assets(keys)
        if job is None:
            raise RunFailedError(f"no job has the assets {', '.join(tables)}")
        tags = {}
        if partitions:
            first, last = partitions
            tags = {RANGE_START: first, RANGE_END: last}
        result = job.execute_in_process(
            instance=self._instance,
            asset_selection=keys,
            tags=tags,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        if not result.success:
            raise _failure(result.all_events)
        return _told(result.get_asset_materialization_events())

    def close(self) -> None:
        """Let go of the instance."""
        self._instance.dispose()


@contextmanager
def at_home(root: Path, home: Path) -> Iterator[None]:
    """Work in the registry's folder, where Dagster's instance has its own, as `dagster dev` does."""
    before = Path.cwd()
    os.environ["DAGSTER_HOME"] = str(home)
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(before)


def last_partition() -> str:
    """Return the key of the demo's last day."""
    from datetime import timedelta

    return (FIRST_DATE + timedelta(days=DAYS - 1)).isoformat()


def _told(events: Sequence[Any]) -> dict[str, Materialized]:
    """Read each asset's metadata; of an asset with partitions, one event stands for the run."""
    found: dict[str, Materialized] = {}
    for event in events:
        materialization = event.step_materialization_data.materialization
        values = {name: each.value for name, each in materialization.metadata.items()}
        found["/".join(materialization.asset_key.path)] = _materialized(values)
    return found


def _materialized(values: Mapping[str, Any]) -> Materialized:
    return Materialized(
        rows=values.get("s3_assets/rows_written", 0),
        files=values.get("s3_assets/files_written", 0),
        bytes=values.get("s3_assets/bytes_written", 0),
        swept=values.get("s3_assets/files_swept", 0),
        read_files=values.get("s3_assets/read_files", 0),
        version=str(values.get("s3_assets/version", "")),
        total_rows=values.get("dagster/row_count", 0),
        seconds=values.get("s3_assets/seconds", 0.0),
    )


def _failure(events: Sequence[Any]) -> RunFailedError:
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error.cause is not None:
                error = error.cause
            return RunFailedError(
                f"the step {event.step_key} failed: {error.message.strip()}",
                remedy="The run's log in Dagster's UI has the rest.",
            )
    return RunFailedError("the run failed before its first step", remedy="Look at the run in Dagster's UI.")
