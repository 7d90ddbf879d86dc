"""The zygote itself: a process of one thread that has imported everything, and forks.

Orders are JSON lines on its standard input, events JSON lines on its standard output.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import deque
from pathlib import Path
from typing import Any

from tests.support import zygote_child


class ZygoteProcess:
    """The loop's work: an order starts a child or lets it go, a child's end is an event."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._go: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self.private = [events]
        """Descriptors that no child may hold."""

    def say(self, event: dict[str, Any]) -> None:
        """Tell the owner."""
        os.write(self._events, json.dumps(event).encode() + b"\n")

    def spawn(self, order: dict[str, Any]) -> None:
        """Start a child that waits for its go."""
        pid, go = self._start(order)
        # The child does so too; whoever is first, it leads its group before anyone is told of it. The errors
        # mean that it has ended already, or is another program: a spare has done it by itself.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(pid, pid)
        self._go[pid] = go
        self.say({"event": "pid", "pid": pid})

    def _start(self, order: dict[str, Any]) -> tuple[int, int]:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # A sibling's go must not stay open here, or it would never notice that the zygote is gone.
            for descriptor in (*self.private, *self._go.values(), write_end):
                os.close(descriptor)
            zygote_child.run(order["function"], order["arguments"], Path(order["folder"]), read_end)
        os.close(read_end)
        return pid, write_end

    def end(self) -> None:
        """The owner is gone: so are the children, and nobody else will collect them."""
        for pid in self._go:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def go(self, pid: int) -> None:
        """Let a waiting child begin."""
        if pid not in self._go:
            # It was killed while it waited; its end has been reported.
            return
        self._started[pid] = time.monotonic()
        # Killed a moment ago: its end is about to be reported.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._go[pid], b"g")

    def reap(self) -> None:
        """Report every child that has ended."""
        while self._go:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if pid not in self._go:
                continue
            os.close(self._go.pop(pid))
            seconds = time.monotonic() - self._started.pop(pid, time.monotonic())
            code = os.waitstatus_to_exitcode(status)
            self.say({"event": "exit", "pid": pid, "code": code, "seconds": seconds})


class SpareProcess(ZygoteProcess):
    """The same without forking, for systems whose libraries do not survive it: interpreters started ahead.

    One imports while another works, so that a child costs little waiting, though all the processor time.
    """

    def __init__(self, events: int, modules: list[str], ahead: int = 2) -> None:
        super().__init__(events)
        self._command = [sys.executable, "-m", "tests.support.zygote_child", *modules]
        self._spares = deque(self._spare() for _ in range(ahead))

    def _spare(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, bufsize=0, process_group=0)

    def _start(self, order: dict[str, Any]) -> tuple[int, int]:
        spare = self._spares.popleft()
        self._spares.append(self._spare())
        if spare.stdin is None:
            raise RuntimeError
        os.write(spare.stdin.fileno(), json.dumps(order).encode() + b"\n")
        # This descriptor is closed with the child's end; the object must not close it once more.
        return spare.pid, os.dup(spare.stdin.fileno())

    def end(self) -> None:
        """The spares are gone too."""
        super().end()
        for spare in self._spares:
            spare.kill()
            spare.wait()


def threads() -> list[str]:
    """Names of the other threads of this process; on Linux those of native libraries too."""
    tasks = Path("/proc/self/task")
    if tasks.is_dir():
        return [
            (task / "comm").read_text().strip() for task in tasks.iterdir() if int(task.name) != os.getpid()
        ]
    return [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]


def main(mode: str, modules: list[str]) -> None:
    """Import, then obey until the standard input ends."""
    # What libraries or children print must not be taken for events.
    events = os.dup(1)
    os.dup2(2, 1)
    if mode == "spare":
        zygote: ZygoteProcess = SpareProcess(events, modules)
    else:
        zygote = ZygoteProcess(events)
        for module in modules:
            importlib.import_module(module)
        # Pages that the collector never touches stay shared with the children.
        gc.collect()
        gc.freeze()
    # Python 3.12 and later warn of any thread; the owner has been told of these and has judged them by name.
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    zygote.say({"event": "ready", "threads": threads()})
    obey(zygote)
    zygote.end()


def obey(zygote: ZygoteProcess) -> None:
    """Carry out orders and report ends, until there are no more orders."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(read_end, selectors.EVENT_READ)
    zygote.private += [read_end, write_end]
    pending = b""
    while True:
        for key, _ in selector.select():
            data = os.read(key.fd, 65536)
            if key.fd == read_end:
                zygote.reap()
                continue
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if order["order"] == "spawn":
                    zygote.spawn(order)
                else:
                    zygote.go(order["pid"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
