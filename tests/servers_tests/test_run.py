"""One gateway for a whole run, gone with it however it ends; and what is said where a program is missing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import forward_proxy, gateway, programs
from tests.servers.run_folder import REPOSITORY

TESTS = """
import os
import time
from pathlib import Path

def pids(run_folder):
    return [path.read_text().strip() for path in run_folder.glob("rgw/cluster-*/run/*.pid")]

def note(rgw, run_folder, name):
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    told = [rgw.endpoint, str(run_folder), *pids(run_folder), *children]
    unfinished = Path(__file__).with_name(name + ".new")
    unfinished.write_text(" ".join(told))
    unfinished.rename(unfinished.with_suffix(".told"))

def test_one(rgw, run_folder):
    note(rgw, run_folder, "one")

def test_two(rgw, run_folder, forward_proxy, identity):
    note(rgw, run_folder, "two")
    {ending}
"""


CLUSTER = 3
"""Monitor, store and gateway."""
# tinyproxy, its two fronts, and the identity server.
OTHERS = 4


@pytest.fixture
def _all_programs() -> None:
    programs.need(*gateway.PROGRAMS, *forward_proxy.PROGRAMS)


@contextmanager
def run(folder: Path, text: str, *options: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A run of pytest of its own, on one file and with the plugin alone."""
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.servers.plugin", "-p", "no:cacheprovider"]
    with subprocess.Popen(
        [*command, *options, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def told(folder: Path, name: str, deadline: float = 60.0) -> list[str]:
    """What a test of the other run noted: endpoint, folder, processes."""
    end = time.monotonic() + deadline
    path = folder / f"{name}.told"
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return path.read_text().split()


def gone(pid: str) -> bool:
    # In a container nobody may take note of the end of a daemon.
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return "State:\tZ" in status


def wait_until_gone(folder: str, pids: list[str], deadline: float = 30.0) -> list[str]:
    """What is still there in the end."""
    end = time.monotonic() + deadline
    while True:
        left = [pid for pid in pids if not gone(pid)] + ([folder] if Path(folder).exists() else [])
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


@pytest.mark.usefixtures("_all_programs")
def test_workers_share_one_gateway_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with run(tmp_path, TESTS.replace("{ending}", "assert False"), "-n", "2") as process:
        output, _ = process.communicate(timeout=120)
    one, two = told(tmp_path, "one"), told(tmp_path, "two")

    assert "1 failed, 1 passed" in output
    shared = 2 + CLUSTER
    assert one[:shared] == two[:shared]
    assert len(two) >= shared + OTHERS
    assert wait_until_gone(one[1], [*one[2:], *two[2:]], deadline=0) == []


@pytest.mark.usefixtures("_all_programs")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_from_outside_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    with run(tmp_path, TESTS.replace("{ending}", "time.sleep(300)")) as process:
        _, folder, *pids = told(tmp_path, "two")
        before = [pid for pid in pids if gone(pid)]
        # As a terminal does it: to the whole group.
        os.killpg(process.pid, ending)
        process.communicate(timeout=60)

    assert before == []
    assert len(pids) >= CLUSTER + OTHERS
    assert wait_until_gone(folder, pids) == []


@pytest.mark.parametrize(
    ("ci", "expected"), [("false", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_a_missing_program_is_a_line_and_in_ci_a_failure(
    monkeypatch: pytest.MonkeyPatch, ci: str, expected: type[Exception]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(programs, "find", lambda program: None if program == "tinyproxy" else "/bin/true")

    programs.need("haproxy", "openssl")
    with pytest.raises(expected) as told:
        programs.need("tinyproxy", "haproxy")

    line = "tinyproxy is not installed: apt-get install --no-install-recommends tinyproxy-bin"
    assert told.value.msg == line  # type: ignore[attr-defined] # both of pytest's exceptions have it


def test_the_summary_counts_what_ran_and_what_could_not(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.servers import programs\nprograms.find = lambda program: None\n"
    )
    text = "def test_one(forward_proxy): ...\ndef test_two(identity): ...\ndef test_three(identity): 1 / 0\n"

    with run(tmp_path, text, "-n", "2", CI="false") as process:
        output, _ = process.communicate(timeout=60)

    assert "tinyproxy (forward_proxy): 1 skipped, not installed" in output
    assert "(identity): 1 failed, 1 ran" in output
    assert "1 failed, 1 passed, 1 skipped" in output
