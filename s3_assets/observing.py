"""Steps and ticks that are observed: their requests are counted, told in events and logs, and sent on."""

# No postponed annotations here: Dagster reads the annotation of `context` as it stands.
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

import dagster as dg

from s3_assets.collector import spared
from s3_assets.errors import S3AssetsError
from s3_assets.metadata.requests import request_line, request_metadata
from s3_assets.metrics import Asker, Meter
from s3_assets.progress import pulse
from s3_assets.registry.models import Registry
from s3_assets.registry.observe import ObserveSettings
from s3_assets.telemetry import Told, asked, send


class Observation:
    """One step, or one tick, from its beginning to its end."""

    def __init__(self, settings: ObserveSettings, task: str, asker: Asker, *, everything: bool) -> None:
        self._wanted = asked(settings.opentelemetry)
        traced = self._wanted is not None and self._wanted.traces
        self.meter = Meter(
            asker,
            everything=everything,
            keep=settings.spans_per_step if traced else 0,
            tells=settings.user_agent,
        )
        self._task = task
        self._every = settings.progress_seconds
        self._began, self._started = time.time(), time.monotonic()

    @contextmanager
    def active(self, log: logging.Logger) -> Iterator[None]:
        """Count in the block; if it fails, this is the end."""
        try:
            with spared(), self.meter.active(), pulse(self._line, log.info, self._every):
                yield
        except BaseException as error:
            self.end(log, error)
            raise

    def _line(self) -> str:
        """Return what a step is at, that takes long."""
        seconds = time.monotonic() - self._started
        at = f" ({self.meter.under_way})" if self.meter.under_way else ""
        return f"{self._task}: at work{at} for {seconds:.0f} s; {request_line(self.meter)}"

    def metadata(self) -> dict[str, Any]:
        """Return what was counted so far."""
        with suppress(S3AssetsError):
            self.meter.collect()
        return request_metadata(self.meter)

    def end(self, log: logging.Logger, error: BaseException | None = None) -> None:
        """Log what was counted, and send it to who asks for it; another output is counted anew."""
        # A gateway that ended has told its failure to the engines.
        with suppress(S3AssetsError):
            self.meter.collect()
        if self.meter.usage.counts or self.meter.unseen:
            log.info("%s", request_line(self.meter))
        if self._wanted is not None:
            seconds = time.monotonic() - self._started
            kind = type(error).__name__ if error is not None else None
            problem = send(self._wanted, Told(self.meter, self._task, self._began, seconds, kind))
            if problem is not None:
                log.warning("%s", problem)
        self.meter.begin_anew()
        self._began, self._started = time.time(), time.monotonic()


def observation_of(
    registry: Registry,
    task: str,
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    about: dg.AssetKey | None = None,
) -> Observation:
    """Return the observation of a step of Dagster's: about the one asset that it makes, or another one."""
    keys = list(context.selected_asset_keys) if about is None else [about]
    asset = "/".join(keys[0].path) if len(keys) == 1 else ""
    asker = Asker(run=context.run.run_id, step=context.assets_def.node_def.name, asset=asset)
    return Observation(registry.observe, task, asker, everything=registry.observe.requests == "all")


@contextmanager
def observed_step(
    registry: Registry,
    task: str,
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    about: dg.AssetKey | None = None,
) -> Iterator[Observation]:
    """Observe a step in the block."""
    observation = observation_of(registry, task, context, about)
    with observation.active(context.log):
        yield observation
    observation.end(context.log)


@contextmanager
def observed_tick(registry: Registry, sensor: str, log: logging.Logger) -> Iterator[Observation]:
    """Observe a look of a sensor in the block; it never goes over the gateway, which takes time to start."""
    observation = Observation(registry.observe, f"sensor {sensor}", Asker(sensor=sensor), everything=False)
    with observation.active(log):
        yield observation
    observation.end(log)


def observed_run(
    registry: Registry, task: str, run: Callable[[dg.AssetExecutionContext], dg.MaterializeResult[None]]
) -> Callable[[dg.AssetExecutionContext], dg.MaterializeResult[None]]:
    """Return the function of an asset, observed: its materialisation tells what was asked of S3."""

    def observed(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with observed_step(registry, task, context) as observation:
            result = run(context)
            context.add_asset_metadata(observation.metadata(), asset_key=context.asset_key)
        return result

    return observed


def observed_look(
    registry: Registry, sensor: str
) -> Callable[
    [Callable[[dg.SensorEvaluationContext], dg.SensorResult]],
    Callable[[dg.SensorEvaluationContext], dg.SensorResult],
]:
    """Return what makes a sensor's function an observed one: each tick logs what was asked of S3."""

    def decorated(
        look: Callable[[dg.SensorEvaluationContext], dg.SensorResult],
    ) -> Callable[[dg.SensorEvaluationContext], dg.SensorResult]:
        @wraps(look)
        def observed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
            # The sensors' own room, which has sensors that are observed.
            from s3_assets.sensors.trying import trying

            if trying():
                # Whoever tries it counts for himself.
                return look(context)
            with observed_tick(registry, sensor, context.log):
                return look(context)

        return observed

    return decorated
