"""Text files: format, charset, dialect and formats from the beginnings of some of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s3_assets.errors import UnsupportedError
from s3_assets.explore import values
from s3_assets.explore.dialects import Spelling, find_dialect, read
from s3_assets.explore.findings import Finding, count
from s3_assets.explore.kinds import read_json, require_text
from s3_assets.explore.shape import find_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from s3_assets.explore.charsets import Charset
    from s3_assets.explore.dialects import Reading
    from s3_assets.explore.kinds import JsonText
    from s3_assets.explore.samples import Sample
    from s3_assets.explore.shape import Shape

_USUAL = 0.9
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces", ":": "colons"}


@dataclass
class TextGuess:
    """The settings of a text table other than the defaults, as far as its text tells them."""

    format: str
    settings: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    types: dict[str, pl.DataType] = field(default_factory=dict)
    """Of delimited text: the columns that have values, and their types."""

    def set(self, name: str, value: object, default: object) -> None:
        """Keep a setting that is not the default."""
        if value != default:
            self.settings[name] = value


def guess_text(samples: Sequence[Sample]) -> TextGuess:
    """Return how the text files are read; raises `UnsupportedError` where they are no table."""
    with_text = [each for each in samples if each.data.strip()]
    if not with_text:
        raise UnsupportedError(
            "the files that were looked at have no text",
            remedy="Name a file that has rows.",
            location=samples[0].place if samples else None,
        )
    charset = _charset(with_text)
    texts = {each.place: each.text(charset) for each in with_text}
    for place, text in texts.items():
        require_text(text, place)
    jsons = [read_json(texts[each.place], whole=each.whole) for each in with_text]
    found = _json([each for each in jsons if each]) if all(jsons) else _delimited(with_text, texts)
    found.set("charset", charset.setting, "auto")
    found.findings[:0] = [
        _packing(with_text),
        Finding("charset", f"charset: {charset.evidence}", charset.doubt),
    ]
    return found


def _charset(samples: Sequence[Sample]) -> Charset:
    """Return the charset that reads all: one that has to be named comes before those that need not."""
    found = [each.charset for each in samples]
    named = [each for each in found if each.setting != "auto"]
    return named[0] if named else found[0]


def _packing(samples: Sequence[Sample]) -> Finding:
    kinds = sorted({each.packing for each in samples})
    told = "not packed" if kinds == ["none"] else f"{' and '.join(kinds)}, by the files' first bytes"
    return Finding("compression", f"compression: {told}")


def _json(texts: Sequence[JsonText]) -> TextGuess:
    lines = all(each.lines for each in texts)
    number = sum(len(each.objects) for each in texts)
    found = TextGuess("jsonl" if lines else "json")
    shape = "one to a line" if lines else "in an array" if texts[0].array else "one after the other"
    found.findings.append(Finding("format", f"{count(number, 'JSON object')}, {shape}"))
    if not lines and number == 1:
        found.findings.append(
            Finding(
                "format",
                "one object for a whole file: if its rows are a list inside it, they are one cell",
                doubt=True,
            )
        )
    columns: dict[str, list[str]] = {}
    others: set[str] = set()
    for text in texts:
        for each in text.objects:
            for name, value in each.items():
                if isinstance(value, str):
                    columns.setdefault(name, []).append(value)
                elif value is not None:
                    others.add(name)
    told = values.of_columns(
        {name: of for name, of in columns.items() if name not in others}, delimited=False
    )
    found.set("formats", told.formats, {})
    found.findings += told.findings
    return found


def _delimited(samples: Sequence[Sample], texts: dict[str, str]) -> TextGuess:
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
    samples: Sequence[Sample], texts: dict[str, str], spelling: Spelling, shape: Shape, width: int
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
            and not (shape.comment and record.cells[0].startswith(shape.comment))
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
