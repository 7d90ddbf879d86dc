"""Virtual environments, made with what a stock Python offers.

Standard library only, and nothing of this package: `scripts/setup.py` runs it before anything is installed.
"""

import fcntl
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path

PIP_OPTIONS = ("--disable-pip-version-check", "--no-input", "--quiet")
TAIL_LINES = 25


class InstallationError(RuntimeError):
    """An environment could not be made or filled; the message ends with the failed tool's last lines."""


class VirtualEnvironment:
    """A folder with a Python of its own, filled from pinned requirements and remembered by a stamp."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self._stamp = folder / "installed.sha256"

    def current(self, *sources: Path) -> bool:
        """Whether the environment was last filled from these very files, and its Python is the same."""
        return (
            self.python.exists()
            and self._stamp.is_file()
            and self._stamp.read_text() == fingerprint(self.python, *sources)
        )

    def mark(self, *sources: Path) -> None:
        """Remember what the environment was filled from."""
        self._stamp.write_text(fingerprint(self.python, *sources))

    def usable(self) -> bool:
        """Whether its Python starts, is new enough and has pip; which Python runs now does not matter."""
        if not self.python.exists():
            return False
        question = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
        answer = subprocess.run(
            [str(self.python), "-c", question], capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
        return answer.returncode == 0

    def make(self, *, with_pip: bool) -> None:
        """Make the environment anew.

        `with_pip=False` is quicker: installing is left to the pip of the Python that runs now, if it has one.

        Raises:
            InstallationError: this Python can make no environment that something can be installed into.

        """
        host_has_pip = _has_module("pip")
        has_ensurepip = _has_module("ensurepip")
        if _has_module("venv") and host_has_pip and not (with_pip and has_ensurepip):
            run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(self.folder)])
            if with_pip:
                self.install(["pip>=23"], by_host=True)
        elif _has_module("venv") and has_ensurepip:
            run([sys.executable, "-m", "venv", "--clear", str(self.folder)])
        elif tool := _virtualenv_command():
            run([*tool, "--quiet", "--clear", "--python", sys.executable, str(self.folder)])
        else:
            raise InstallationError(_no_way())

    def install(self, arguments: Sequence[str], *, by_host: bool | None = None) -> None:
        """Run `pip install` for this environment; `by_host=None` takes its own pip if it has one.

        Raises:
            InstallationError: pip failed.

        """
        # Compiling afterwards uses every core, pip's own way one.
        run([*self._pip(by_host=by_host), "install", *PIP_OPTIONS, "--no-compile", *arguments])

    def prune(self, kept: AbstractSet[str]) -> None:
        """Uninstall packages whose normalised names are not among those to keep."""
        question = (
            "from importlib.metadata import distributions as d; print(*{one.metadata['Name'] for one in d()})"
        )
        answer = subprocess.run(
            [str(self.python), "-c", question],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        normal = {re.sub(r"[-_.]+", "-", name).lower() for name in answer.stdout.split()}
        if superfluous := sorted(normal - kept):
            run([*self._pip(by_host=None), "uninstall", *PIP_OPTIONS, "--yes", *superfluous])

    def _pip(self, *, by_host: bool | None) -> list[str]:
        if by_host is None:
            by_host = not any(self.folder.glob("lib/python*/site-packages/pip"))
        host_way = [sys.executable, "-m", "pip", "--python", str(self.python)]
        return host_way if by_host else [str(self.python), "-m", "pip"]

    def ensure(self, requirements: Path) -> None:
        """Make and fill the environment, unless it is as the requirements say; processes take turns.

        Raises:
            InstallationError: a tool failed.
            OSError: the folder cannot be written.

        """
        if self.current(requirements):
            return
        with exclusive(self.folder.with_suffix(".lock")):
            # Another process may have made it while this one waited.
            if self.current(requirements):
                return
            self.make(with_pip=False)
            self.install(["--no-deps", "--requirement", str(requirements)])
            self.compile()
            self.mark(requirements)

    def compile(self) -> None:
        """Compile what was installed, so that the first start of each program does not pay for it."""
        packages = [str(folder) for folder in self.folder.glob("lib/python*/site-packages")]
        # Some packages ship templates that are not Python: they are reported, and are not our concern.
        subprocess.run(
            [str(self.python), "-m", "compileall", "-qq", "-j", "0", *packages],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )


def fingerprint(python: Path, *sources: Path) -> str:
    """Return a digest of the files and of the Python: its place, and what it links to."""
    digest = hashlib.sha256(f"{python.absolute()}\n{python.resolve()}\n".encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file while the body runs; others that ask for it wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run(command: Sequence[str]) -> None:
    """Run a command to its end in silence.

    Raises:
        InstallationError: it exited with an error; the message holds its last lines.

    """
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-TAIL_LINES:])
        raise InstallationError(f"{' '.join(command[:6])} … exited with {done.returncode}:\n{tail}")


def _has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _virtualenv_command() -> list[str] | None:
    if _has_module("virtualenv"):
        return [sys.executable, "-m", "virtualenv"]
    command = shutil.which("virtualenv")
    return [command] if command else None


def _no_way() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"{sys.executable} (Python {version}) has neither venv with ensurepip, nor pip, nor virtualenv, "
        f"so nothing can be installed beside it. On Debian and Ubuntu: sudo apt install python3-venv "
        f"(or python{version}-venv)."
    )
