"""Spans of time, and time zones, as a registry writes them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from s3_assets.errors import SettingError
from s3_assets.windows import time_zone

_DURATION = re.compile(r"(?P<count>\d+)(?P<unit>[smhd])")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def _duration(text: object) -> object:
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    return int(found["count"]) * _UNITS[found["unit"]] if found else text


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    # Pydantic's own word for it would refuse 90m in an editor that checks the file.
    WithJsonSchema({"type": ["string", "number"], "examples": ["90s", "15m", "1h", "2d", "PT1H30M"]}),
]
"""A span of time: a number with s, m, h or d behind it, ISO 8601, or a number of seconds."""


def _known_zone(name: str) -> str:
    try:
        time_zone(name)
    except SettingError as error:
        # Pydantic tells of these with the field that they stand in.
        raise ValueError(str(error)) from error
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""The name of an IANA time zone that is known here."""


def readable_duration(span: timedelta) -> str:
    """Return a span as a registry writes it, in the largest unit that leaves no rest: `26h`, `90s`."""
    seconds = round(span.total_seconds())
    for unit in reversed(_UNITS):
        size = int(_UNITS[unit].total_seconds())
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
