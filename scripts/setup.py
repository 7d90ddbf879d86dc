"""Make `.venv` with everything that the project, its tests and its embedded S3 server need.

Runs on a stock Python (standard library only) and does nothing when nothing has changed.
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


def set_up(environment: VirtualEnvironment) -> None:
    """Bring the project's environment up to the lock.

    Raises:
        InstallationError: a step failed.

    """
    if not environment.usable():
        with step("environment .venv"):
            environment.make(with_pip=True)
    names = {line.partition("==")[0] for line in LOCK.read_text().splitlines() if "==" in line}
    with step(f"{len(names)} pinned packages"):
        environment.prune(names | {"pip", "setuptools", "s3-assets"})
        environment.install(["--no-deps", "--requirement", str(LOCK)])
    with step("s3-assets itself, editable"):
        environment.install(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    with step("bytecode"):
        environment.compile()
    environment.mark(LOCK, PROJECT)


def main() -> int:
    """Set up what is missing; the result is the exit code."""
    if sys.version_info < (3, 11):
        print(f"s3-assets needs Python 3.11 or newer, this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    project = VirtualEnvironment(ROOT / ".venv")
    server = VirtualEnvironment(project.folder / "embedded")
    if project.current(LOCK, PROJECT) and server.current(SERVER_LOCK):
        return 0
    begin = time.monotonic()
    print(f"Setting up s3-assets with Python {sys.version.split()[0]}", flush=True)
    try:
        with exclusive(ROOT / ".venv.lock"):
            if not project.current(LOCK, PROJECT):
                set_up(project)
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
