"""A worker of the soak as its owner sees it: a process that takes orders, may hang, and may be killed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.soak_ground import ENDPOINT
from tests.support.proxy import RequestProxy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

_CLONE = Path(__file__).parent.parent
_PATIENCE = 300.0
"""Seconds in which each order has to be answered: far more than the time limits of its requests add up to."""
_ENDS = 5.0
"""Seconds in which what a killed process had started has to be gone."""


class HungError(RuntimeError):
    """A worker neither answered nor ended; where it hung stands in its log."""


class Worker:
    """A process, its proxy, its folder for temporary files, and its instance of Dagster."""

    def __init__(self, name: str, folder: Path, server: str, registry: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.temporary = folder / name / "tmp"
        self._home = folder / name / "dagster"
        self._registry = registry
        self.proxy = RequestProxy(server)
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""

    def __enter__(self) -> Self:
        for each in (self.temporary, self._home):
            each.mkdir(parents=True, exist_ok=True)
        (self._home / "dagster.yaml").write_text("telemetry: { enabled: false }\n")
        self.proxy.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.proxy.__exit__(None, None, None)

    @property
    def pid(self) -> int | None:
        """Its number, while it lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, unless it lives, and wait until it takes orders."""
        if self.pid is not None:
            return
        self._unread = b""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.soak_worker"],
                cwd=_CLONE,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # What it starts is told by the session.
                start_new_session=True,
            )
        if self.answer() is None:
            raise RuntimeError(f"the worker does not start; {self.log} says why")

    def order(self, do: str, **arguments: object) -> None:
        """Give an order; `answer` waits for what comes of it."""
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("the worker is not running")
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            # It was killed; that it is gone is told by the missing answer.
            pass

    def answer(self, patience: float = _PATIENCE) -> Mapping[str, Any] | None:
        """Wait for the answer; None if the process ended instead.

        Raises `HungError`, with the stacks of its threads in its log, after `patience` seconds.
        """
        process = self._process
        if process is None or process.stdout is None:
            raise RuntimeError("the worker is not running")
        until = time.monotonic() + patience
        while b"\n" not in self._unread:
            left = until - time.monotonic()
            if left <= 0:
                process.send_signal(signal.SIGUSR1)
                time.sleep(1)
                process.kill()
                process.wait()
                raise HungError(f"{self.name} gave no answer in {patience:g} s; see {self.log}")
            if select.select([process.stdout], [], [], left)[0]:
                piece = os.read(process.stdout.fileno(), 65_536)
                if not piece:
                    process.wait()
                    return None
                self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        found: Mapping[str, Any] = json.loads(line)
        return found

    def ask(self, do: str, **arguments: object) -> Mapping[str, Any] | None:
        """Give an order, and wait for its answer."""
        self.order(do, **arguments)
        return self.answer()

    def end(self) -> float:
        """Tell it that it is done; return the seconds until it was gone.

        Raises `HungError` if it did not end.
        """
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return 0.0
        begin = time.monotonic()
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired as error:
            process.send_signal(signal.SIGUSR1)
            time.sleep(1)
            process.kill()
            process.wait()
            raise HungError(f"{self.name} was done and did not end; see {self.log}") from error
        return time.monotonic() - begin

    def left_behind(self) -> list[int]:
        """Return processes that a killed worker started, and that are still there after a while."""
        session = self._process.pid if self._process is not None else -1
        until = time.monotonic() + _ENDS
        while (left := in_session(session)) and time.monotonic() < until:
            time.sleep(0.1)
        return left

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "PYTHONPATH": str(_CLONE),
            "DAGSTER_HOME": str(self._home),
            "S3_ASSETS_REGISTRY": str(self._registry),
            "TMPDIR": str(self.temporary),
            ENDPOINT: self.proxy.endpoint,
        }


def in_session(session: int) -> list[int]:
    """Return the processes of a session."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                fields = (each / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                # It ended while the others were looked at.
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(each.name))
    return found
