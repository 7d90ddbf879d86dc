"""The programs that tests need besides Python, and what to say where one is missing."""

import os
import random
import shutil
import socket
from pathlib import Path

import pytest

_LIST = Path(__file__).with_name("packages.txt")
PACKAGES = dict(line.split() for line in _LIST.read_text().splitlines())
"""Each program, and the package of Debian and Ubuntu that has it; `install.sh` reads the same file."""

MISSING = "is not installed: apt-get install --no-install-recommends"
"""What the reason of every skip for lack of a program says."""

# Daemons live there, and a user's PATH may leave it out.
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def find(program: str) -> str | None:
    """The program's path, if it is installed."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *_SYSTEM_FOLDERS]))


def missing(*programs: str) -> str | None:
    """One line that says what is missing and how to get it; None if everything is there."""
    absent = [program for program in programs if find(program) is None]
    if not absent:
        return None
    packages = sorted({PACKAGES[program] for program in absent})
    return f"{', '.join(absent)} {MISSING} {' '.join(packages)}"


def need(*programs: str) -> None:
    """Skip the test where a program is missing; in CI, where all are installed, fail it."""
    line = missing(*programs)
    if line is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


def path_of(program: str) -> str:
    """The path of a program that `need` was asked for."""
    found = find(program)
    if found is None:
        raise RuntimeError(missing(program))
    return found


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections.

    For programs that cannot be handed a socket: between this answer and their start, only another of them
    could take it.
    """
    for _ in range(100):
        port = random.randint(15000, 29999)  # noqa: S311 - no secret
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"A hundred ports of {host} are in use.")
