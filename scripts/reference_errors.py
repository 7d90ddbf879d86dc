"""The site's page of errors: the tree, and what the code says where it raises each of them."""

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from s3_assets import errors

PACKAGE = Path(errors.__file__).resolve().parent
_ESCAPED = str.maketrans({"|": r"\|", "<": "&lt;", "*": r"\*", "\n": " ", "[": r"\[", "_": r"\_", "`": r"\`"})
_HEAD = """\
# Errors

Each error is a class of `s3_assets.errors`, and a subclass of `S3AssetsError` and of the builtin that fits.
Its message says where it happened, what was found, and what to do: `found`, `remedy`, `connection`, `table`
and `location` have the parts. Below each class stands what the code finds, where it raises that error; `…` is
what differs. What a server answers is translated as [Reaching S3](../connection.md#errors) lists it.

```text
"""


class Said(NamedTuple):
    """What one place in the code says."""

    found: str
    remedy: str


def classes() -> list[type[errors.S3AssetsError]]:
    """Return every error, in the order of their module."""
    return [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, errors.S3AssetsError)
    ]


def page() -> str:
    """Return the page."""
    tree = inspect.cleandoc(errors.__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0]
    said = said_by_the_code()
    sections = "\n".join(_section(each, said.get(each.__name__, [])) for each in classes())
    return f"{_HEAD}{inspect.cleandoc(tree)}\n```\n\n{sections}"


def said_by_the_code() -> dict[str, list[Said]]:
    """Return what the code says of each class, sorted, each sentence once."""
    names = {each.__name__ for each in classes()}
    found: dict[str, set[Said]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "Error(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and (name := _called(node)) in names and node.args:
                sentence = _words(node.args[0])
                remedy = next((_words(each.value) for each in node.keywords if each.arg == "remedy"), "")
                if sentence.strip("… "):
                    found[name].add(Said(sentence, remedy.strip() if remedy.strip("… ") else ""))
    return {name: sorted(each) for name, each in found.items()}


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _words(node: ast.expr) -> str:
    """Return a message as far as it is written down, with … for the rest."""
    return "".join(_pieces(node))


def _pieces(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for each in node.values:
            yield from _pieces(each)
    else:
        yield "…"


def _section(kind: type[errors.S3AssetsError], said: list[Said]) -> str:
    bases = ", ".join(f"`{each.__name__}`" for each in kind.__bases__)
    text = f"## {kind.__name__}\n\n{inspect.getdoc(kind)}\n\nA kind of {bases}.\n"
    if said:
        text += "\n| found | remedy |\n|---|---|\n"
        text += "".join(f"| {_cell(each.found)} | {_cell(each.remedy)} |\n" for each in said)
    return text


def _cell(text: str) -> str:
    return text.translate(_ESCAPED)
