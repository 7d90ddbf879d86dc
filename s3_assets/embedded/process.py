"""Processes of which only the number is known: told apart from later ones that inherited the number."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

POLL_SECONDS = 0.02


def start_time(pid: int) -> str | None:
    """Return when the process started, as an opaque mark, or None if no such process runs."""
    if Path("/proc/self/stat").exists():
        return _start_time_from_proc(pid)
    answer = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"LC_ALL": "C"},
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()


def _start_time_from_proc(pid: int) -> str | None:
    try:
        # The name in the second field may hold spaces and brackets; what is wanted follows the last bracket.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def end(pid: int, started: str, *, deadline: float) -> bool:
    """End the process: politely, and after `deadline` seconds by force; say whether it is gone.

    A process that merely inherited the number is left alone.
    """
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if start_time(pid) != started:
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, signal_number)
        until = time.monotonic() + deadline
        while time.monotonic() < until:
            if start_time(pid) != started:
                return True
            time.sleep(POLL_SECONDS)
    return start_time(pid) != started
