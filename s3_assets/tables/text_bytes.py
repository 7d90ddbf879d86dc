"""Questions to whole blocks of bytes, answered without a loop in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# Below, a frame library takes longer to start than Python to count.
_FEW = 64 * 1024
_BREAK = ord("\n")


def octets(text: bytes) -> pl.Series:
    """Return the bytes as a column of small integers, without a copy."""
    import polars as pl
    import pyarrow as pa

    return pl.Series(pa.Array.from_buffers(pa.uint8(), len(text), [None, pa.py_buffer(text)]))


def count(text: bytes, octet: bytes) -> int:
    """Count one byte in a text."""
    if len(text) < _FEW:
        return text.count(octet)
    return int((octets(text) == octet[0]).sum())


def quotes_are_plain(text: bytes, delimiter: bytes, quote: bytes) -> bool:
    """Tell whether every quote of whole rows opens a field, closes it, or stands doubled inside one.

    Every other quote is then one that opens: what is before those and behind the others tells.
    """
    whole = octets(b"\n" + text + b"\n")
    quotes = whole.slice(1, len(text)) == quote[0]
    before = whole.slice(0, len(text)).filter(quotes)
    behind = whole.slice(2).filter(quotes)
    return len(before) % 2 == 0 and all(
        _any_of(each, (delimiter[0], quote[0], 10, 13))
        for each in (before.gather_every(2), behind.gather_every(2, 1))
    )


def rows_have(text: bytes, columns: int, delimiter: bytes, quote: bytes) -> bool:
    r"""Tell whether every row has so many fields, and no line is empty.

    All quotes have to be plain, and all rows to end with `\n` or `\r\n`.
    """
    whole = octets(text)
    marks = (whole == delimiter[0]) | (whole == _BREAK)
    if quote and quote in text:
        marked = whole.filter(marks | (whole == quote[0]))
        quotes = marked == quote[0]
        separators = marked.filter(~quotes & (quotes.cum_sum() % 2 == 0))
    else:
        separators = whole.filter(marks)
    if columns == 1:
        return bool((separators == _BREAK).all()) and not _has_empty_lines(text)
    breaks = separators == _BREAK
    # One in so many is a line break, and always the last of them.
    return len(breaks) == breaks.sum() * columns and bool(breaks.gather_every(columns, columns - 1).all())


def _has_empty_lines(text: bytes) -> bool:
    return text.startswith((b"\n", b"\r\n")) or b"\n\n" in text or b"\n\r\n" in text


def _any_of(found: pl.Series, wanted: tuple[int, ...]) -> bool:
    matches = found == wanted[0]
    for octet in wanted[1:]:
        matches |= found == octet
    return bool(matches.all())
