"""Help that is printed without loading the commands: the same as they print, and when it is not used."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3_assets.cli import entry, prepared
from s3_assets.cli.main import application
from scripts.commands import DATA, PAGE, data, nodes
from scripts.commands_page import page

COMMANDS = list(prepared.commands())
GROUPS = [name for name, command in prepared.commands().items() if "commands" in command]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal's width, and nothing that says anything of colours."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TERMINAL_WIDTH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def printed(capfd: pytest.CaptureFixture[str]) -> Callable[[list[str]], tuple[int, str]]:
    """What the program answers without loading a command."""

    def answer(arguments: list[str]) -> tuple[int, str]:
        capfd.readouterr()
        code = entry.answer(arguments)
        return code, f"{capfd.readouterr().out.rstrip()}\n"

    return answer


@pytest.fixture
def whole_way(capfd: pytest.CaptureFixture[str]) -> Callable[[list[str]], tuple[int, str]]:
    """What Typer and the commands answer."""

    def answer(arguments: list[str]) -> tuple[int, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            application(args=arguments, prog_name=entry.NAME)
        code = end.value.code
        # Asked for by an option, Typer's help ends with an empty line.
        return (code if isinstance(code, int) else 1), f"{capfd.readouterr().out.rstrip()}\n"

    return answer


@pytest.mark.parametrize("coloured", [False, True], ids=["plain", "coloured"])
def test_it_is_what_the_commands_print(
    coloured: bool,
    printed: Callable[..., Any],
    whole_way: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this fails, `make commands` writes it anew."""
    if coloured:
        monkeypatch.setenv("FORCE_COLOR", "1")

    for name in COMMANDS:
        arguments = [*name.split(), "--help"]
        assert printed(arguments) == whole_way(arguments), name


def test_the_page_says_what_the_commands_say() -> None:
    """If this fails, `make commands` writes docs/commands.md anew."""
    assert PAGE.read_text(encoding="utf-8") == page(nodes())


def test_no_command_is_missing() -> None:
    """If this fails, `make commands` writes it anew."""
    assert DATA.read_text(encoding="utf-8") == data(nodes())
    assert Path(prepared.FILE) == DATA


@pytest.mark.parametrize("group", GROUPS, ids=lambda name: name or "s3-assets")
def test_groups_alone_print_their_help_as_wrong_usage(
    group: str, printed: Callable[..., Any], whole_way: Callable[..., Any]
) -> None:
    code, text = printed(group.split())

    assert (code, text) == whole_way(group.split())
    assert code == 2
    assert "Usage: s3-assets" in text


def test_short_option(printed: Callable[..., Any]) -> None:
    assert printed(["ls", "-h"]) == printed(["ls", "--help"])


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
    ids=str,
)
def test_colours(
    variables: dict[str, str],
    coloured: bool,
    printed: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    _, text = printed(["du", "--help"])

    assert ("\x1b" in text) is coloured


@pytest.mark.parametrize(
    ("path", "variables"),
    [
        (["ls"], {"COLUMNS": "60"}),
        (["ls"], {"TERMINAL_WIDTH": "70"}),
        (["server start"], {}),
        (["imprt"], {}),
    ],
    ids=str,
)
def test_what_was_not_prepared_goes_the_whole_way(
    path: list[str], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert prepared.prepared_help(path, bare=False) is None


def test_a_narrow_terminal_gets_narrow_lines(
    whole_way: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    _, text = whole_way(["ls", "--help"])

    assert {len(line) for line in text.splitlines()} <= {0, 60}


def test_every_exit_code_is_told(printed: Callable[..., Any]) -> None:
    from s3_assets.cli.exits import MEANINGS

    _, text = printed(["--help"])

    flowing = " ".join(text.split())
    assert [f"{code} {told}" for code, told in MEANINGS.items() if f"{code} {told}" not in flowing] == []


def test_version(printed: Callable[..., Any], whole_way: Callable[..., Any]) -> None:
    import tomllib

    project = tomllib.loads((DATA.parents[2] / "pyproject.toml").read_text())["project"]

    assert printed(["--version"]) == (0, f"s3-assets {project['version']}\n")
    assert whole_way(["--version"]) == printed(["--version"])


@pytest.mark.parametrize("arguments", [["--help"], ["import", "--help"], []], ids=" ".join)
def test_nothing_is_loaded_for_it(arguments: list[str]) -> None:
    program = (
        "import sys; from s3_assets.cli.entry import answer\n"
        f"code = answer({arguments!r}); import json; print(json.dumps(sorted(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    loaded = set(json.loads(told.splitlines()[-1]))
    assert {name for name in loaded if name.startswith("s3_assets")} == {
        *("s3_assets", "s3_assets.cli", "s3_assets.cli.entry", "s3_assets.cli.exits"),
        "s3_assets.cli.prepared",
    }
    assert loaded & {"typer", "rich", "click", "typing", "pathlib", "yaml", "pydantic"} == set()
