"""What a shell is told on TAB: by bash itself, and the same as Typer would tell."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from s3_assets.cli import entry, names, shells
from s3_assets.cli.completion import suggestions
from s3_assets.registry import loading

REGISTRY = """\
connections:
  lake: { url: s3://lake/, auth: { type: access_key, access_key_id: { env: NOWHERE }, secret_access_key: x } }
  landing: { url: s3://landing/ }
tables:
  landing/orders: { connection: landing, path: orders, format: parquet }
  lake/orders: { connection: lake, path: orders, format: delta }
  lake/files: { connection: lake, path: files, format: delta }
imports:
  orders: { source: landing/orders, target: lake/orders }
exports:
  partners/orders: { source: lake/orders, connection: lake, path_prefix: out, format: csv }
media:
  photos: { connection: lake, path: photos, target: lake/files }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below that of a registry."""
    (tmp_path / "s3_assets.yaml").write_text(REGISTRY)
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    return below


def words(line: str) -> list[str]:
    """Return what may follow; the line ends where the cursor stands."""
    *before, last = line.split(" ")
    return [word for word, _ in suggestions(before, last)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("preview lan", ["landing/orders"]),
        ("schema ", ["landing/orders", "lake/orders", "lake/files"]),
        ("preview o", ["orders"]),
        ("import ", ["orders"]),
        ("export ", ["partners/orders"]),
        ("media ", ["photos"]),
        ("check l", ["lake", "landing"]),
        ("ls s3://lake/ --connection ", ["lake", "landing"]),
        ("ls s3://lake/ -c la", ["lake", "landing"]),
        ("history --limit 3 p", ["photos", "partners/orders"]),
        ("cursor reset la", ["landing/orders", "lake/orders", "lake/files"]),
        ("tables --output ", ["table", "json"]),
        ("tables --output=j", ["json"]),
        ("tables --output = j", ["json"]),
        ("tables --output =", ["table", "json"]),
        ("pl", ["plan"]),
        ("server st", ["start", "stop", "status"]),
        ("du --an", ["--anonymous"]),
        ("du --anonymous --an", []),
        ("check --write lake/orders --wr", ["--write"]),
        ("du -- --an", []),
        ("--debug --registry elsewhere.yaml import ", []),
        ("--registry ../s3_assets.yaml import ", ["orders"]),
        ("import orders ", []),
        ("ls s3://bu", []),
        ("nonsense ", []),
    ],
)
def test_what_may_follow(line: str, expected: list[str]) -> None:
    assert words(line) == expected


@pytest.mark.parametrize("text", ["tables: [", "- a\n- b\n", "tables: 3\n", "", "tables: { 1: {}, a: {} }"])
def test_a_registry_that_is_wrong_is_no_error(text: str, folder: Path) -> None:
    (folder.parent / "s3_assets.yaml").write_text(text)

    assert set(names.names(["tables"])) <= {"1", "a"}


def test_it_looks_where_the_registry_is_looked_for() -> None:
    assert (names.FILE_NAME, names.VARIABLE) == (loading.FILE_NAME, loading.VARIABLE)


LINES = [
    "",
    "p",
    "preview l",
    "cursor ",
    "ls --",
    "ls s3://x/ -",
    "guess --out",
    "tables -o ",
    "check --write ",
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_typer_tells_the_same(
    shell: str, line: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from s3_assets.cli.main import application

    *before, last = line.split(" ")
    told = {
        shells.VARIABLE: f"complete_{shell}",
        "COMP_WORDS": "\n".join(["s3-assets", *before, last]),
        "COMP_CWORD": str(len(before) + 1),
        "_TYPER_COMPLETE_ARGS": f"s3-assets {line}",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as end:
        application(args=[], prog_name=entry.NAME)

    assert end.value.code == 0
    ours = shells.completions(os.environ)
    assert ours is not None
    assert offered(ours) == offered(capfd.readouterr().out)


def offered(told: str) -> list[str]:
    """Return the lines of an answer; the order of the names of --help changes with Python's hashes."""
    return sorted(told.replace("_arguments '*: :((", "").replace("))'", "").splitlines())


def test_the_variable_is_the_one_that_typer_reads() -> None:
    assert entry.COMPLETE == shells.VARIABLE


@pytest.fixture
def bash(folder: Path, tmp_path: Path) -> Callable[[str], list[str]]:
    """Press TAB behind a line, in a bash that has loaded the script."""
    program = tmp_path / "bin" / "s3-assets"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m s3_assets "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(Path(entry.__file__).parents[2])}
    script = subprocess.run(
        [str(program)],
        env={**environment, shells.VARIABLE: "source_bash"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    def press(line: str) -> list[str]:
        *before, last = line.split(" ")
        steps = (
            script,
            "complete -p s3-assets >/dev/null",
            f"COMP_WORDS=(s3-assets {' '.join(before)} {last or chr(34) * 2})",
            f"COMP_CWORD={len(before) + 1}",
            "_s3_assets_completion s3-assets",
            'printf "%s\\n" "${COMPREPLY[@]}"',
        )
        done = subprocess.run(
            ["/bin/bash", "--norc", "-c", "\n".join(steps)],
            env=environment,
            capture_output=True,
            check=True,
            text=True,
            cwd=folder,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return press


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="there is no bash on this machine")
def test_bash(bash: Callable[[str], list[str]]) -> None:
    assert bash("preview lan") == ["landing/orders"]
    assert bash("server s") == ["start", "stop", "status"]
    assert bash("import ") == ["orders"]


def test_it_loads_no_command() -> None:
    program = (
        "import os, sys; from s3_assets.cli.entry import answer; answer([]); print(*sorted(sys.modules))"
    )
    variables = {shells.VARIABLE: "complete_bash", "COMP_WORDS": "s3-assets\nimport\n", "COMP_CWORD": "2"}
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **variables, "PYTHONPATH": str(Path(entry.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert told[0] == "orders"
    assert {*told[-1].split()} & {"typer", "rich", "pydantic", "s3_assets.cli.main"} == set()
