"""What is wrong about a template of keys, before anything is written: each with what to do about it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.exports.formats import NAMES
from s3_assets.exports.key_template import MAX_KEY_BYTES, KeyTemplate, Macro, Text
from s3_assets.exports.key_values import ESCAPE, HIDING
from s3_assets.exports.macros import NAMED, PART, PART_DIGITS, PARTITION_KEY, RUNS, TIMES, Clock, pieces
from s3_assets.exports.units import ExportMode
from s3_assets.windows import Every

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.exports.key_values import StreamNames
    from s3_assets.tables.settings import Partitions

__all__ = ["KeyUse", "folder_of", "key_problems"]

# Amazon S3 User Guide, "Naming Amazon S3 objects", characters to avoid; with those that are no text at all.
_AVOIDED = frozenset('\\{}^%`[]"<>~#|')
# Of its characters that might require special handling, and one that it calls safe, those that tools take for
# something else: wildcards of engines and shells, the start of a URL's query, the space of a web form.
_MISTAKEN = {
    "*": "engines and shells take it for a wildcard",
    "?": "URLs take it for the start of their query, engines for a wildcard",
    "+": "tools that decode keys as web forms make it a space",
    ESCAPE: "it marks the characters of partition keys that are written otherwise",
}
_OURS = "_s3_assets"
_NEEDED = {
    Every.HOUR: frozenset("YmdH"),
    Every.DAY: frozenset("Ymd"),
    Every.WEEK: frozenset("Ymd"),
    Every.MONTH: frozenset("Ym"),
}
_DATE, _MOMENT = frozenset("Ymd"), frozenset("YmdHMS")
_UUID_LENGTH = 36


@dataclass(frozen=True)
class KeyUse:
    """What an export does with its keys.

    `several` tells that a unit may have several files, `batches` that one run may commit several times,
    `success` that there is a `_SUCCESS`; `partitions` are the source's, if it has a source with some.
    `folder` is the destination's key: empty, or ending in a slash.
    """

    mode: ExportMode
    names: StreamNames
    folder: str = ""
    several: bool = False
    batches: bool = False
    success: bool = False
    partitions: Partitions | None = None


def key_problems(template: KeyTemplate, use: KeyUse) -> Iterator[str]:
    """Yield what is wrong with a key: its characters, its folders, and that it cannot tell files apart."""
    yield from _characters(template, use.names)
    yield from _segments(template, use.names)
    yield from _length(template, use)
    yield from _ending(template, use.names)
    yield from _telling(template, use)


def folder_of(template: KeyTemplate) -> KeyTemplate:
    """Return the part of a template that tells the folder of its files: up to the last slash."""
    found: list[Text | Macro] = list(template.pieces)
    while found:
        last = found.pop()
        if isinstance(last, Text) and "/" in last.text:
            return KeyTemplate((*found, Text(last.text[: last.text.rindex("/") + 1])))
    return KeyTemplate(())


def _characters(template: KeyTemplate, names: StreamNames) -> Iterator[str]:
    text = "".join(piece.text for piece in template.pieces if isinstance(piece, Text))
    for char in sorted(set(text)):
        if char in _AVOIDED:
            yield f"the key has a {_shown(char)}, which AWS lists among the characters to avoid; take another"
        elif char in _MISTAKEN:
            yield f"the key has a {_shown(char)}: {_MISTAKEN[char]}; take another character"
        elif not char.isprintable():
            yield f"the key has the character {_shown(char)}, which cannot be seen; take it out"
    if text != unicodedata.normalize("NFC", text):
        yield "the key has letters whose accents are characters of their own; write them as one (NFC)"
    segments = _skeleton(template, names).split("/")
    if any(segment != segment.strip(" ") or "  " in segment for segment in segments):
        yield "the key has a space beside another, or at the end of a name, where tools lose it; take it out"


def _segments(template: KeyTemplate, names: StreamNames) -> Iterator[str]:
    text = _skeleton(template, names)
    segments = text.split("/")
    hidden = next((each for each in segments if each[:1] in HIDING), None)
    if not text:
        yield "the key is empty; write one such as {stream_name}/part-{part}.{extension}"
    elif "://" in text:
        yield "the key is a URL; write the path below the connection's url and the path_prefix"
    elif text.startswith("/"):
        yield f"the key begins with a slash; write '{str(template).lstrip('/')}'"
    elif text.endswith("/"):
        yield "the key ends with a slash, and is that of a folder; add a name such as part-{part}.{extension}"
    elif {".", ".."} & set(segments):
        yield "the key has a segment '.' or '..' and may leave its prefix; write it without"
    elif "" in segments:
        yield "the key has two slashes side by side; write one"
    elif _OURS in segments:
        yield f"the key lies below {_OURS}/, where s3-assets keeps manifests and logs; choose another folder"
    elif hidden is not None:
        yield f"the key has the name '{hidden}', which readers of folders take for hidden; begin it otherwise"


def _length(template: KeyTemplate, use: KeyUse) -> Iterator[str]:
    size = len(use.folder.encode()) + sum(_bytes(piece, use) for piece in template.pieces)
    if size > MAX_KEY_BYTES:
        yield f"keys have at least {size:,} bytes, and S3 takes {MAX_KEY_BYTES:,}; write a shorter one"


def _ending(template: KeyTemplate, names: StreamNames) -> Iterator[str]:
    extension = names.extension
    name = _skeleton(template, names).rsplit("/", 1)[-1]
    known = max((each for each in (*NAMES, "gz") if name.endswith(f".{each}")), key=len, default=None)
    packed = known == "gz" and extension.endswith(".gz")
    if known is not None and known != extension and not packed:
        yield f"the key ends in .{known}, and files are {extension}; end it in .{{extension}}"


def _telling(template: KeyTemplate, use: KeyUse) -> Iterator[str]:
    if use.several and PART not in template.macros:
        yield "split makes several files, and the key tells them not apart; put {part} into it"
    if use.batches and PART not in template.macros:
        yield "batch makes several commits of a run, and the key tells them not apart; put {part} into it"
    if use.mode is not ExportMode.PARTITIONS and PARTITION_KEY in template.macros:
        yield f"mode '{use.mode}' has no {{{PARTITION_KEY}}}; take it out, or set mode: partitions"
        return
    if use.mode is ExportMode.PARTITIONS and not _tells_partitions(template, use.partitions):
        yield "the partitions would have one key; put {partition_key} into it"
    elif use.mode is ExportMode.INCREMENTAL and not _tells_runs(template):
        yield (
            "the runs would have one key; put {date_time} or {stream_run_id} into it, or {part} and a date, "
            "such as {date}, and part numbers go on from run to run"
        )
    elif use.success and not _tells_units(template, use):
        yield (
            "several units would share the _SUCCESS of their folder; let the folder tell them apart, as in "
            "{partition_key}/part-{part}.{extension}, or leave success_file out"
        )


def _tells_partitions(template: KeyTemplate, partitions: Partitions | None) -> bool:
    if PARTITION_KEY in template.macros:
        return True
    if partitions is None:
        return False
    # In UTC no moment comes twice.
    if "cursor_iso_date_time" in template.macros:
        return True
    twice = partitions.every is Every.HOUR and partitions.timezone != "UTC"
    return not twice and _NEEDED[partitions.every] <= _fields(template, Clock.CURSOR)


def _tells_runs(template: KeyTemplate) -> bool:
    if _tells_commits(template):
        return True
    return PART in template.macros and any(_fields(template, clock) >= _DATE for clock in Clock)


def _tells_commits(template: KeyTemplate) -> bool:
    return bool(RUNS & template.macros) or any(_fields(template, clock) >= _MOMENT for clock in Clock)


def _tells_units(template: KeyTemplate, use: KeyUse) -> bool:
    """Tell whether the folders of two units are never one."""
    folder = folder_of(template)
    if use.mode is ExportMode.PARTITIONS:
        return _tells_partitions(folder, use.partitions)
    if use.mode is ExportMode.INCREMENTAL:
        return not use.batches and _tells_commits(folder)
    return template.macros - NAMED - {PART} <= folder.macros


def _fields(template: KeyTemplate, clock: Clock) -> frozenset[str]:
    told = (TIMES[name] for name in template.macros & TIMES.keys())
    return frozenset[str]().union(*(each.fields for each in told if each.clock is clock))


def _skeleton(template: KeyTemplate, names: StreamNames) -> str:
    """Return the template with its names, and an x for what a run says, which has no slash."""
    return "".join(
        piece.text
        if isinstance(piece, Text)
        else str(getattr(names, piece.name))
        if piece.name in NAMED
        else "x"
        for piece in template.pieces
    )


def _bytes(piece: Text | Macro, use: KeyUse) -> int:
    """Return how many bytes a piece has at least."""
    if isinstance(piece, Text):
        return len(piece.text.encode())
    if piece.name in TIMES:
        return sum(each.width for each in pieces(TIMES[piece.name].text))
    if piece.name in RUNS:
        return _UUID_LENGTH
    if piece.name == PARTITION_KEY:
        return 1
    return PART_DIGITS if piece.name == PART else len(str(getattr(use.names, piece.name)))


def _shown(char: str) -> str:
    return f"'{char}'" if char.isprintable() else f"U+{ord(char):04X}"
