"""The crash: an import in a process of its own, killed while it writes."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.002
_DEADLINE = 120.0


@dataclass(frozen=True)
class Crash:
    """How it went: the process's exit code (-9 if it was killed), and the files that it left behind."""

    exit_code: int
    left: tuple[str, ...]
    seconds: float
    output: str

    @property
    def in_time(self) -> bool:
        """Whether it was killed before it had ended by itself."""
        return self.exit_code < 0


def kill_while_writing(
    registry_file: Path, name: str, list_files: Callable[[], set[str]], committed: Callable[[], int]
) -> Crash:
    """Start `s3-assets import NAME`, and send it SIGKILL as soon as its first new file shows up.

    Nothing in the product helps with it: the target's listing is polled from outside.
    """
    begin = time.monotonic()
    before = list_files()
    version = committed()
    with subprocess.Popen(
        [sys.executable, "-m", "s3_assets", "--registry", str(registry_file), "import", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            while process.poll() is None and time.monotonic() < begin + _DEADLINE:
                if list_files() - before:
                    break
                time.sleep(_POLL)
        finally:
            process.kill()
        output = process.communicate()[0]
    left = list_files() - before if committed() == version else set()
    return Crash(process.returncode, tuple(sorted(left)), time.monotonic() - begin, output)
