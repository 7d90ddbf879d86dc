"""`python -m benchmarks.soak --minutes 60`: hours of the demo's pipeline, faults, kills, every row checked.

It ends by itself, or after the round that is under way when it gets SIGTERM. `--report FOLDER` tells what a
run has seen so far, or had seen when it was killed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import socket
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ground import Ground
from benchmarks.soak_ground import DAYS, EXPORTS, FIRST, TABLES, write_registry
from benchmarks.soak_kept import kept, open_uploads
from benchmarks.soak_model import Model
from benchmarks.soak_samples import sample
from benchmarks.soak_state import Seen
from benchmarks.soak_workers import HungError, Worker
from s3_assets.embedded.server import EmbeddedServer
from tests.support.proxy_state import KILLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from tests.support.proxy_state import ActionKind

STATE = "state.json"
RESULT = "result.md"
_FAULTS: tuple[ActionKind, ...] = ("status", "lost_reply", "reset_body", "delay")
_TRIES = 3
_STARTS = 180.0
"""Seconds in which the server has to be up, beside whatever else this machine does."""
_DOWN = 0.5
# Below those that Linux gives to outgoing connections (ip_local_port_range).
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
"""Seconds that a killed server is not there."""
_ALL_DAYS = {
    "dagster/asset_partition_range_start": f"{FIRST}",
    "dagster/asset_partition_range_end": f"{FIRST.replace(day=FIRST.day + DAYS - 1)}",
}


def _lasting_port() -> int:
    """Return a free port that nobody's outgoing connection is given while the server is down."""
    for port in range(_FIRST_PORT, _LAST_PORT):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no port from {_FIRST_PORT} to {_LAST_PORT} is free")


