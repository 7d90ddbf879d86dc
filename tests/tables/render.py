"""What every format can do as a page of the documents."""

import ast
from pathlib import Path

from s3_assets.tables.open import capabilities
from s3_assets.tables.table import Capability
from tests.tables.conformance import CATALOGS, FORMATS
from tests.tables.formats import Format

DOCUMENT = Path(__file__).parents[2] / "docs" / "formats.md"
SUITE = ("test_conformance.py", "test_windows_written.py", "test_conformance_on_ceph.py")
_HEAD = """\
# What each format can do

Every format is one table protocol behind one conformance suite (`tests/tables`): the tests are the same for
all, other software writes what is read, and reads what is written. What a format cannot do it declares, and a
test that needs it is skipped with that reason; nothing else is skipped.
`python -m tests.tables.render` writes this page, and a test compares it.
"""
_MEANING = {
    Capability.READ_ADDED: "reads only what was added since a consumer's last run",
    Capability.READ_CHANGES: "reads inserts, updates and deletes",
    Capability.TIME_TRAVEL: "reads a version or a time of the past",
    Capability.WRITE_WINDOW: "overwrites whole partitions, and nothing beside them",
    Capability.TRANSACTIONS: "takes rows and cursor in one commit: appends exactly once",
}


def rendered() -> str:
    """The whole page."""
    lines = [_HEAD, "| | means |", "|---|---|"]
    lines += [f"| {capability} | {meaning} |" for capability, meaning in _MEANING.items()]
    lines += ["", f"| | {' | '.join(Capability)} | tests |", "|---" * (len(Capability) + 2) + "|"]
    for each in (*FORMATS, *CATALOGS):
        able = capabilities(each.settings())
        marks = " | ".join("yes" if capability in able else "-" for capability in Capability)
        lines.append(f"| {each.name} | {marks} | {_cases(each)} |")
    lines += [
        "",
        "## What is not the same after it was stored",
        "",
        "| format | type | why |",
        "|---|---|---|",
    ]
    lines += [
        f"| {each.name} | {name} | {why} |"
        for each in (*FORMATS, *CATALOGS)
        for name, why in each.lost_types.items()
    ]
    lines += ["", "## Cases that are skipped", "", "| format | needs | why not |", "|---|---|---|"]
    lines += [
        f"| {each.name} | {name} | {why} |"
        for each in (*FORMATS, *CATALOGS)
        for name, why in each.lacks.items()
    ]
    return "\n".join(lines) + "\n"


def _cases(each: Format) -> str:
    found = [needs for name in SUITE for needs in _tests(Path(__file__).parent / name)]
    ran = sum(not needs & set(each.lacks) for needs in found)
    return f"{ran} of {len(found)}"


def _tests(file: Path) -> list[set[str]]:
    """What each test of a file needs."""
    found = []
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = [call for call in node.decorator_list if isinstance(call, ast.Call)]
            names = [call for call in marks if ast.unparse(call.func) == "pytest.mark.needs"]
            found.append({ast.literal_eval(argument) for call in names for argument in call.args})
    return found


if __name__ == "__main__":
    DOCUMENT.write_text(rendered())
