"""JSON that remembers on which line each value stands, for errors in files that people write."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from s3_assets.errors import SettingError

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_DEEPEST = 100

Path = tuple[str | int, ...]
"""Names and positions that lead to a value."""


@dataclass
class PlacedJson:
    """A JSON value, and the line of every value inside."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)
    trailing_commas: list[int] = field(default_factory=list)
    """Lines of commas with nothing behind them, which JSON does not have and people write."""

    def line(self, path: Path) -> int:
        """Return the line of the value, or of the nearest one around it that is there."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_json(text: str, place: str) -> PlacedJson:
    """Read a JSON text; a comma behind the last value is taken note of, and nothing else is forgiven.

    Raises `SettingError` with line and column for what is no JSON.
    """
    reader = _Reader(text.removeprefix("\ufeff"), place)
    reader.found.value = reader.read(())
    reader.skip()
    if reader.position < len(reader.text):
        raise reader.error("something stands behind the end", "End the file with the last closing bracket.")
    return reader.found


class _Reader:
    def __init__(self, text: str, place: str) -> None:
        self.text = text
        self.place = place
        self.position = 0
        self.found = PlacedJson(None)

    def read(self, path: Path) -> Any:  # noqa: ANN401 - any JSON value
        self.skip()
        self.found.lines[path] = self._line(self.position)
        if len(path) > _DEEPEST:
            raise self.error("the brackets are nested too deeply", "Write it flatter.")
        opened = self.text[self.position : self.position + 1]
        if opened == "{":
            return self._object(path)
        if opened == "[":
            return self._array(path)
        return self._scalar()

    def skip(self) -> None:
        """Go on to what is not space."""
        found = _SPACE.match(self.text, self.position)
        self.position = found.end() if found else self.position

    def error(self, found: str, remedy: str, position: int | None = None) -> SettingError:
        at = self.position if position is None else position
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        return SettingError(
            f"this is not JSON: {found}", remedy=remedy, location=f"{self.place}:{self._line(at)}:{column}"
        )

    def _object(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._more("}", first=not found):
            start = self.position
            name = self._scalar() if self.text[start : start + 1] == '"' else None
            if not isinstance(name, str):
                raise self.error("a name in double quotes is missing", 'Write it as "name": value.', start)
            self.skip()
            if self.text[self.position : self.position + 1] != ":":
                raise self.error(f'there is no colon behind "{name}"', "Put one there.")
            self.position += 1
            found[name] = self.read((*path, name))
        return found

    def _array(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while self._more("]", first=not found):
            found.append(self.read((*path, len(found))))
        return found

    def _more(self, end: str, *, first: bool) -> bool:
        """Step over what is between two values; tell whether another one follows."""
        if first:
            self.position += 1
        self.skip()
        comma = not first and self.text[self.position : self.position + 1] == ","
        line = self._line(self.position)
        if comma:
            self.position += 1
            self.skip()
        if self.text[self.position : self.position + 1] == end:
            if comma:
                self.found.trailing_commas.append(line)
            self.position += 1
            return False
        if self.position >= len(self.text):
            raise self.error(f"the file ends before a closing {end}", f"Add {end}.")
        if not first and not comma:
            raise self.error("there is no comma between two values", "Put one there.")
        return True

    def _scalar(self) -> Any:  # noqa: ANN401 - any JSON value
        try:
            value, self.position = _DECODER.raw_decode(self.text, self.position)
        except json.JSONDecodeError as error:
            told = error.msg[:1].lower() + error.msg[1:]
            raise self.error(told, "Mend this place.", error.pos) from None
        return value

    def _line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1
