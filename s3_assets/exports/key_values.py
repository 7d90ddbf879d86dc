"""What the macros of a key stand for in one run, and how free texts are written into a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from datetime import datetime

KEPT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:=,@")
"""What a free text keeps beside letters and digits of other scripts: names of Hive folders and moments."""
HIDING = frozenset("._")
"""Readers of folders take names that begin so for hidden, and we for our own."""
ESCAPE = "!"
"""Before the two hexadecimal digits of a byte. Safe in keys, unlike the percent sign; templates lack it."""

# The namespace of all ids: any constant will do, as long as it stays what it is.
_NAMESPACE = UUID("6b0f1a3e-0d6c-5b0b-9a51-6d2f8a1c7e44")


@dataclass(frozen=True, kw_only=True)
class StreamNames:
    """What is the same in every run of an export, whose name `stream_name` is."""

    extension: str
    stream_name: str
    target_connection: str
    source_connection: str = ""

    @cached_property
    def connection_id(self) -> UUID:
        """The pair of connections."""
        return uuid5(_NAMESPACE, f"connection {self.source_connection} -> {self.target_connection}")

    @cached_property
    def stream_id(self) -> UUID:
        """The export between its two connections."""
        return uuid5(self.connection_id, self.stream_name)


@dataclass(frozen=True, kw_only=True)
class KeyValues(StreamNames):
    """What one unit of one run puts into a template.

    `moment` is the load time of the run, with its zone; `run` the id of Dagster's run, or any text that is
    new for each run from the command line. `cursor` has a zone: of an incremental export the time up to
    which the source was read, in UTC; of a partition its start, in the zone of the partitions; None where
    there is none, and then the load time stands for it.
    """

    moment: datetime
    run: str
    cursor: datetime | None = None
    partition_key: str | None = None

    def __post_init__(self) -> None:
        for name in ("moment", "cursor"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise SettingError(
                    f"the {name} {value} of an export has no time zone", remedy="Give it one, such as UTC."
                )

    @property
    def load_time(self) -> datetime:
        """The moment of the run, in UTC."""
        return self.moment.astimezone(UTC)

    @cached_property
    def connection_run_id(self) -> UUID:
        """The run, of all its streams: Dagster's own id, so that people find it there."""
        try:
            return UUID(self.run)
        except ValueError:
            return uuid5(_NAMESPACE, f"run {self.run}")

    @cached_property
    def stream_run_id(self) -> UUID:
        """This export in this run.

        Its last 12 digits are those of the stream: ids of two streams are never equal, whatever their runs.
        """
        drawn = uuid5(self.connection_run_id, str(self.stream_id))
        return UUID(bytes=drawn.bytes[:10] + self.stream_id.bytes[10:], version=5)


def written(text: str) -> str:
    """Write a free text, such as a partition key, so that it stays within one segment of a key.

    Letters, digits and `- _ . : = , @` stay as they are, every other character becomes `!` and two digits
    for each byte of its UTF-8: `a/b c` becomes `a!2Fb!20c`. So does a `.` or `_` at the beginning.
    No two texts become one. Raises `SettingError` for an empty text, and for one that is no Unicode.
    """
    if not text:
        raise SettingError(
            "the partition key of an export is empty", remedy="Give partitions keys with text."
        )
    try:
        return "".join(
            char if kept(char) and (index or char not in HIDING) else _escaped(char)
            for index, char in enumerate(text)
        )
    except UnicodeEncodeError:
        raise SettingError(
            f"the partition key {text!r} is no Unicode text", remedy="Give partitions keys with text."
        ) from None


def kept(char: str) -> bool:
    """Tell whether a character of a free text stays as it is."""
    return char in KEPT or (not char.isascii() and char.isalnum())


def _escaped(char: str) -> str:
    return "".join(f"{ESCAPE}{byte:02X}" for byte in char.encode())
