"""Make `.venv` with everything that the project, its tests and its embedded S3 server need.

With `--lean`, without what only tests and documentation need. Runs on a stock Python (standard library
only) and does nothing when nothing has changed.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from s3_assets.embedded.virtual_environment import (  # noqa: E402 - the line above makes it importable
    InstallationError,
    VirtualEnvironment,
    exclusive,
)

LOCK = ROOT / "requirements.lock"
LEAN_LOCK = ROOT / "requirements-lean.lock"
PROJECT = ROOT / "pyproject.toml"
SERVER_LOCK = ROOT / "s3_assets" / "embedded" / "requirements.txt"


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print a line for what the body does, and how long it took."""
    begin = time.monotonic()
    print(f"  {title} ".ljust(52, "."), end=" ", flush=True)
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - begin:5.1f} s", flush=True)


def set_up(environment: VirtualEnvironment, lock: Path) -> None:
    """Bring the project's environment up to the lock; what neither lock names is removed.

    Raises:
        InstallationError: a step failed.

    """
    if not environment.usable():
        with step("environment .venv"):
            environment.make(with_pip=True)
    with step(f"{len(names(lock))} pinned packages"):
        environment.prune(names(LOCK) | {"pip", "setuptools", "s3-assets"})
        environment.install(["--no-deps", "--requirement", str(lock)])
    with step("s3-assets itself, editable"):
        environment.install(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    with step("bytecode"):
        environment.compile()
    environment.mark(lock, PROJECT)


def names(lock: Path) -> set[str]:
    """Return the packages that a lock names."""
    return {line.partition("==")[0] for line in lock.read_text().splitlines() if "==" in line}


def main() -> int:
    """Set up what is missing; the result is the exit code."""
    if sys.version_info < (3, 11):
        print(f"s3-assets needs Python 3.11 or newer, this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    lean = sys.argv[1:] == ["--lean"]
    project = VirtualEnvironment(ROOT / ".venv")
    server = VirtualEnvironment(project.folder / "embedded")

    def ready() -> bool:
        # Whoever has everything has the lean part, too.
        return project.current(LOCK, PROJECT) or (lean and project.current(LEAN_LOCK, PROJECT))

    if ready() and server.current(SERVER_LOCK):
        return 0
    begin = time.monotonic()
    print(f"Setting up s3-assets with Python {sys.version.split()[0]}", flush=True)
    try:
        with exclusive(ROOT / ".venv.lock"):
            if not ready():
                set_up(project, LEAN_LOCK if lean else LOCK)
            if not server.current(SERVER_LOCK):
                with step("embedded S3 server"):
                    server.ensure(SERVER_LOCK)
    except InstallationError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"  ready after {time.monotonic() - begin:.0f} s\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
