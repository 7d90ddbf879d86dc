"""Text files: format, charset, dialect and formats from the beginnings of some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.errors import UnsupportedError
from s3_assets.explore import values
from s3_assets.explore.delimited import guess_delimited
from s3_assets.explore.findings import Finding, TextGuess
from s3_assets.explore.kinds import read_json, require_text
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.explore.charsets import Charset
    from s3_assets.explore.kinds import JsonText
    from s3_assets.explore.samples import Sample


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
    found = _json([each for each in jsons if each]) if all(jsons) else guess_delimited(with_text, texts)
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
