"""The macros of key templates: what each stands for, and how its text is made.

Names and formats are those of FEATURES 5.2; `{cursor_singular_date_time}` is spelled as in there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

PART_DIGITS = 5
"""A part number has so many digits, so that the files of a unit sort by it."""

_FIELD = re.compile(r"%(?P<field>[YmdHMS])|(?P<text>.)", re.DOTALL)
_WIDTHS = {"Y": 4}


class Clock(StrEnum):
    """The moment that a macro of time writes."""

    LOAD = "load"
    CURSOR = "cursor"


@dataclass(frozen=True)
class TimeMacro:
    """A macro that writes a moment, or a part of it."""

    clock: Clock
    text: str
    """As strftime takes it; of its fields only %Y %m %d %H %M %S."""
    utc: bool = False
    """Its text says that it is UTC; else the moment's own zone is written."""

    def write(self, moment: datetime) -> str:
        """Write the moment, which has a zone."""
        return write_moment(self.text, moment.astimezone(UTC) if self.utc else moment)

    @property
    def fields(self) -> frozenset[str]:
        """The fields of the moment that can be told from its text."""
        return frozenset(piece.field for piece in pieces(self.text) if piece.field)


@dataclass(frozen=True)
class Piece:
    """A character of a text of strftime, or a field of it with its number of digits."""

    text: str
    field: str = ""
    width: int = 1


_ISO = "%Y-%m-%dT%H:%M:%SZ"
_JOINED = "%Y_%m_%d_%H_%M_%S"

TIMES: dict[str, TimeMacro] = {
    "date_time": TimeMacro(Clock.LOAD, _JOINED),
    "timestamp": TimeMacro(Clock.LOAD, _JOINED),
    "iso_date_time": TimeMacro(Clock.LOAD, _ISO, utc=True),
    "date": TimeMacro(Clock.LOAD, "%Y_%m_%d"),
    "iso_date": TimeMacro(Clock.LOAD, "%Y-%m-%d"),
    "year": TimeMacro(Clock.LOAD, "%Y"),
    "month": TimeMacro(Clock.LOAD, "%m"),
    "day": TimeMacro(Clock.LOAD, "%d"),
    "hour": TimeMacro(Clock.LOAD, "%H"),
    "minute": TimeMacro(Clock.LOAD, "%M"),
    "second": TimeMacro(Clock.LOAD, "%S"),
    "cursor_year": TimeMacro(Clock.CURSOR, "%Y"),
    "cursor_month": TimeMacro(Clock.CURSOR, "%m"),
    "cursor_day": TimeMacro(Clock.CURSOR, "%d"),
    "cursor_date_time": TimeMacro(Clock.CURSOR, _JOINED),
    "cursor_iso_date_time": TimeMacro(Clock.CURSOR, _ISO, utc=True),
    "cursor_singular_date_time": TimeMacro(Clock.CURSOR, "%Y-%m-%d-%H-%M-%S"),
}
NAMED = frozenset({"extension", "stream_id", "stream_name", "connection_id"})
"""What is the same in every run of an export."""
RUNS = frozenset({"connection_run_id", "stream_run_id"})
PARTITION_KEY = "partition_key"
PART = "part"

MACROS = frozenset({*TIMES, *NAMED, *RUNS, PARTITION_KEY, PART})


def pieces(text: str) -> Iterator[Piece]:
    """Take a text of strftime apart."""
    for found in _FIELD.finditer(text):
        field = found["field"] or ""
        yield Piece(found["text"] or "", field, _WIDTHS.get(field, 2) if field else 1)


def write_moment(text: str, moment: datetime) -> str:
    """Write a moment, every field with all its digits: strftime leaves some out of years before 1000."""
    values = {
        "Y": moment.year,
        "m": moment.month,
        "d": moment.day,
        "H": moment.hour,
        "M": moment.minute,
        "S": moment.second,
    }
    return "".join(
        f"{values[piece.field]:0{piece.width}}" if piece.field else piece.text for piece in pieces(text)
    )