class Soak:
    """Server, model and two workers: one lives from beginning to end, one is killed again and again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._chance = random.Random(seed)  # noqa: S311 - faults that can be repeated, no secrets
        self.seen = Seen(seed, f"{datetime.now(UTC):%Y-%m-%d %H:%M}")
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._port = _lasting_port()
        self._server = self._running.enter_context(
            EmbeddedServer(self._folder / "s3", port=self._port, deadline=_STARTS)
        )
        ground = Ground(self._server.endpoint_url, catalog=f"{self._folder}/catalog.db")
        ground.make_bucket()
        registry = self._folder / "s3_assets.yaml"
        write_registry(registry, ground)
        self._ground = ground
        self._model = Model(ground, random.Random(self.seen.seed + 1))  # noqa: S311 - the same rows for a seed
        self._steady, self._victim = (
            self._running.enter_context(Worker(name, self._folder, ground.endpoint, registry))
            for name in ("steady", "victim")
        )
        self._steady.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def round(self) -> None:
        """Deliver, look, run what the sensors request; then, now and then, runs that are killed."""
        self.seen.rounds += 1
        self._model.deliver()
        # What imports have written is seen by the second tick.
        for _ in range(2):
            for request in self._tick():
                self._run(self._steady, **request)
        if self._chance.random() < 0.25:
            self._killed()
        pid = self._steady.pid
        if pid is not None:
            found = sample(pid, self._steady.temporary, self.seen.rounds, self.seen.runs)
            self.seen.samples.append(found)

    def check(self) -> None:
        """Run everything without faults, and compare with the model."""
        for _ in range(_TRIES):
            for request in self._tick(faults=False):
                self._run(self._steady, faults=False, **request)
            outcomes = [
                self._run(self._steady, faults=False, assets=[name]) for name in (*TABLES, *EXPORTS[::2])
            ]
            outcomes.append(self._run(self._steady, faults=False, assets=[EXPORTS[1]], tags=_ALL_DAYS))
            if all(each is not None and not each["errors"] for each in outcomes):
                break
        self.seen.compared(self._model.differences(), self._model.rows)
        self.seen.kept.append((self.seen.runs, kept(self._ground)))
        self.seen.uploads.append(open_uploads(self._ground))
        counted = self._steady.ask("objects")
        if counted is not None:
            self.seen.objects.append((self.seen.runs, counted["objects"]))

    def end(self) -> None:
        """Let the long-lived process end."""
        try:
            self.seen.exit_seconds = self._steady.end()
        except HungError as error:
            self.seen.hangs.append(str(error))

    def _tick(self, *, faults: bool = True) -> list[dict[str, Any]]:
        self.seen.ticks += 1
        if faults:
            self._arm(self._steady, 0.2)
        answer = self._ask(self._steady, "tick")
        if answer is None:
            return []
        self._note(answer["errors"])
        return [*answer["requests"]]

    def _run(self, worker: Worker, *, faults: bool = True, **request: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 - of Dagster
        self.seen.runs += 1
        if faults:
            self._arm(worker, 0.5)
        # Open uploads are in the server's memory: those that exports have committed must not vanish with it.
        falls = faults and self._chance.random() < 0.04 and not set(request["assets"]) & set(EXPORTS)
        answer = self._ask(worker, "run", server_falls=falls, **request)
        if answer is not None:
            self._note(answer["errors"])
            self._note(["a check did not pass" for each in answer["checks"] if not each])
        return answer

    def _killed(self) -> None:
        """Kill a run at some request, perhaps beside another run of the same assets."""
        self._victim.start()
        assets = self._chance.sample(TABLES, 2)
        self._arm(self._victim, 1.0, kill=True)
        self._victim.order("run", assets=assets)
        self.seen.runs += 1
        if self._chance.random() < 0.5:
            self._run(self._steady, assets=assets)
            self.seen.struck("runs beside one that is killed")
        if self._wait(self._victim) is None:
            left = self._victim.left_behind()
            self.seen.left_behind += len(left)
            self.seen.struck("processes killed amid a run")
        self._reset(self._victim)

    def _arm(self, worker: Worker, likely: float, *, kill: bool = False) -> None:
        """Let something go wrong at one of the next requests, if it comes to so many."""
        self._reset(worker)
        if self._chance.random() >= likely:
            return
        at, writes = self._chance.randint(1, 60), self._chance.random() < 0.3
        if kill:
            worker.proxy.arm(self._chance.choice(KILLS), at, pid=worker.pid, writes=writes)
            return
        kind = self._chance.choice(_FAULTS)
        times = self._chance.randint(1, 8) if kind == "status" else 1
        worker.proxy.arm(kind, at, seconds=self._chance.uniform(0.1, 3), times=times, writes=writes)

    def _reset(self, worker: Worker) -> None:
        struck = {each.action for each in worker.proxy.requests() if each.action}
        for each in struck:
            if not each.startswith("kill"):
                self.seen.struck(each)
        worker.proxy.reset()

    def _ask(
        self, worker: Worker, do: str, *, server_falls: bool = False, **order: object
    ) -> Mapping[str, Any] | None:
        worker.start()
        worker.order(do, **order)
        if server_falls:
            time.sleep(self._chance.uniform(0.05, 1.0))
            self._kill_server()
        return self._wait(worker)

    def _wait(self, worker: Worker) -> Mapping[str, Any] | None:
        try:
            return worker.answer()
        except HungError as error:
            self.seen.hangs.append(str(error))
            return None

    def _kill_server(self) -> None:
        self.seen.struck("servers killed and started anew")
        os.kill(self._server.pid, signal.SIGKILL)
        time.sleep(_DOWN)
        self._server = self._running.enter_context(
            EmbeddedServer(self._folder / "s3", port=self._port, deadline=_STARTS)
        )

    def _note(self, errors: list[str]) -> None:
        for each in errors:
            self.seen.failed(each.partition(":")[0])
            print(f"  round {self.seen.rounds}: {each[:400]}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if options.report:
        print(Seen.read(options.report / STATE).table())
        return
    with contextlib.ExitStack() as running:
        folder = options.folder or Path(running.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        print(soak(folder, options).table())


def soak(folder: Path, options: argparse.Namespace) -> Seen:
    """Go on until the time is over; the state is on disk after every round."""
    asked_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked_to_end.append(number))
    begin, checked = time.monotonic(), time.monotonic()
    with Soak(folder, options.seed) as soaked:
        while not soaked.seen.rounds or (
            not asked_to_end and time.monotonic() - begin < options.minutes * 60
        ):
            started = time.monotonic()
            soaked.round()
            if time.monotonic() - checked > options.check_minutes * 60:
                soaked.check()
                checked = time.monotonic()
            busy = time.monotonic() - started
            soaked.seen.minutes = (time.monotonic() - begin) / 60
            soaked.seen.write(folder / STATE)
            print(_line(soaked.seen, busy), flush=True)
            # Others work on this machine, too.
            _rest(busy * (1 / options.share - 1), asked_to_end)
        soaked.check()
        soaked.end()
        soaked.seen.minutes = (time.monotonic() - begin) / 60
        soaked.seen.write(folder / STATE)
        (folder / RESULT).write_text(soaked.seen.table() + "\n")
        return soaked.seen


def _rest(seconds: float, asked_to_end: list[int]) -> None:
    until = time.monotonic() + seconds
    while not asked_to_end and time.monotonic() < until:
        time.sleep(min(0.5, max(until - time.monotonic(), 0)))


def _line(seen: Seen, busy: float) -> str:
    memory = f"{seen.samples[-1].rss:.0f} MB, {seen.samples[-1].handles} handles" if seen.samples else ""
    return (
        f"{datetime.now(UTC):%H:%M:%S} round {seen.rounds}: {busy:.0f} s, {seen.runs} runs, "
        f"{sum(seen.faults.values())} faults, {sum(seen.failures.values())} errors, {len(seen.hangs)} hangs, "
        f"{seen.comparisons} comparisons, {len(seen.differences)} differences, {memory}"
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="of rows, faults and kills")
    parser.add_argument(
        "--share", type=float, default=0.5, help="of the time that is worked; the rest is slept"
    )
    parser.add_argument(
        "--check-minutes", type=float, default=10.0, help="between two comparisons of all rows"
    )
    parser.add_argument("--folder", type=Path, help="where log, state and data stay; left out: nowhere")
    parser.add_argument("--report", type=Path, help="tell what the run in that folder has seen, and end")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
