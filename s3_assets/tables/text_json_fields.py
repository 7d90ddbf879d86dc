"""Fields of JSON objects that are no columns: the text is read a second time only if there are some."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from s3_assets.tables.text_bytes import octets

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import polars as pl

_QUOTE, _COLON, _BACKSLASH, _SPACE, _N = b'":\\ n'
_BLANKS = tuple(b" \t\r\n")
_BEFORE, _BEHIND = 3, 2


def fields_besides(text: bytes, frame: pl.DataFrame, known: AbstractSet[str]) -> Counter[str]:
    """Count the values of fields that are no columns, by field (`outer.inner` for those inside others).

    `text` has one object to a line, `frame` is what was read of it, `known` are names that are no news.
    Fields that are null everywhere hold nothing, and do not count.
    """
    import polars as pl

    if _all_were_read(text, frame):
        return Counter()
    found: Counter[str] = Counter()
    try:
        whole = pl.read_ndjson(text, infer_schema_length=None)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        for line in text.split(b"\n"):
            if line.strip():
                found.update(_of_object(json.loads(line, parse_int=str), frame.schema, known))
        return found
    _of_columns(whole.to_struct(), pl.Struct(frame.schema), "", known, found)
    return found


def _all_were_read(text: bytes, frame: pl.DataFrame) -> bool:
    """Tell whether the text has as many keys with a value as values were read: False if it is not certain."""
    keys = _keys(text)
    return keys is not None and keys.with_values == sum(_values(column) for column in frame)


def all_have_values(text: bytes, frame: pl.DataFrame) -> bool:
    """Tell whether every key of the text has a value, and each was read: False if it is not certain."""
    keys = _keys(text)
    return (
        keys is not None
        and keys.all == keys.with_values
        and keys.with_values == sum(_values(column) for column in frame)
    )


class _Keys(NamedTuple):
    all: int
    with_values: int


def _keys(text: bytes) -> _Keys | None:
    """Count the quotes that end a key, and those of them whose value is not null.

    None if a blank or a backslash hides some. The text has one object to a line, and none other.
    """
    # The shortest object with a key is `{"":0}`: three bytes are before its colon, and two behind.
    whole, inner = octets(text), len(text) - _BEFORE - _BEHIND
    if inner <= 0:
        return _Keys(0, 0)
    colons = whole.slice(_BEFORE, inner) == _COLON

    def beside(distance: int) -> pl.Series:
        return whole.slice(_BEFORE + distance, inner).filter(colons)

    first, after = beside(-1), beside(1)
    keys = first == _QUOTE
    blank = _is_blank(first)
    if blank.any():
        second = beside(-2)
        if (blank & (_is_blank(second) | (second == _QUOTE))).any():
            return None
    if b"\\" in text:
        second = beside(-2)
        if (keys & (second == _BACKSLASH) & (beside(-3) == _BACKSLASH)).any():
            return None
        keys &= second != _BACKSLASH
    null = after == _N
    spaced = after == _SPACE
    if spaced.any():
        null |= spaced & (beside(2) == _N)
    return _Keys(int(keys.sum()), int((keys & ~null).sum()))


def _is_blank(found: pl.Series) -> pl.Series:
    blank = found == _BLANKS[0]
    for each in _BLANKS[1:]:
        blank |= found == each
    return blank


def _values(column: pl.Series) -> int:
    """Count the values of a column, and of the fields inside it."""
    return len(column) - column.null_count() + _inner_values(column)


def _inner_values(column: pl.Series) -> int:
    import polars as pl

    if isinstance(column.dtype, pl.Struct):
        return sum(_values(column.struct.field(name)) for name in column.struct.fields)
    if isinstance(column.dtype, pl.List | pl.Array):
        return _inner_values(column.drop_nulls().explode())
    return 0


def _of_columns(
    found: pl.Series, columns: object, path: str, known: AbstractSet[str], counts: Counter[str]
) -> None:
    import polars as pl

    if isinstance(found.dtype, pl.List) and isinstance(columns, pl.List):
        _of_columns(found.drop_nulls().explode(), columns.inner, path, known, counts)
    if not isinstance(found.dtype, pl.Struct) or not isinstance(columns, pl.Struct):
        return
    inner = {each.name: each.dtype for each in columns.fields}
    for name in found.struct.fields:
        each = found.struct.field(name)
        if name in inner:
            _of_columns(each, inner[name], f"{path}{name}.", known, counts)
        elif (path or name not in known) and (values := len(each) - each.null_count()):
            counts[f"{path}{name}"] += values


def _of_object(found: dict[str, Any], columns: pl.Schema, known: AbstractSet[str]) -> Counter[str]:
    """Count the outer fields alone, of one object whose like the parser cannot infer."""
    names = (name for name, value in found.items() if value is not None)
    return Counter(name for name in names if name not in columns and name not in known)
