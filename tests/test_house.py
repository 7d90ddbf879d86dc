"""The floors of the house: what may import what, and what nobody loads before it is needed."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "s3_assets"
FLOORS = (
    {
        *(
            "broken_files",
            "errors",
            "interruptions",
            "location",
            "asset_words",
            "relative_path",
            "windows",
            "progress",
            "embedded",
        ),
        "local_disk",
        *("collector", "made_once", "metrics", "telemetry", "threads"),
    },
    {
        *(
            "connection",
            "objects",
            "object_answers",
            "object_heads",
            "object_listings",
            "object_limits",
            "object_options",
            "object_requests",
        ),
        *("dropped_options", "pending", "pending_file", "uploads", "copier"),
    },
    {"tables"},
    {"checks"},
    {"incremental", "engines"},
    {"movement", "explore", "exports", "media"},
    {"registry", "permissions", "notifications"},
    {
        "definitions",
        "builder",
        "partitions",
        "components",
        "decorator",
        "generated",
        "specs",
        "users_code",
        "assets",
        "media_assets",
        "export_assets",
        "export_metadata",
        "export_runs",
        "io_managers",
        "sensors",
        "schedules",
        "asset_checks",
        "check_events",
        "resources",
        "automation",
        "aws_resources",
        "metadata",
        "users_assets",
        "observing",
    },
    {"cli", "__main__"},
)
DAGSTER_FLOOR = 7
# Dagster's nouns serve each other, and are one room.
ONE_ROOM_FLOORS = (DAGSTER_FLOOR,)
HEAVY = {"polars", "deltalake", "obstore", "pyarrow", "boto3", "botocore"}
FILES = sorted(PACKAGE.rglob("*.py"))


@dataclass(frozen=True)
class Import:
    module: str
    line: int
    at_load: bool
    """Whether it happens as soon as the file is imported."""


def imports(tree: ast.Module) -> Iterator[Import]:
    yield from _walk(tree, at_load=True)


def _walk(node: ast.AST, *, at_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, at_load) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            # `from package import name` may mean a module: both spellings are judged.
            yield Import(child.module or "", child.lineno, at_load)
            yield from (
                Import(f"{child.module}.{alias.name}", child.lineno, at_load) for alias in child.names
            )
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _walk(child, at_load=False)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for statement in child.body:
                yield from _walk(ast.Module([statement], []), at_load=False)
            for statement in child.orelse:
                yield from _walk(ast.Module([statement], []), at_load=at_load)
        else:
            yield from _walk(child, at_load=at_load)


@cache
def read(path: Path) -> list[Import]:
    return list(imports(ast.parse(path.read_text())))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor(name: str) -> int:
    for number, names in enumerate(FLOORS):
        if name in names:
            return number
    pytest.fail(f"s3_assets.{name} stands on no floor: add it to FLOORS, as DESIGN says where")


def own(module: str) -> str | None:
    """The room that an imported name of this package belongs to."""
    parts = module.split(".")
    return parts[1] if parts[0] == "s3_assets" and len(parts) > 1 else None


def place(path: Path, found: Import) -> str:
    return f"{path.relative_to(PACKAGE.parent)}:{found.line} imports {found.module}"


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.fixture(params=[path for path in FILES if path != PACKAGE / "__init__.py"], ids=name_of)
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_imports_go_down(file: Path) -> None:
    here = floor(room(file))
    wrong = [
        place(file, found)
        for found in read(file)
        if (target := own(found.module)) and target != room(file) and floor(target) > here
    ]

    assert wrong == []


def test_embedded_server_is_for_the_command_line(file: Path) -> None:
    allowed = {"cli", "embedded"}
    wrong = [
        place(file, found)
        for found in read(file)
        if own(found.module) == "embedded" and room(file) not in allowed
    ]

    assert wrong == []


@pytest.mark.parametrize("number", [number for number in range(len(FLOORS)) if number not in ONE_ROOM_FLOORS])
def test_rooms_of_one_floor_do_not_need_each_other_in_circles(number: int) -> None:
    graph: dict[str, set[str]] = {name: set() for name in FLOORS[number]}
    for path in FILES:
        if room(path) in graph:
            targets = {own(found.module) for found in read(path)}
            graph[room(path)] |= {name for name in targets if name in graph and name != room(path)}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"floor {number}: {' -> '.join(error.args[1])}")


def test_dagster_stays_on_its_floors(file: Path) -> None:
    wrong = [
        place(file, found)
        for found in read(file)
        if found.module.partition(".")[0].startswith("dagster") and floor(room(file)) < DAGSTER_FLOOR
    ]

    assert wrong == []


def test_engines_are_imported_inside_functions(file: Path) -> None:
    wrong = [
        place(file, found)
        for found in read(file)
        if found.at_load and found.module.partition(".")[0] in HEAVY
    ]

    assert wrong == []


def test_no_private_modules_of_others(file: Path) -> None:
    wrong = [
        place(file, found)
        for found in read(file)
        if own(found.module) is None
        and any(part.startswith("_") and not part.startswith("__") for part in found.module.split("."))
    ]

    assert wrong == []


def test_nothing_names_what_is_internal_to_dagster() -> None:
    """Neither code nor configuration nor an example of the docs, here and beside the package."""
    # In pieces, so that this file does not name it either.
    internal = re.compile(r"\b(dagster\w*|dg)(\.\w+)*\." + r"_[a-z]")
    clone = PACKAGE.parent
    folders = ("benchmarks", "demo", "deploy", "docs", "s3_assets", "scripts", "tests")
    files = [each for name in folders for each in (clone / name).rglob("*")] + list(clone.iterdir())
    wrong = [
        f"{path.relative_to(clone)}: {found[0]}"
        for path in files
        if path.suffix in {".md", ".py", ".sh", ".toml", ".yaml", ".yml"} and path.is_file()
        for found in [internal.search(path.read_text(encoding="utf-8"))]
        if found
    ]

    assert wrong == []
    assert internal.search("from dagster." + "_core import x")
    assert internal.search("dg." + "_core")


def test_no_relative_imports(file: Path) -> None:
    tree = ast.parse(file.read_text())

    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level] == []


LIGHT = [
    name
    for name in ("s3_assets", "s3_assets.registry", "s3_assets.connection", "s3_assets.embedded.server")
    if (PACKAGE.parent / Path(*name.split("."))).exists()
    or (PACKAGE.parent / Path(*name.split("."))).with_suffix(".py").exists()
]


@pytest.mark.parametrize("module", LIGHT)
def test_import_loads_no_engine(module: str) -> None:
    program = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert {*loaded} & (HEAVY | {"dagster"}) == set()


def test_setup_needs_the_standard_library_only() -> None:
    """`-S` leaves installed packages out, as on a machine where nothing is installed yet."""
    program = "import s3_assets.embedded.virtual_environment"

    subprocess.run([sys.executable, "-S", "-c", program], cwd=PACKAGE.parent, check=True)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import polars", [("polars", True)]),
        ("def f():\n  import polars", [("polars", False)]),
        ("class C:\n  import polars", [("polars", True)]),
        ("try:\n  import polars\nexcept ImportError: ...", [("polars", True)]),
        ("if TYPE_CHECKING:\n  import polars\nelse:\n  import boto3", [("polars", False), ("boto3", True)]),
        ("from a import b", [("a", True), ("a.b", True)]),
    ],
)
def test_the_walk_itself(source: str, expected: list[tuple[str, bool]]) -> None:
    assert [(found.module, found.at_load) for found in imports(ast.parse(source))] == expected
