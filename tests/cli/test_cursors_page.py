"""docs/cursors.md: every command is run, and prints what is shown but for numbers and the bucket's name."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.test_readme import CLONE, PROMPT, assert_accepted, blocks

PAGE = CLONE / "docs" / "cursors.md"
COMMANDS, PLAN, HISTORY, RESET = [each.text for each in blocks(PAGE)]
ASKED = "Type yes to go on [no]:"


def shape(text: str) -> list[str]:
    """The lines without what differs from run to run."""
    plain = re.sub(r"\d+", "9", re.sub(r"s3://[^/]+/", "s3://bucket/", text))
    return [" ".join(line.split()) for line in plain.splitlines() if line.strip() and line != ASKED]


def shown(block: str) -> list[str]:
    return shape(block.partition("\n")[2])


def words(lines: list[str]) -> list[str]:
    return sorted(" ".join(lines).split())


@pytest.mark.parametrize("line", COMMANDS.splitlines())
def test_the_commands_are_there(line: str) -> None:
    program, *arguments = shlex.split(line.removeprefix(PROMPT), comments=True)

    assert program == "s3-assets"
    assert_accepted(arguments)


def test_they_print_what_is_shown(run: Command, registry: Path, land: Callable[..., None]) -> None:
    def call(block: str, *more: str) -> list[str]:
        program, *arguments = shlex.split(block.splitlines()[0].removeprefix(PROMPT))
        assert program == "s3-assets"
        answer: Answer = run(*arguments, *more)
        assert answer.code == 0, answer.err
        # What is asked goes to the other stream.
        return shape(answer.err if more else answer.out)

    land("2026-01-05", 2)
    land("2026-01-06", 3)
    assert run("import", "orders").code == 0
    land("2026-01-07", 2)
    assert call(PLAN) == shown(PLAN)
    assert run("import", "orders").code == 0
    assert call(RESET, "--yes") == shown(RESET)
    # The terminal of the tests is narrower, and breaks its cells.
    assert words(call(HISTORY)) == words(shown(HISTORY))
