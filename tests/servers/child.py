"""Processes that end with the test that started them, and with its worker, however that ends."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.programs import find

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    *,
    descriptors: Sequence[int] = (),
    folder: Path = REPOSITORY,
    variables: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the foreground for as long as the block lasts; it writes to `log`.

    It works in the folder, and with these environment variables besides those of the test.
    """
    # Where the worker is killed, the system tells its children.
    with_parent = [path, "--pdeathsig", "TERM", "--"] if (path := find("setpriv")) else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*with_parent, *command],
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C in the terminal is meant for pytest, which then ends it
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path, deadline: float = 60.0) -> None:
    """Return as soon as the process listens on a port of 127.0.0.1.

    Raises:
        RuntimeError: it ended, or did not listen in time; the message is the end of its log.

    """
    end = time.monotonic() + deadline
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


@contextmanager
def running_module(module: str, *arguments: str) -> Iterator[int]:
    """Run a server of ours, which prints its port and ends with its standard input; returns the port."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        if process.stdout is None:
            raise RuntimeError
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{module} ended with {process.wait()}; its standard error says why.")
        yield int(line)
        process.communicate(timeout=10)
