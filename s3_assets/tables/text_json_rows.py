"""Lines of JSON objects as rows; those that cannot be read are found by halves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from s3_assets.tables.text_rows import BadRow, Batch

# `sys.get_int_max_str_digits` has no lower limit: every Python reads as many.
_MOST_DIGITS = 640

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

    for some in (lines, lines[:-1]):
        text = b"\n".join(some)
        if some and not _has_half_characters(text):
            try:
                return pl.read_ndjson(text, infer_schema_length=None)
            except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
                continue
    good = [line for line in lines if _reason(line, pl.Schema()) is None]
    return pl.read_ndjson(b"\n".join(good), infer_schema_length=None) if good else pl.DataFrame()


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
