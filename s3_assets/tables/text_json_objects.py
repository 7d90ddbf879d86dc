"""JSON texts as objects, one to a line: out of an array or one after the other, without holding the text."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from s3_assets.tables.text_rows import LONGEST_ROW, BadRow

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\r\n]*")
_BREAKS = str.maketrans("\r\n", "  ")
# Values are found here, not read: a number may have more digits than Python takes for one.
_DECODER = json.JSONDecoder(parse_int=str)


class _Position(NamedTuple):
    line: int
    column: int

    def after(self, text: str) -> _Position:
        breaks = text.count("\n")
        if not breaks:
            return _Position(self.line, self.column + len(text))
        return _Position(self.line + breaks, len(text) - text.rfind("\n"))


def objects_of(
    chunks: Iterator[bytes], *, sampling: bool = False
) -> Iterator[tuple[bytes, list[tuple[int, int]]] | BadRow]:
    """Yield blocks of one value to a line, with the line and column of each; or where the text is no JSON.

    A sample may end anywhere. Bytes that are no UTF-8 stay what they are.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    reader = _Reader()
    for chunk in chunks:
        reader.add(decoder.decode(chunk))
        yield from reader.block()
        if len(reader.text) > LONGEST_ROW:
            break
    if not sampling:
        problem = reader.end()
        if problem is not None:
            yield problem


class _Reader:
    """What was not understood yet of a text, and where it stands."""

    def __init__(self) -> None:
        self.text = ""
        self._at = _Position(1, 1)
        self._array: bool | None = None
        self._closed = False
        self._comma = False
        """Whether a comma or the end of the array has to come next."""

    def add(self, text: str) -> None:
        """Take the next text."""
        self.text += text

    def block(self) -> Iterator[tuple[bytes, list[tuple[int, int]]]]:
        """Yield the values that are whole, if there are any."""
        lines: list[str] = []
        places: list[tuple[int, int]] = []
        position = done = 0
        while True:
            position = self._next(position)
            if position >= len(self.text) or self._closed or self._comma:
                break
            try:
                _, end = _DECODER.raw_decode(self.text, position)
            except (json.JSONDecodeError, RecursionError):
                break
            if end == len(self.text) and self.text[position] not in '{["':
                break  # more digits may follow
            self._at = self._at.after(self.text[done:position])
            done = position
            places.append((self._at.line, self._at.column))
            lines.append(self.text[position:end].translate(_BREAKS))
            position = end
            self._comma = self._array is True
        self._at = self._at.after(self.text[done:position])
        self.text = self.text[position:]
        if lines:
            yield "\n".join(lines).encode("utf-8", "surrogateescape"), places

    def _next(self, position: int) -> int:
        """Skip what stands between values."""
        position = _end_of_space(self.text, position)
        if self._array is None and position < len(self.text):
            self._array = self.text[position] == "["
            if self._array:
                position = _end_of_space(self.text, position + 1)
                if self.text.startswith("]", position):
                    self._closed, position = True, position + 1
        elif self._comma and self.text.startswith(",", position):
            self._comma = False
            position += 1
        elif self._comma and self.text.startswith("]", position):
            self._closed, self._comma = True, False
            position += 1
        return _end_of_space(self.text, position)

    def end(self) -> BadRow | None:
        """Say what is wrong with a text that ends here."""
        rest = self.text.strip()
        if self._array and not self._closed and not rest:
            return BadRow(self._at.line, self._at.column, "the array has no end")
        if not rest:
            return None
        try:
            _DECODER.raw_decode(self.text)
        except json.JSONDecodeError as error:
            at = self._at.after(self.text[: error.pos])
            return BadRow(at.line, at.column, f"no JSON: {error.msg}")
        except RecursionError:
            return BadRow(self._at.line, self._at.column, "a value is nested too deeply")
        return BadRow(self._at.line, self._at.column, "no JSON: something else between or after the values")


def _end_of_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
