"""The dialect of delimited text: most rows have the same number of cells, and cells look like values.

Every candidate reads the same sample with Python's csv module, whose grammar is the reader's own. The idea of
scoring the shape of the rows together with that of the cells is that of van den Burg, Nazábal and Sutton,
"Wrangling messy CSV files by detecting row and type patterns" (2019); the score here is another, simpler one.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from s3_assets.explore.cells import plausibility

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = {
    ",": 1.0,
    "\t": 1.0,
    ";": 1.0,
    "|": 1.0,
    "\x01": 0.95,
    "\x1f": 0.95,
    "^": 0.9,
    "~": 0.9,
    ":": 0.85,
    " ": 0.85,
}
"""Characters that are tried, each with what its score is worth."""

_ROWS, _CHARACTERS = 300, 64 * 1024
_QUOTES = ('"', "'")
_ESCAPE = "\\"
_ONE_COLUMN = 0.02
# Characters of any text: they are delimiters only where every row has as many.
_ORDINARY, _NEARLY_ALL = (" ", ":"), 0.85
_SURELY_BETTER = 1.02


@dataclass(frozen=True)
class Spelling:
    """Delimiter, quote and escape; None where there is none."""

    delimiter: str
    quote: str | None = '"'
    escape: str | None = None


@dataclass(frozen=True)
class Record:
    """A row: the line that it begins at, counted from 0, and its cells."""

    line: int
    cells: list[str]

    def begins(self, marker: str, delimiter: str) -> bool:
        """Tell whether the row begins with a marker, which may hold the delimiter itself."""
        return delimiter.join(self.cells[:2]).startswith(marker)


@dataclass(frozen=True)
class Reading:
    """What a spelling makes of a text: its rows, how many cells most of them have, how many are broken."""

    spelling: Spelling
    records: list[Record]
    broken: int
    width: int

    @property
    def fitting(self) -> list[Record]:
        """The rows that have as many cells as most."""
        return [each for each in self.records if len(each.cells) == self.width]

    @cached_property
    def score(self) -> float:
        """How much the rows look like those of a table; every cell is looked at."""
        fitting = self.fitting
        if not fitting:
            return 0.0
        rows = len(self.records) + self.broken
        known = sum(sum(map(plausibility, each.cells)) for each in fitting) / (len(fitting) * self.width)
        several = (self.width - 1) / self.width if self.width > 1 else _ONE_COLUMN
        worth = DELIMITERS.get(self.spelling.delimiter, 1.0)
        return (len(fitting) / rows) ** 2 * known**2 * math.sqrt(several) * worth


def find_dialect(text: str, *, whole: bool) -> Reading:
    """Return the best reading of the beginning of a text."""
    sample = text[:_CHARACTERS]
    whole = whole and len(sample) == len(text)
    best: Reading | None = None
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        for spelling in _spellings(sample, delimiter):
            found = read(sample, spelling, whole=whole, most=_ROWS)
            if delimiter in _ORDINARY and not _is_regular(found):
                continue
            needed = 1.0 if spelling.escape else _SURELY_BETTER
            if best is None or found.score > best.score * needed:
                best = found
    if best is None or best.width == 1:
        best = read(sample, Spelling(","), whole=whole, most=_ROWS)
    return best


def read(text: str, spelling: Spelling, *, whole: bool, most: int | None = None) -> Reading:
    """Read a text with one spelling; the last row is left out if the text may end inside it."""
    records: list[Record] = []
    broken = 0
    for each in _records(text, spelling):
        if each is None:
            broken += 1
        else:
            records.append(each)
        if most is not None and len(records) > most:
            break
    else:
        if not whole and records:
            records.pop()
    widths = Counter(len(each.cells) for each in records)
    width = max(widths, key=lambda each: (widths[each], each)) if widths else 1
    return Reading(spelling, records, broken, width)


def _is_regular(reading: Reading) -> bool:
    """Tell whether nearly all rows are as wide as most, from the first such row on and without comments."""
    widths = [len(each.cells) for each in reading.records if not each.cells[0].startswith("#")]
    if reading.width not in widths:
        return False
    rows = widths[widths.index(reading.width) :]
    return rows.count(reading.width) >= _NEARLY_ALL * (len(rows) + reading.broken)


def _spellings(text: str, delimiter: str) -> Iterator[Spelling]:
    """Yield what there is a sign of in the text, the usual first."""
    yield Spelling(delimiter)
    opened = re.escape(delimiter)
    quotes = [each for each in _QUOTES if re.search(rf"(?:\A|[\r\n]|{opened}){each}", text)]
    escaped = re.search(r"\\[\"'\\" + re.escape(delimiter) + r"\r\n]", text) is not None
    if "'" in quotes:
        yield Spelling(delimiter, "'")
    if quotes:
        yield Spelling(delimiter, None)
    if escaped:
        for quote in (*quotes, None) if quotes else ('"', None):
            yield Spelling(delimiter, quote, _ESCAPE)


def _records(text: str, spelling: Spelling) -> Iterator[Record | None]:
    r"""Yield the rows, None for each that is broken; lines end at `\n`, `\r` or `\r\n`."""
    lines = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=spelling.delimiter,
        quotechar=spelling.quote,
        quoting=csv.QUOTE_MINIMAL if spelling.quote else csv.QUOTE_NONE,
        escapechar=spelling.escape,
        doublequote=True,
        strict=True,
    )
    while True:
        line = lines.line_num
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error:
            yield None
            continue
        if cells:
            yield Record(line, cells)
