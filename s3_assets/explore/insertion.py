"""An entry added to a registry's text, which keeps its comments, its order and its anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

_INDENT = "  "


def insert(text: str, section: str, entry: Callable[[str], str]) -> str:
    """Return the text with an entry behind the last one of the section; `entry` is given its indentation.

    The section is made if there is none. Raises `SettingError` if it is written between braces.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        return f"{_ended(text)}{section}:\n{entry(_INDENT)}"
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _braces("the registry")
    found = next((pair for pair in root.value if pair[0].value == section), None)
    if found is None:
        return f"{_ended(text)}\n{section}:\n{entry(_INDENT)}"
    key, value = found
    if isinstance(value, yaml.MappingNode) and not value.flow_style:
        if value.start_mark.index < key.end_mark.index:
            raise _braces(f"its section '{section}', an alias,")
        # An anchor stands before the first entry, on another line.
        column = int(value.value[0][0].start_mark.column)
        return _after_line(text, _with_comments(text, _last_line(value), column), entry(" " * column))
    if value.start_mark.index != value.end_mark.index:
        raise _braces(f"its section '{section}'")
    return _after_line(text, key.end_mark.line, entry(_INDENT))


def _last_line(node: yaml.Node) -> int:
    """Return the last line that a node's own text stands on, without comments and empty lines behind it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        # An alias is the node that it stands for, which begins further up.
        return max(max(int(key.end_mark.line), _last_line(value)) for key, value in node.value)
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        return max(map(_last_line, node.value), default=node.start_mark.line)
    start, end = int(node.start_mark.line), int(node.end_mark.line)
    # A block of text ends where the next line begins.
    return end - 1 if node.end_mark.column == 0 and end > start else end


def _with_comments(text: str, line: int, column: int) -> int:
    """Return the last line of the comments that follow a line and stand further in than entries do."""
    lines = text.splitlines()
    last = line
    for number in range(line + 1, len(lines)):
        inner = lines[number].lstrip(" ")
        if inner.startswith("#") and len(lines[number]) - len(inner) > column:
            last = number
        elif inner:
            break
    return last


def _after_line(text: str, line: int, entry: str) -> str:
    lines = text.splitlines(keepends=True)
    before = _ended("".join(lines[: line + 1]))
    return before + entry + "".join(lines[line + 1 :])


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _braces(what: str) -> SettingError:
    return SettingError(
        f"{what} is not written with one entry below the other, and cannot be added to",
        remedy="Write it without braces, or add the printed entry by hand.",
    )
