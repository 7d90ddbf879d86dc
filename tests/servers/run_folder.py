"""A folder that all workers of one test run share, and servers in it that end with the run.

The process that pytest was started as holds a lock in the folder. The system gives it back however that
process ends: by itself, after Ctrl-C, or killed. The keeper of a server, a process of its own, waits for it.
"""

import fcntl
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

REPOSITORY = Path(__file__).parents[2]
_RUN = "run.lock"
_KEEPER = "keeper.lock"
_OUTCOME = "outcome.json"
_started: list[subprocess.Popen[bytes]] = []


class RunFolder:
    """The folder, as the process that pytest was started as has it."""

    def __init__(self) -> None:
        # Short, since unix sockets lie below it.
        self.path = Path(tempfile.mkdtemp(prefix="s3-assets-run-"))
        self._lock: IO[str] = (self.path / _RUN).open("a")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self, deadline: float = 60.0) -> None:
        """Let the run end, wait until the keepers have stopped their servers, and remove the folder."""
        self._lock.close()
        end = time.monotonic() + deadline
        for lock in self.path.glob(f"*/{_KEEPER}"):
            while not _free(lock):
                if time.monotonic() > end:
                    raise TimeoutError(f"The keeper of {lock.parent} does not end.")
                time.sleep(0.02)
        while _started:
            _started.pop().wait()
        shutil.rmtree(self.path, ignore_errors=True)


def shared_server(run: Path, name: str, module: str, deadline: float = 120.0) -> Mapping[str, Any]:
    """What the keeper of the run's one server of that name says of it; the first who asks starts it.

    ``python -m module folder`` is the keeper. It ends with `keep`.

    Raises:
        RuntimeError: the server did not come up, now or when another worker asked.

    """
    folder = run / name
    with _locked(run / f"{name}.start"):
        if not folder.exists():
            folder.mkdir()
            _start_keeper(folder, module)
        outcome = _wait_for(folder / _OUTCOME, deadline)
    if "error" in outcome:
        raise RuntimeError(f"The server {name} did not start: {outcome['error']}")
    return outcome


def keep(folder: Path, start: Callable[[], Mapping[str, Any]], stop: Callable[[], None]) -> None:
    """Start a server, tell the workers what `start` returned, and stop it when the run has ended."""
    try:
        outcome = start()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        outcome = {"error": str(error)}
    unfinished = folder / f"{_OUTCOME}.new"
    unfinished.write_text(json.dumps(outcome))
    unfinished.replace(folder / _OUTCOME)
    with _locked(folder.parent / _RUN):
        stop()
        shutil.rmtree(folder)
        # Where pytest was killed, nobody else is left to do it.
        if not any(other.is_dir() for other in folder.parent.iterdir()):
            shutil.rmtree(folder.parent)


def _start_keeper(folder: Path, module: str) -> None:
    with (folder / _KEEPER).open("a") as lock, (folder / "keeper.log").open("ab") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        keeper = subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is not meant for it
            pass_fds=[lock.fileno()],  # the lock is held for as long as it lives
        )
    _started.append(keeper)


def _wait_for(outcome: Path, deadline: float) -> Mapping[str, Any]:
    end = time.monotonic() + deadline
    while not outcome.exists():
        # A keeper that died has said why in its log.
        if _free(outcome.with_name(_KEEPER)) or time.monotonic() > end:
            raise RuntimeError(outcome.with_name("keeper.log").read_text()[-2000:])
        time.sleep(0.05)
    found: Mapping[str, Any] = json.loads(outcome.read_text())
    return found


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _free(lock: Path) -> bool:
    try:
        with lock.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    return True
