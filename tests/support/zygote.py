"""A fresh process for each crash, without paying a fresh interpreter's imports each time.

The zygote imports the given modules once and then forks a child for each order. That is sound as long as
nothing but Python's main thread runs in it: thread pools and runtimes start in the children, at their first
use. ``Zygote`` refuses modules that start a thread when they are imported, but for those known to be
harmless.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tests.support.zygote_child import OUTPUT, RESULT

REPOSITORY = Path(__file__).parents[2]
Function = str | Callable[..., Any]
HARMLESS_THREADS = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
"""Threads of native libraries that start with their import, and that a child can do without (names as Linux
cuts them): jemalloc's returns unused memory and is made anew after a fork, Polars' removes spilled files."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended. ``signal`` is None unless a signal ended it, ``code`` None if one did."""

    code: int | None
    signal: int | None
    result: Any
    traceback: str | None
    output: str
    seconds: float

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.signal == signal.SIGKILL

    @property
    def succeeded(self) -> bool:
        """Whether the function returned."""
        return self.code == 0

    def describe(self) -> str:
        """What happened, for a failure's message."""
        if self.succeeded:
            return f"returned {self.result!r} after {self.seconds:.2f} s"
        end = f"signal {self.signal}" if self.signal else f"exit code {self.code}"
        return f"ended with {end} after {self.seconds:.2f} s\n{self.traceback or ''}{self.output}"


class Child:
    """One call of one function in a process of its own."""

    def __init__(self, zygote: "Zygote", pid: int, folder: Path) -> None:
        self.pid = pid
        self._zygote = zygote
        self._folder = folder

    def go(self) -> None:
        """Let it begin."""
        self._zygote.order({"order": "go", "pid": self.pid})

    def kill(self) -> None:
        """End it, and the processes that it has started."""
        # It may have ended by itself.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self, timeout: float = 60.0) -> Outcome:
        """Its end. A child that does not end in time is killed; the error holds the stacks of its threads."""
        if not self._zygote.await_exit(self.pid, timeout):
            os.kill(self.pid, signal.SIGUSR1)
            self._zygote.await_exit(self.pid, 0.3)
            self.kill()
            self._zygote.await_exit(self.pid, 10.0)
            message = f"The child did not end in {timeout} s.\n{self._output()}"
            raise TimeoutError(message)
        return self._outcome()

    def _outcome(self) -> Outcome:
        code, seconds = self._zygote.exits[self.pid]
        answer: dict[str, Any] = {}
        if code in (0, 1):
            answer = json.loads((self._folder / RESULT).read_text())
        return Outcome(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            result=answer.get("result"),
            traceback=answer.get("traceback"),
            output=self._output(),
            seconds=seconds,
        )

    def _output(self) -> str:
        path = self._folder / OUTPUT
        return path.read_text(errors="replace")[-20_000:] if path.exists() else ""


class Zygote:
    """Starts children; use it in a with statement.

    Args:
        modules: What is imported once, for all children.
        mode: ``fork``, or ``spare`` for interpreters that are started ahead. By default Linux forks and
            other systems do not: Apple's libraries may abort in a forked child.
    """

    def __init__(self, modules: Sequence[str] = (), mode: Literal["fork", "spare"] | None = None) -> None:
        self.modules = list(modules)
        self.mode = mode or ("fork" if sys.platform == "linux" else "spare")
        self.exits: dict[int, tuple[int, float]] = {}
        """Exit code (minus the signal's number) and seconds of each child that has ended, by pid."""
        self._pids: deque[int] = deque()
        self._pending = b""
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.support.zygote_process", self.mode, *self.modules]
        self._folder = tempfile.TemporaryDirectory(prefix="zygote-")
        # A session of its own: an interrupt from the keyboard reaches the tests, which then end the zygote.
        self._process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        ready = next(event for event in self._events(120.0) if event["event"] == "ready")
        unsafe = sorted(set(ready["threads"]) - HARMLESS_THREADS)
        if unsafe:
            self.__exit__(None, None, None)
            message = f"Importing {self.modules} started {unsafe}: it would not be safe to fork."
            raise RuntimeError(message)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The end of its orders is the order to end; it takes the children with it.
        process = self._running()
        process.communicate(timeout=10)
        self._process = None
        self._folder.cleanup()

    def spawn(self, function: Function, arguments: Mapping[str, Any] | None = None) -> Child:
        """Start a child that will call ``function`` when told to go; arguments and result travel as JSON.

        Args:
            function: ``module:name``, or a function that a module has under its own name.
            arguments: Its keyword arguments.
        """
        name = function if isinstance(function, str) else f"{function.__module__}:{function.__qualname__}"
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        with self._lock:
            self.order(
                {
                    "order": "spawn",
                    "function": name,
                    "arguments": dict(arguments or {}),
                    "folder": str(folder),
                }
            )
            self._pump(30.0, lambda: bool(self._pids))
            if not self._pids:
                message = "The zygote did not start a child in 30 s."
                raise TimeoutError(message)
            pid = self._pids.popleft()
        return Child(self, pid, folder)

    def run(
        self, function: Function, arguments: Mapping[str, Any] | None = None, timeout: float = 60.0
    ) -> Outcome:
        """Call ``function`` in a child, from its start to its end."""
        child = self.spawn(function, arguments)
        child.go()
        return child.wait(timeout)

    def order(self, order: dict[str, Any]) -> None:
        """Give an order to the zygote's process."""
        stream = self._running().stdin
        if stream is None:
            raise RuntimeError
        with self._lock:
            stream.write(json.dumps(order).encode() + b"\n")

    def await_exit(self, pid: int, timeout: float) -> bool:
        """Whether the child has ended, after waiting for it so many seconds at most."""
        self._pump(timeout, lambda: pid in self.exits)
        return pid in self.exits

    def _pump(self, timeout: float, enough: Callable[[], bool]) -> None:
        """Take in events until there are enough."""
        end = time.monotonic() + timeout
        while not enough() and time.monotonic() < end:
            # Several threads may wait, each for its child: each takes short turns and serves all.
            with self._lock:
                if enough():
                    return
                for event in self._events(min(0.05, max(0.0, end - time.monotonic()))):
                    if event["event"] == "pid":
                        # An exit cannot precede its child's pid: what is known is of an earlier child.
                        self.exits.pop(event["pid"], None)
                        self._pids.append(event["pid"])
                    elif event["event"] == "exit":
                        self.exits[event["pid"]] = (event["code"], event["seconds"])

    def _events(self, timeout: float) -> list[dict[str, Any]]:
        stream = self._running().stdout
        if stream is None:
            raise RuntimeError
        if not select.select([stream], [], [], timeout)[0]:
            return []
        data = os.read(stream.fileno(), 65536)
        if not data:
            message = f"The zygote ended with {self._running().wait(10)}; its standard error says why."
            raise RuntimeError(message)
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            message = "The zygote is not running: use it in a with statement."
            raise RuntimeError(message)
        return self._process
