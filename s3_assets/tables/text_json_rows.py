"""Lines of JSON objects as rows; those that cannot be read are found by halves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.tables import text_json_fields
from s3_assets.tables.schemas import instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from s3_assets.tables.text_rows import BadRow, Batch

# `sys.get_int_max_str_digits` has no lower limit: every Python reads as many.
_MOST_DIGITS = 640
# From here on, an integer is of another type than the smaller ones.
_LARGE = 2.0**63

Span = tuple[int, int]
"""Where an object's line starts and ends in its batch."""


class Objects(NamedTuple):
    """The objects of a batch that can be read, as rows, and the others."""

    text: bytes
    """The lines of the objects that can be read."""
    frame: pl.DataFrame
    batch: Batch
    bad: Sequence[BadRow] = ()
    good: Sequence[Span] | None = None

    def spans(self) -> Sequence[Span]:
        """Return where each row's line is in the batch."""
        return _spans(self.batch.text) if self.good is None else self.good


def read(batch: Batch, schema: pl.Schema) -> Objects:
    """Return the rows of the objects; raises nothing for those that cannot be read."""
    frame = _read(batch.text, schema)
    if frame is not None:
        return Objects(batch.text, frame, batch)
    spans = _spans(batch.text)
    wrong = dict(_bad_lines(batch.text, spans, 0, schema))
    bad = [batch.bad(*spans[index], spans[index][0], reason) for index, reason in sorted(wrong.items())]
    good = [span for index, span in enumerate(spans) if index not in wrong]
    text = b"\n".join(batch.text[start:end] for start, end in good)
    frame = _read(text, schema)
    if frame is None:
        raise RuntimeError("lines that can be read one by one cannot be read together")
    return Objects(text, frame, batch, bad, good)


def inferred(lines: Sequence[bytes]) -> pl.DataFrame:
    """Return the objects of a sample's lines, with types that fit them all; lines that are none are left out.

    The last one may be cut off.
    """
    import polars as pl

    for some in _samples(lines):
        text = b"\n".join(some)
        if some and not _has_half_characters(text):
            try:
                return pl.read_ndjson(text, infer_schema_length=None)
            except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
                continue
    good = [line for line in lines if _reason(line, pl.Schema()) is None]
    return pl.read_ndjson(b"\n".join(good), infer_schema_length=None) if good else pl.DataFrame()


def adds_nothing(lines: Sequence[bytes], known: pl.Schema) -> bool:
    """Tell whether a sample's columns and their types are all `known`, at the price of reading it.

    To infer them takes four times as long. False where it is not certain: with nulls, which may be all that
    a column has, with lists, which may be empty, and with integers that are too large for a float.
    """
    import polars as pl

    whole = lines if lines and _may_end(lines[-1]) else lines[:-1]
    if not whole or not all(_is_certain(dtype) for dtype in known.values()):
        return False
    text = b"\n".join(whole)
    frame = _read(text, known)
    if frame is None:
        return False
    large = any((column.abs() >= _LARGE).any() for column in _leaves(frame) if column.dtype == pl.Float64)
    return not large and text_json_fields.all_have_values(text, frame)


def _samples(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield the lines, and without the last one, which may be cut off; if it surely is, that alone."""
    if lines and _may_end(lines[-1]):
        yield lines
    yield lines[:-1]


def _may_end(line: bytes) -> bool:
    return line.rstrip().endswith(b"}")


def _is_certain(dtype: pl.DataType) -> bool:
    import polars as pl

    if isinstance(dtype, pl.Struct):
        return all(_is_certain(instance(field.dtype)) for field in dtype.fields)
    return dtype in {pl.Int64, pl.Float64, pl.Boolean, pl.String}


def _leaves(frame: pl.DataFrame) -> Iterator[pl.Series]:
    import polars as pl

    for column in frame:
        if isinstance(column.dtype, pl.Struct):
            yield from _leaves(column.struct.unnest())
        else:
            yield column


def _has_half_characters(text: bytes) -> bool:
    """Tell whether there may be half of a character, which the parser takes for a whole one."""
    return b"\\" in text and b"\\ud" in text.lower()


def _read(text: bytes, schema: pl.Schema) -> pl.DataFrame | None:
    """Return the objects of the lines, if every one can be read."""
    import polars as pl

    if not text or text.isspace():
        return schema.to_frame()
    if _has_half_characters(text):
        return None
    try:
        # A column is needed to count the rows.
        found = pl.read_ndjson(text, schema=schema or {"": pl.String()})
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None
    return found if schema else pl.DataFrame(height=found.height)


def _spans(text: bytes) -> list[Span]:
    spans = []
    start = 0
    for line in text.split(b"\n"):
        if line.strip():
            spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def _bad_lines(
    text: bytes, spans: Sequence[Span], first: int, schema: pl.Schema
) -> Iterator[tuple[int, str]]:
    """Find the lines that cannot be read, by halves."""
    if _read(b"\n".join(text[start:end] for start, end in spans), schema) is not None:
        return
    if len(spans) == 1:
        reason = _reason(text[slice(*spans[0])], schema)
        if reason:
            yield first, reason
        return
    half = len(spans) // 2
    yield from _bad_lines(text, spans[:half], first, schema)
    yield from _bad_lines(text, spans[half:], first + half, schema)


def _reason(line: bytes, schema: pl.Schema) -> str | None:  # noqa: PLR0911 - one return for each fault
    import polars as pl

    try:
        found = json.loads(line.decode(), parse_int=_whole)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        return f"bytes that are no text, at character {error.start + 1} of the row"
    except UnicodeEncodeError:
        return "half of a character that takes two escapes"
    except json.JSONDecodeError as error:
        return f"no JSON: {error.msg}, at character {error.pos + 1} of the row"
    except RecursionError:
        return "it is nested too deeply"
    if not isinstance(found, dict):
        return f"a JSON {type(found).__name__} instead of an object"
    try:
        pl.read_ndjson(line, schema=schema or {"": pl.String()})
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError) as error:
        return _with_field(str(error), found, schema)
    return None


def _whole(digits: str) -> float:
    """Return a number; one that is longer than Python reads (4,300 digits) as a float, which is infinite."""
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def _with_field(error: str, found: dict[str, object], schema: pl.Schema) -> str:
    """Say which field it is, as the parser does not."""
    import polars as pl

    for name, dtype in schema.items():
        if name in found:
            alone = json.dumps({name: found[name]}).encode()
            try:
                pl.read_ndjson(alone, schema={name: dtype})
            except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
                return f"field '{name}': {error}"
    return error
