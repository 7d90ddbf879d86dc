"""A process like Dagster's daemon: it ticks and runs for as long as it lives, as its standard input orders.

Orders and answers are JSON lines. `tick` evaluates all sensors and answers with the runs that they request;
`run` runs assets in this process, as Dagster's in-process executor does; `objects` counts what Python holds.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import signal
import sys
from typing import Any

import dagster as dg

from s3_assets.builder import build_definitions
from s3_assets.registry import load_registry

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Worker:
    """The definitions, Dagster's instance, and where each sensor is."""

    def __init__(self) -> None:
        self._definitions = build_definitions(load_registry())
        self._instance = dg.DagsterInstance.get()
        self._cursors: dict[str, str | None] = {}

    def tick(self) -> dict[str, Any]:
        """Evaluate each sensor once; a tick that fails is told, and tried again by the next one."""
        requests: list[dict[str, Any]] = []
        errors: list[str] = []
        for sensor in self._definitions.sensors or ():
            context = dg.build_sensor_context(
                instance=self._instance, cursor=self._cursors.get(sensor.name), definitions=self._definitions
            )
            try:
                found = sensor.evaluate_tick(context)
            except Exception as error:  # noqa: BLE001 - as the daemon: the next tick is another chance
                errors.append(_told(error))
                continue
            self._cursors[sensor.name] = found.cursor
            requests += [
                {
                    "assets": [key.to_user_string() for key in each.asset_selection or ()],
                    "partition": each.partition_key,
                    "tags": dict(each.tags),
                }
                for each in found.run_requests or ()
            ]
        return {"requests": requests, "errors": errors}

    def run(
        self, assets: list[str], partition: str | None = None, tags: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Run the assets in one run; answer with the errors of the steps that failed."""
        keys = [dg.AssetKey.from_user_string(each) for each in assets]
        job = self._definitions.resolve_implicit_job_def_def_for_assets(keys)
        if job is None:
            raise LookupError(f"no job has the assets {assets}")
        result = job.execute_in_process(
            instance=self._instance,
            asset_selection=keys,
            partition_key=partition,
            tags=tags or {},
            raise_on_error=False,
            run_config=QUIET,
        )
        events = result.all_events
        rows = [
            each.step_materialization_data.materialization.metadata.get("s3_assets/rows_written")
            for each in result.get_asset_materialization_events()
        ]
        return {
            "errors": [_cause(each.step_failure_data.error) for each in events if each.is_step_failure],
            "checks": [each.passed for each in result.get_asset_check_evaluations()],
            "rows": sum(int(each.value) for each in rows if each is not None and isinstance(each.value, int)),
        }

    def objects(self) -> dict[str, Any]:
        """Count what Python's collector knows."""
        gc.collect()
        return {"objects": len(gc.get_objects())}


def _cause(error: Any) -> str:  # noqa: ANN401 - Dagster's error, as it keeps it
    while error.cause is not None:
        error = error.cause
    return f"{error.cls_name}: {error.message.strip()}"


def _told(error: BaseException) -> str:
    while error.__cause__ is not None and not type(error).__module__.startswith("s3_assets"):
        error = error.__cause__
    return f"{type(error).__name__}: {error}"


def main() -> None:
    # Whoever finds it hanging asks where.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    with contextlib.redirect_stdout(sys.stderr):
        worker = Worker()
        print(json.dumps({"ready": os.getpid()}), file=answers, flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            answer = getattr(worker, order.pop("do"))(**order)
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
