"""A guess as YAML: the entry of a registry, with the evidence for each choice as comments."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from s3_assets.explore.types import type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from s3_assets.explore.findings import Finding, Guess

_WIDTH = 110
_INDENT = "  "
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
# YAML 1.1 reads these as something else than text.
_OTHERWISE = re.compile(r"(?i)true|false|yes|no|on|off|null|y|n")
_NO_NAME = re.compile(r"[^A-Za-z0-9_]+")


def table_entry(name: str, connection: str, guess: Guess, *, indent: str = _INDENT) -> str:
    """Return the lines of a table below `tables:`, with comments.

    Findings that are about a field stand above it, the others above the first.
    """
    settings = {"connection": connection, **_ordered(guess.settings)}
    inner = indent * 2
    lines = [f"{indent}{scalar(name)}:"]
    lines += _comment(guess.looked_at, inner)
    lines += _evidence((each for each in guess.findings if each.about not in settings), inner)
    for field, value in settings.items():
        lines += _evidence((each for each in guess.findings if each.about == field), inner)
        if field == "format" and guess.columns:
            lines += _comment(f"columns: {_columns(guess)}", inner)
        lines += _field(field, value, inner, indent)
    return "\n".join(lines) + "\n"


def connection_entry(name: str, settings: Mapping[str, Any], *, indent: str = _INDENT) -> str:
    """Return the lines of a connection below `connections:`."""
    return plain_entry(name, settings, indent=indent)


def plain_entry(name: str, settings: Mapping[str, Any], *, told: str = "", indent: str = _INDENT) -> str:
    """Return the lines of an entry of any section, with a comment on top if there is something to tell."""
    lines = [f"{indent}{scalar(name)}:", *(_comment(told, indent * 2) if told else ())]
    for field, value in settings.items():
        lines += _field(field, value, indent * 2, indent)
    return "\n".join(lines) + "\n"


def name_of(path: str, bucket: str) -> str:
    """Return a table's name after its place: the last two folders that are neither dates nor partitions."""
    segments = [each for each in path.split("/") if each and "=" not in each and not each.isdigit()]
    return "/".join(map(plain_name, segments[-2:])) or plain_name(bucket)


def plain_name(text: str) -> str:
    """Return a name that a registry takes, as near as may be: letters without their marks."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    marked = "".join(each for each in plain if not unicodedata.combining(each))
    return _NO_NAME.sub("_", marked).strip("_") or "table"


def scalar(value: object) -> str:
    """Write a value as YAML reads it back: text without quotes where that is safe."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and not _OTHERWISE.fullmatch(value)
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, date):  # a timestamp is one as well
        return value.isoformat()
    if isinstance(value, Mapping):
        inside = ", ".join(f"{scalar(key)}: {scalar(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(scalar, value))}]"
    return json.dumps(value)


def _ordered(settings: Mapping[str, Any]) -> dict[str, Any]:
    first = [field for field in ("path", "warehouse_path", "format") if field in settings]
    return {field: settings[field] for field in (*first, *(each for each in settings if each not in first))}


def _field(field: str, value: object, inner: str, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and len(f"{inner}{field}: {scalar(value)}") > _WIDTH:
        yield f"{inner}{field}:"
        for key, each in value.items():
            yield f"{inner}{indent}{scalar(key)}: {scalar(each)}"
        return
    yield f"{inner}{field}: {scalar(value)}"


def _evidence(findings: Iterable[Finding], inner: str) -> Iterator[str]:
    for each in findings:
        yield from _comment(f"in doubt: {each.evidence}" if each.doubt else each.evidence, inner)


def _comment(text: str, inner: str) -> list[str]:
    # One line for each; what a file holds may have line breaks and other signs that YAML has no comments for.
    shown = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
    begin = f"{inner}# "
    return wrap(shown, _WIDTH, initial_indent=begin, subsequent_indent=f"{begin}  ", break_on_hyphens=False)


def _columns(guess: Guess) -> str:
    return ", ".join(f"{name} {type_name(dtype)}" for name, dtype in guess.columns.items())
