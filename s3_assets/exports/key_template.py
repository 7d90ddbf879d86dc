"""Templates of keys: a text with macros in braces, read once and rendered for each file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from s3_assets.errors import SettingError
from s3_assets.exports.key_values import HIDING, KeyValues, written
from s3_assets.exports.macros import MACROS, PART, PART_DIGITS, PARTITION_KEY, TIMES, Clock

__all__ = ["MAX_KEY_BYTES", "KeyPattern", "KeyTemplate", "KeyValues", "Macro", "Text"]

MAX_KEY_BYTES = 1024
"""Amazon S3 User Guide, "Naming Amazon S3 objects"; of the whole key, in UTF-8."""

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<macro>[^{}]*)\}|(?P<brace>[{}])|(?P<text>[^{}]+)")


@dataclass(frozen=True)
class Text:
    """A piece of a template that is written as it stands."""

    text: str


@dataclass(frozen=True)
class Macro:
    """A piece of a template that stands for something else, by its name."""

    name: str


@dataclass(frozen=True)
class KeyPattern:
    """The keys of one unit: what stands before, between and after the part numbers."""

    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{{{PART}}}".join(self.texts)

    @property
    def prefix(self) -> str:
        """What all of the keys begin with."""
        return self.texts[0]

    @property
    def open(self) -> bool:
        """Whether there is a part number, and so more than one key."""
        return len(self.texts) > 1

    def key(self, part: int) -> str:
        """Return the key of a part; raises `SettingError` for one that has too many digits."""
        if not 0 <= part < 10**PART_DIGITS:
            raise SettingError(
                f"part {part} has more than {PART_DIGITS} digits",
                remedy="Let split make larger files, so that there are fewer.",
            )
        return f"{part:0{PART_DIGITS}}".join(self.texts)

    def matches(self, key: str) -> bool:
        """Tell whether a key is one of these."""
        number = rf"(?P<{PART}>[0-9]{{{PART_DIGITS}}})"
        expression = re.escape(self.texts[0])
        for index, text in enumerate(self.texts[1:]):
            expression += (rf"(?P={PART})" if index else number) + re.escape(text)
        return re.fullmatch(expression, key) is not None


@dataclass(frozen=True)
class KeyTemplate:
    """A template of keys, by its pieces."""

    pieces: tuple[Text | Macro, ...]

    @classmethod
    def parse(cls, text: str) -> KeyTemplate:
        """Read a template: `{date}` is a macro, `{{` and `}}` are braces.

        Raises `SettingError` for a macro that is unknown, and for a brace without its other one.
        """
        found: list[Text | Macro] = []
        for token in _TOKEN.finditer(text):
            if token["brace"]:
                place = f"at character {token.start() + 1}"
                raise SettingError(
                    f"'{text}' has a '{token['brace']}' without the other brace, {place}",
                    remedy="Close macros, as in {date}.",
                )
            if token["macro"] is None:
                found.append(Text(token["text"] or token[0][0]))
            elif token["macro"] in MACROS:
                found.append(Macro(token["macro"]))
            else:
                raise _unknown(token["macro"])
        return cls(tuple(found))

    def __str__(self) -> str:
        return "".join(
            f"{{{piece.name}}}"
            if isinstance(piece, Macro)
            else piece.text.replace("{", "{{").replace("}", "}}")
            for piece in self.pieces
        )

    @cached_property
    def macros(self) -> frozenset[str]:
        """The names of the macros in it."""
        return frozenset(piece.name for piece in self.pieces if isinstance(piece, Macro))

    def render(self, values: KeyValues, part: int) -> str:
        """Return the key of a part, below the prefix of its export.

        Raises `SettingError` for a part of more than five digits, a partition key that is missing, and a key
        that is too long, or has a segment that is empty or begins with `.` or `_`.
        """
        return self.pattern(values).key(part)

    def pattern(self, values: KeyValues) -> KeyPattern:
        """Return the keys of all parts; raises as `render` does."""
        texts = [""]
        for piece in self.pieces:
            if isinstance(piece, Text):
                texts[-1] += piece.text
            elif piece.name == PART:
                texts.append("")
            else:
                texts[-1] += self._value(piece.name, values)
        pattern = KeyPattern(tuple(texts))
        _refuse_bad(pattern.key(0))
        return pattern

    def _value(self, name: str, values: KeyValues) -> str:
        if name in TIMES:
            macro = TIMES[name]
            cursor = values.cursor if macro.clock is Clock.CURSOR else None
            return macro.write(cursor or values.load_time)
        if name == PARTITION_KEY:
            if values.partition_key is None:
                raise SettingError(
                    f"the key '{self}' has {{{PARTITION_KEY}}}, and this is no run of a partition",
                    remedy="Run the export for a partition, or take the macro out.",
                )
            return written(values.partition_key)
        return str(getattr(values, name))


def _unknown(name: str) -> SettingError:
    close = get_close_matches(name.strip().lower(), sorted(MACROS), n=1)
    known = ", ".join(f"{{{each}}}" for each in sorted(MACROS))
    remedy = f"Did you mean {{{close[0]}}}?" if close else f"There are {known}."
    return SettingError(f"there is no macro {{{name}}}", remedy=remedy)


def _refuse_bad(key: str) -> None:
    size = len(key.encode())
    if size > MAX_KEY_BYTES:
        raise SettingError(
            f"the key '{key}' has {size:,} bytes, and S3 takes {MAX_KEY_BYTES:,}",
            remedy="Write a shorter one.",
        )
    # A segment that begins with a dot or an underline is hidden, or ours; '.' and '..' are among them.
    bad = next((each for each in key.split("/") if not each or each[0] in HIDING), None)
    if bad is not None:
        raise SettingError(
            f"the key '{key}' has the segment '{bad}': one is empty, or begins with '.' or '_'",
            remedy="Write it otherwise.",
        )
