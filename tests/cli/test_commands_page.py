"""What docs/commands.md is made of: examples that can be parsed, and one style of all commands."""

import shlex
from typing import Any

import pytest

from scripts.commands import Node, nodes
from scripts.commands_page import examples

COMMANDS = [each for each in nodes() if not each.inside]


@pytest.mark.parametrize("node", COMMANDS, ids=lambda each: each.name)
def test_every_example_can_be_parsed(node: Node) -> None:
    shown = examples(node)

    assert shown
    for line in shown:
        program, *words = shlex.split(line)
        # What a shell does with the output is none of the command's business.
        words = words[: next((index for index, word in enumerate(words) if word in {">", "|"}), len(words))]
        assert program == "s3-assets"
        assert tuple(words[: len(node.path)]) == node.path
        node.command.make_context(node.name, words[len(node.path) :])


@pytest.mark.parametrize("node", COMMANDS, ids=lambda each: each.name)
def test_every_parameter_says_what_it_is(node: Node) -> None:
    assert [each.name for each in node.command.params if not each.help] == []


# What they print is told to a person alone, step by step.
STORIES = {"demo", "dev"}
REACH = ["connection", "endpoint", "region", "profile", "anonymous"]


def test_every_command_tells_programs_as_well() -> None:
    without = {each.name for each in COMMANDS if "output" not in parameters(each)}

    assert without == STORIES


def test_the_same_option_says_the_same_everywhere() -> None:
    told: dict[str, set[str]] = {}
    for node in COMMANDS:
        found = parameters(node)
        shared = {"output", "window", "first", "last", *(REACH if "endpoint" in found else ())}
        for name in shared & set(found):
            told.setdefault(name, set()).add(f"{found[name].opts} {found[name].help}")

    assert {name: texts for name, texts in told.items() if len(texts) > 1} == {}


def test_options_of_a_url_stand_together_and_output_last() -> None:
    for node in COMMANDS:
        names = [each.name for each in node.command.params if each.param_type_name == "option"]
        if "endpoint" in names:
            begin = names.index("connection")
            assert names[begin : begin + len(REACH)] == REACH, node.name
        if "output" in names:
            assert names[-1] == "output", node.name


def parameters(node: Node) -> dict[str, Any]:
    return {each.name: each for each in node.command.params}
