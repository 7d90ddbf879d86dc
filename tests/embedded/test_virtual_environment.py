"""Ways to an environment on machines that lack this or that; the real set-up shows what they install."""

import subprocess
import sys
from pathlib import Path

import pytest

from s3_assets.embedded import virtual_environment
from s3_assets.embedded.virtual_environment import InstallationError, VirtualEnvironment


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have run."""
    found: list[list[str]] = []
    monkeypatch.setattr(virtual_environment, "run", lambda command: found.append(list(command)))
    return found


@pytest.mark.parametrize(
    ("present", "with_pip", "expected"),
    [
        ({"venv", "ensurepip", "pip"}, True, ["venv --clear"]),
        ({"venv", "ensurepip"}, True, ["venv --clear"]),
        ({"venv", "pip"}, True, ["venv --clear --without-pip", "pip --python"]),
        ({"venv", "ensurepip", "pip"}, False, ["venv --clear --without-pip"]),
        ({"venv", "ensurepip"}, False, ["venv --clear"]),
        ({"virtualenv", "venv"}, True, ["virtualenv --quiet"]),
    ],
)
def test_way_is_chosen_by_what_is_there(
    present: set[str],
    with_pip: bool,
    expected: list[str],
    commands: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_environment, "_has_module", present.__contains__)

    VirtualEnvironment(tmp_path).make(with_pip=with_pip)

    assert len(commands) == len(expected)
    for command, beginning in zip(commands, expected, strict=True):
        assert " ".join(command).startswith(f"{sys.executable} -m {beginning}")


def test_no_way_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_environment, "_has_module", {"venv"}.__contains__)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InstallationError, match="apt install python3-venv"):
        VirtualEnvironment(tmp_path).make(with_pip=True)


def test_failure_shows_the_last_lines() -> None:
    program = "import sys; print('first'); [print('line', n) for n in range(30)]; sys.exit(3)"

    with pytest.raises(InstallationError) as raised:
        virtual_environment.run([sys.executable, "-c", program])

    assert "exited with 3" in str(raised.value)
    assert str(raised.value).endswith("line 29")
    assert "first\n" not in str(raised.value)


def test_current_until_a_source_changes(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("six==1.17.0\n")
    environment = VirtualEnvironment(tmp_path / "environment")
    assert not environment.usable()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment.folder)], check=True)
    assert not environment.usable()  # without pip nothing can be brought up to date
    assert not environment.current(requirements)

    environment.mark(requirements)

    assert environment.current(requirements)
    requirements.write_text("six==1.16.0\n")
    assert not environment.current(requirements)


def test_ensure_does_nothing_twice(tmp_path: Path, commands: list[list[str]]) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("six==1.17.0\n")
    environment = VirtualEnvironment(tmp_path / "environment")
    environment.python.parent.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)

    environment.ensure(requirements)
    needed = len(commands)
    environment.ensure(requirements)

    assert needed > 0
    assert len(commands) == needed
