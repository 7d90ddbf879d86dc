"""Where the rows of a text begin: lines before the header, comments, and the header itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.explore.cells import NULLS, kind
from s3_assets.progress import count

if TYPE_CHECKING:
    from s3_assets.explore.dialects import Reading, Record

_MARKERS = ("#", "# ", "//", "--", "%", "!", "*", ";")
_MOST_COMMENTS = 0.5
_NAME = re.compile(r"[^\W\d][\w .:/#%()\[\]-]{0,62}")
_TYPICAL = 0.8


class Shape(NamedTuple):
    """Lines to skip, the marker of comments, the header's cells (None: there is none), and the evidence."""

    skip_lines: int
    comment: str | None
    header: list[str] | None
    fitting: int
    rows: int
    """Rows as wide as most, and all, with the header and without lines before it and comments."""
    evidence: tuple[str, ...]
    doubt: bool


def find_shape(reading: Reading) -> Shape:
    """Return how the rows of a text begin, and why."""
    delimiter = reading.spelling.delimiter
    comment, told = _comment(reading)
    rows = [each for each in reading.records if comment is None or not each.begins(comment, delimiter)]
    skip, first = _preamble(rows, reading.width)
    if skip:
        told.append(f"{count(skip, 'line')} before the table, which do not have {reading.width} cells")
    fitting = [each.cells for each in rows[first:] if len(each.cells) == reading.width]
    is_header, why, doubt = find_header(fitting)
    told.append(why)
    header = fitting[0] if is_header and fitting else None
    return Shape(skip, comment, header, len(fitting), len(rows) - first, tuple(told), doubt)


def _comment(reading: Reading) -> tuple[str | None, list[str]]:
    """Find the marker of lines that are no rows: they begin alike, and have another number of cells."""
    rows, delimiter = reading.records, reading.spelling.delimiter
    for marker in _MARKERS:
        marked = [each for each in rows if each.begins(marker, delimiter)]
        if not marked or len(marked) > _MOST_COMMENTS * len(rows):
            continue
        if all(len(each.cells) != reading.width for each in marked):
            lines = f"{count(len(marked), 'line')}, the first of them line {marked[0].line + 1}"
            return marker, [f"comment: {marker!r} begins {lines}"]
    return None, []


def _preamble(rows: list[Record], width: int) -> tuple[int, int]:
    """Return how many lines, and how many rows, stand before the first row of the table's width."""
    if width == 1 or not rows:
        return 0, 0
    first = next((index for index, each in enumerate(rows) if len(each.cells) == width), 0)
    return (rows[first].line if first else 0), first


def find_header(rows: list[list[str]]) -> tuple[bool, str, bool]:
    """Tell whether the first row has the names of the columns, why, and whether that is in doubt."""
    if not rows:
        return True, "header: there is no row to compare with", True
    first, body = rows[0], rows[1:]
    named = [cell for cell in first if cell.strip()]
    if len(set(first)) < len(first) or len(named) < len(first) - 1:
        return False, "no header: the first row repeats or lacks a name", False
    if not body:
        return True, "header: there is no row below to compare with", True
    over = [_votes(first[column], [row[column] for row in body]) for column in range(len(first))]
    for_it, against = over.count(1), over.count(-1)
    if for_it or against:
        if for_it > against:
            return True, f"header: {for_it} of its names stand over values of another kind", bool(against)
        told = f"no header: {against} values of the first row are of the same kind as those below"
        return False, told, bool(for_it)
    return _by_names(first, body)


def _votes(name: str, values: list[str]) -> int:
    """Return 1 if the first cell is no value of its column, -1 if it is one, 0 if that cannot be told."""
    kinds = [kind(value) for value in values if value.strip() and value.strip() not in NULLS]
    if not kinds:
        return 0
    usual = max(sorted(set(kinds)), key=kinds.count)
    if usual == "text" or kinds.count(usual) < _TYPICAL * len(kinds):
        return 0
    if name.strip() in NULLS or not name.strip():
        return 0
    return -1 if kind(name) == usual else 1


def _by_names(first: list[str], body: list[list[str]]) -> tuple[bool, str, bool]:
    """All columns are text: names are short words that no row below has."""
    values = [{row[column] for row in body} for column in range(len(first))]
    again = [name for name, below in zip(first, values, strict=True) if name in below]
    if again:
        return False, f"no header: {again[0]!r} of the first row is among the values below", True
    words = [name for name in first if _NAME.fullmatch(name)]
    if len(words) == len(first):
        return True, "header: all columns are text, and the first row reads like names", True
    return False, "no header: all columns are text, and the first row does not read like names", True
