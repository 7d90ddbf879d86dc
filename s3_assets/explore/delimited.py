"""Delimited text: its dialect, how it begins, and the values of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.explore import values
from s3_assets.explore.dialects import find_dialect, read
from s3_assets.explore.findings import Finding, TextGuess
from s3_assets.explore.shape import find_shape
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_assets.explore.dialects import Reading, Spelling
    from s3_assets.explore.samples import Sample
    from s3_assets.explore.shape import Shape

_USUAL = 0.9
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces", ":": "colons"}


def guess_delimited(samples: Sequence[Sample], texts: Mapping[str, str]) -> TextGuess:
    """Return how the samples are read as delimited text; `texts` are theirs, by place."""
    first = max(samples, key=lambda each: len(each.data))
    reading = find_dialect(texts[first.place], whole=first.whole)
    spelling = reading.spelling
    shape = find_shape(reading)
    tabs = spelling.delimiter == "\t"
    found = TextGuess("tsv" if tabs else "csv")
    found.set("delimiter", spelling.delimiter, "\t" if tabs else ",")
    found.set("quote", spelling.quote, '"')
    found.set("escape", spelling.escape, None)
    found.set("header", shape.header is not None, True)  # noqa: FBT003 - a value like the others
    found.set("skip_lines", shape.skip_lines, 0)
    found.set("comment", shape.comment, None)
    found.findings += [_split(reading, shape), *_spelled(spelling, texts[first.place])]
    found.findings += [
        Finding(_about(told), told, shape.doubt and "header" in told) for told in shape.evidence
    ]
    columns, rows = _columns(samples, texts, spelling, shape, reading.width)
    found.findings += rows
    told = values.of_columns(columns, delimited=True)
    found.set("null_values", told.null_values or ("",), ("",))
    found.set("formats", told.formats, {})
    found.findings += told.findings
    found.types = told.types
    return found


def _about(told: str) -> str:
    if "header" in told:
        return "header"
    return "comment" if told.startswith("comment") else "skip_lines"


def _split(reading: Reading, shape: Shape) -> Finding:
    delimiter = reading.spelling.delimiter
    name = _NAMES.get(delimiter, repr(delimiter))
    rows = shape.rows + reading.broken
    if reading.width == 1:
        told = f"one column: no delimiter gives {count(rows, 'row')} the same number of cells"
        return Finding("delimiter", told)
    told = f"{shape.fitting:,} of {count(rows, 'row')} have {reading.width} cells between {name}"
    return Finding("delimiter", told, doubt=shape.fitting < rows * _USUAL)


def _spelled(spelling: Spelling, text: str) -> list[Finding]:
    found = []
    if spelling.quote is None:
        found.append(
            Finding("quote", "quotes are characters like any other: they open cells and do not close them")
        )
    elif spelling.quote != '"':
        found.append(Finding("quote", f"cells stand in {spelling.quote}"))
    if spelling.escape:
        found.append(Finding("escape", f"{spelling.escape} stands before quotes, delimiters or itself"))
    elif "\\\\" in text:
        found.append(
            Finding("escape", "double backslashes may be escaped ones; they are read as two", doubt=True)
        )
    return found


def _columns(
    samples: Sequence[Sample], texts: Mapping[str, str], spelling: Spelling, shape: Shape, width: int
) -> tuple[dict[str, list[str]], list[Finding]]:
    """Return the values of each column in all samples, and what is said of rows that do not fit.

    Files may have their columns in another order.
    """
    columns: dict[str, list[str]] = {}
    rows = broken = 0
    first: str | None = None
    for each in samples:
        found = read(texts[each.place], spelling, whole=each.whole)
        broken += found.broken
        records = [
            record
            for record in found.records
            if record.line >= shape.skip_lines
            and not (shape.comment and record.begins(shape.comment, spelling.delimiter))
        ]
        fitting = [record.cells for record in records if len(record.cells) == width]
        misfit = next((record for record in records if len(record.cells) != width), None)
        if misfit is not None and first is None:
            cells = count(len(misfit.cells), "cell")
            first = f"line {misfit.line + 1} of {each.place} has {cells} instead of {width}"
        broken += len(records) - len(fitting)
        names = [f"column_{number}" for number in range(1, width + 1)]
        if shape.header is not None and fitting:
            names = fitting.pop(0)
        rows += len(fitting)
        for index, name in enumerate(names):
            columns.setdefault(name, []).extend(row[index] for row in fitting)
    told = f"{count(rows, 'row')} looked at"
    if not broken:
        return columns, [Finding("format", f"{told}, none of them broken")]
    where = first or "a quote is not closed where its cell ends"
    return columns, [Finding("on_bad_row", f"{told}, and {broken:,} bad: {where}", doubt=True)]
