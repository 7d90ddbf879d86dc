"""What the code never does: each would make an input of somebody's more than data."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("s3_assets", "scripts", "demo", "deploy", "benchmarks")
    for path in (CLONE / folder).rglob("*.py")
)
# Channels between processes of one program, which nobody else writes to; a pipe to a child is the first.
PIPES = {
    *("s3_assets/connection/loopback.py", "s3_assets/connection/loopback_server.py"),
    # Ray's channel between a driver and its workers, which are one program.
    *("s3_assets/engines/packing.py", "s3_assets/engines/ray/worker.py"),
}

CALLS = {
    # YAML's loaders that make objects of tags; `yaml.compose` and `yaml.parse` make nodes alone.
    *(
        f"yaml.{name}"
        for name in ("load", "load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all")
    ),
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "tempfile.mktemp"),
    *("pickle.load", "pickle.loads", "marshal.load", "marshal.loads", "shelve.open"),
    *("ssl._create_unverified_context", "urllib3.disable_warnings"),
}
NAMES = {
    "CERT_NONE",
    "UnsafeLoader",
    "FullLoader",
    "CFullLoader",
    "CUnsafeLoader",
    "UnsafeConstructor",
    "extractall",
}
# An argument, and the value that it never has.
ARGUMENTS = {
    "shell": (True,),
    "verify": (False, ""),
    "check_hostname": (False,),
    "allow_invalid_certificates": (True, "true"),
}


_SEARCHED = "|".join(re.escape(name) for name in (*CALLS, *NAMES, *ARGUMENTS))
WORDS = re.compile(rf"\b(?:{_SEARCHED})\b|invalid_certificates")


def spelled(node: ast.expr) -> str:
    """The dotted name of what is called, as far as it is one."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{spelled(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        for what in _faults_of(node):
            yield getattr(node, "lineno", 0), what


def _faults_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        if spelled(node.func) in CALLS:
            yield spelled(node.func)
        for each in node.keywords:
            value = each.value.value if isinstance(each.value, ast.Constant) else ...
            if any(value is found for found in ARGUMENTS.get(each.arg or "", ())):
                yield f"{each.arg}={value!r}"
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield node.attr
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is False:
        names = (target.attr for target in node.targets if isinstance(target, ast.Attribute))
        yield from (f"{name} = False" for name in names if name in ARGUMENTS)
    elif isinstance(node, ast.Dict):
        for key, found in zip(node.keys, node.values, strict=True):
            name = str(key.value) if isinstance(key, ast.Constant) else ""
            value = str(found.value) if isinstance(found, ast.Constant) else ""
            # Polars' name of it and delta-rs's, of which one is translated to the other.
            if name.endswith("allow_invalid_certificates") and value not in ("false", f"aws_{name}"):
                yield f"{name}: {value}"


@cache
def found_in(path: Path) -> tuple[tuple[int, str], ...]:
    text = path.read_text(encoding="utf-8")
    # Most files have none of the words, and need not be parsed.
    return tuple(faults(ast.parse(text))) if WORDS.search(text) else ()


def test_nothing_of_it_is_anywhere() -> None:
    wrong = [
        f"{path.relative_to(CLONE)}:{line}: {what}"
        for path in FILES
        for line, what in found_in(path)
        if not (what.startswith("pickle.") and path.relative_to(CLONE).as_posix() in PIPES)
    ]

    assert wrong == []
    assert len(FILES) > 400


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("yaml.load(text, Loader=yaml.CLoader)", ["yaml.load"]),
        ("yaml.compose(text, Loader=yaml.CSafeLoader)", []),
        ("yaml.compose(text, Loader=yaml.UnsafeLoader)", ["UnsafeLoader"]),
        ("eval(text); column.list.eval(element)", ["eval"]),
        ("subprocess.run(text, shell=True)", ["shell=True"]),
        ("requests.get(url, verify=False)", ["verify=False"]),
        ("requests.get(url, verify=path)", []),
        ("context.check_hostname = False", ["check_hostname = False"]),
        ("context.verify_mode = ssl.CERT_NONE", ["CERT_NONE"]),
        ('{"aws_allow_invalid_certificates": "true"}', ["aws_allow_invalid_certificates: true"]),
        ('{"allow_invalid_certificates": "false"}', []),
        ("archive.extractall(folder)", ["extractall"]),
    ],
)
def test_the_search_itself(source: str, expected: list[str]) -> None:
    assert [what for _, what in faults(ast.parse(source))] == expected
