"""What one cell of a text table looks like, without knowing its column."""

from __future__ import annotations

import re

NULLS = (
    "NULL", "null", "Null", "\\N", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NAN", "None", "none", "nil",
    "<NULL>", "<null>", "(null)", "-", "--", "?", ".",
)  # fmt: skip
"""Spellings of a missing value, where the rest of a column is something else than text."""

TELLING_NULLS = ("\\N", "NULL", "null", "#N/A", "<NULL>", "<null>", "(null)")
"""Those that are no word of a text."""

_NUMBER = re.compile(r"[+-]?(\d{1,3}([.,' ]\d{3})+|\d+)?([.,]\d+)?([eE][+-]?\d+)?%?")
_DATE = re.compile(
    r"""
      \d{4}[-/.]\d{1,2}[-/.]\d{1,2}                       # 2026-01-31
    | \d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})               # 31.01.2026
    | \d{1,2}[-/\ ][A-Za-z]{3,9}[-/\ ,]+\d{2,4}           # 31 January 2026
    | ([A-Za-z]{3},?\ )?[A-Za-z]{3,9}\ +\d{1,2},?\ .*\d{4} # Sat Jan 31 12:00:00 2026
    | [A-Za-z]{3},\ \d{1,2}\ [A-Za-z]{3}\ \d{4}.*          # Sat, 31 Jan 2026 12:00:00
    | \d{8}T\d{4,6}Z?                                    # 20260131T120000Z
    """,
    re.VERBOSE,
)
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?")
# Punctuation is followed by a space or ends a line; a delimiter is not.
_INNER = re.compile(r"[,;|^~\t\x01\x1f](?=\S)")
_ESCAPED = re.compile(r"\\(\W|$)")
_BOOLEANS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})
_NAMED = re.compile(
    r"(\w+://|/|[A-Za-z]:\\)\S*|\S+@\S+\.\w+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)


def kind(cell: str) -> str:
    """Return empty, number, moment, boolean or text."""
    text = cell.strip()
    if not text:
        return "empty"
    if text.lower() in _BOOLEANS:
        return "boolean"
    if _NUMBER.fullmatch(text) and any(each.isdigit() for each in text):
        return "number"
    date = _DATE.match(text)
    if date is not None:
        rest = text[date.end() :].lstrip("T ,:-_")
        if not rest or _TIME.fullmatch(rest):
            return "moment"
    return "moment" if _TIME.fullmatch(text) else "text"


def plausibility(cell: str) -> float:
    """Return how much a cell looks like one value: 1 for a number, less for text, 0 for half a cell."""
    if kind(cell) != "text":
        return 1.0
    text = cell.strip()
    if text in NULLS or _NAMED.fullmatch(text):
        return 1.0
    if (text[0] in "\"'") != (text[-1] in "\"'") or (text[0] in "\"'" and len(text) > 1):
        return 0.0
    if _ESCAPED.search(text):
        return 0.2
    if _INNER.search(text):
        return 0.4
    return 0.8
