"""The matrix as a page of the documents."""

from collections import Counter
from pathlib import Path

from tests.connection.matrix.cells import BRIDGED, ENGINES, How, Row
from tests.connection.matrix.options import ROWS as OPTIONS
from tests.connection.matrix.ways import ROWS as WAYS

DOCUMENT = Path(__file__).parents[3] / "docs" / "connection-matrix.md"
ROWS: tuple[Row, ...] = (*WAYS, *OPTIONS)
_HEAD = """\
# Ways and options in every engine

Each cell is a test (`tests/connection/matrix`): the engine writes and reads through a connection with that
setting, and what is named under "seen" is looked for at a real server behind it.
`python -m tests.connection.matrix.render` writes this page, and a test compares it.

| cell | means |
|---|---|
| itself | the engine is told in its own words, and asks for new credentials by itself |
| obstore | PyIceberg reads and writes through obstore, with a `FileIO` of ours |
| credential endpoint | delta-rs asks an endpoint of ours on loopback for credentials, again and again |
| gateway | the engine talks to a gateway of ours on loopback, which signs anew and does the rest |
| AWS's client | whole objects go through AWS's S3 Encryption Client |
| refused | the registry is not loaded, and the error says what to use instead |
"""


def rendered() -> str:
    """The whole page."""
    counts = Counter(row.how[engine] for row in ROWS for engine in ENGINES)
    cells = sum(counts.values())
    bridged = sum(counts[how] for how in BRIDGED)
    each = ", ".join(f"{counts[how]} by {how}" for how in How if how in BRIDGED)
    total = f"{len(ROWS)} rows, {len(ENGINES)} engines, {cells} cells"
    split = f"{counts[How.ITSELF]} itself, {bridged} bridged ({each}), {counts[How.REFUSED]} refused"
    lines = [_HEAD, f"{total}: {split}."]
    for section in dict.fromkeys(row.section for row in ROWS):
        lines += [
            "",
            f"## {section}",
            "",
            f"| | {' | '.join(ENGINES)} | seen |",
            "|---" * (len(ENGINES) + 2) + "|",
        ]
        lines += [
            f"| {row.name} | {' | '.join(row.how[engine] for engine in ENGINES)} | {row.seen} |"
            for row in ROWS
            if row.section == section
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(rendered())
