"""Processes that end with the test that started them, and with its worker, however that ends."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.programs import find

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def running(
    command: Sequence[str], log: Path, *, descriptors: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the foreground for as long as the block lasts; it writes to `log`."""
    # Where the worker is killed, the system tells its children.
    with_parent = [path, "--pdeathsig", "TERM", "--"] if (path := find("setpriv")) else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*with_parent, *command],
            cwd=REPOSITORY,
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
