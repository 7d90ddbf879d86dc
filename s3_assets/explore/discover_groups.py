"""Groups: files, or a log, that seem to be one table or one media set; and how they are told from others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3_assets.explore.discover_folders import DELTA, ICEBERG
from s3_assets.explore.discover_known import Lies
from s3_assets.explore.discover_shapes import (
    MEDIA_FAMILY,
    OTHER_FAMILY,
    UNTOLD_FAMILY,
    are_names,
    extension,
    family,
    is_partition,
    name_expression,
    name_shape,
)
from s3_assets.explore.findings import Finding
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s3_assets.explore.openmetadata import PlacedEntry
    from s3_assets.objects import ObjectInfo

_MOST_APART = 20


@dataclass(frozen=True)
class Paths:
    """Which paths below a folder belong to a group: what they begin with, and what they do not."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @property
    def regex(self) -> str | None:
        """The expression of `path_regex`; None: all paths."""
        if not self.wanted and not self.unwanted:
            return None
        ahead = "".join(f"(?!{each})" for each in self.unwanted)
        if len(self.wanted) == 1:
            return f"^{ahead}{self.wanted[0]}"
        return f"^{ahead}{''.join(f'(?={each})' for each in self.wanted)}"


DIRECT = "[^/]*$"
"""Paths of files that lie in no folder."""


@dataclass(frozen=True)
class Group:
    """Something that becomes an entry: what it is (`delta`, `iceberg`, `media` or a format), and where.

    `files` are some of its files; `folders` are keys of folders seen inside, sampled or not.
    """

    family: str
    prefix: str
    files: tuple[ObjectInfo, ...] = ()
    folders: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    """Names of the folders inside that all its files lie in."""
    paths: Paths = field(default_factory=Paths)
    complete: bool = True
    findings: tuple[Finding, ...] = ()
    told_by: PlacedEntry | None = None
    """The entry of a manifest that means it."""

    @property
    def has_log(self) -> bool:
        """Whether a log says which files belong to it."""
        return self.family in {DELTA, ICEBERG}

    @property
    def is_media(self) -> bool:
        """Whether it is no table."""
        return self.family == MEDIA_FAMILY

    @property
    def lies(self) -> Lies:
        """Where it lies, as entries of a registry are compared with it."""
        return Lies(self.prefix, tuple(each.key for each in self.files), self.is_media, self.has_log)

    @property
    def extensions(self) -> tuple[str, ...]:
        """The endings of its files' names."""
        return tuple(sorted({extension(each.key) for each in self.files}))

    @property
    def by_folder(self) -> dict[str, list[ObjectInfo]]:
        """Its files by the folder directly below its own that they lie in."""
        found: dict[str, list[ObjectInfo]] = {}
        for each in self.files:
            name, slash, _ = each.key.removeprefix(self.prefix).partition("/")
            found.setdefault(f"{self.prefix}{name}{slash}", []).append(each)
        return found

    @property
    def may_be_numbered(self) -> bool:
        """Whether it may be several tables, in folders whose names differ by number and are no values."""
        if self.told_by is not None or self.has_log or self.is_media or self.static or not self.complete:
            return False
        names = [each.removeprefix(self.prefix).rstrip("/") for each in self.by_folder]
        in_folders = all(each.endswith("/") for each in self.by_folder)
        return in_folders and len(names) > 1 and not any(map(is_partition, names))

    @property
    def may_be_several(self) -> bool:
        """Whether each of its files may be a table of its own."""
        return (
            not (self.has_log or self.is_media or self.folders)
            and self.complete
            and len(self.files) <= _MOST_APART
            and are_names([each.key for each in self.files])
        )


def grouped(
    prefix: str,
    files: Sequence[ObjectInfo],
    paths: Paths,
    *,
    complete: bool,
    folders: Sequence[str] = (),
    partitions: frozenset[str] = frozenset(),
) -> tuple[list[Group], list[str]]:
    """Sort files into groups by format, and by the names of folders that are no values; and say what is left.

    `partitions` are keys of folders that divide tables, whatever their names.
    """
    placed: dict[tuple[str, ...], list[ObjectInfo]] = {}
    for each in files:
        placed.setdefault(_static(each.key, prefix, partitions), []).append(each)
    groups, remarks = [], []
    for static, members in sorted(placed.items()):
        own = _own_paths(static, [other for other in placed if other != static], paths)
        by_family: dict[str, list[ObjectInfo]] = {}
        for each in members:
            by_family.setdefault(family(each.key), []).append(each)
        chosen, left_out = _chosen(by_family)
        narrowed = _of_most_names(chosen, left_out)
        told = _left_out(left_out, prefix)
        if not chosen:
            remarks += [f"{prefix}{'/'.join(static)}: {each}" for each in told]
        found = (*(Finding("suffixes", each) for each in told), *_told(own, paths))
        groups += [
            Group(
                name,
                prefix,
                tuple(sorted(of, key=lambda one: one.key)),
                tuple(folders),
                static,
                own if name not in narrowed else Paths((*own.wanted, narrowed[name]), own.unwanted),
                complete,
                found,
            )
            for name, of in sorted(chosen.items())
        ]
    return groups, remarks


def _static(key: str, prefix: str, partitions: frozenset[str]) -> tuple[str, ...]:
    segments = key.removeprefix(prefix).split("/")[:-1]
    folder, found = prefix, []
    for segment in segments:
        folder = f"{folder}{segment}/"
        if folder not in partitions and not is_partition(segment):
            found.append(segment)
    return tuple(found)


def _own_paths(static: tuple[str, ...], others: Sequence[tuple[str, ...]], paths: Paths) -> Paths:
    """Narrow paths to those of one group where files lie in folders of other names as well."""
    if not others:
        return paths
    if static:
        names = "/(?:.*/)?".join(map(re.escape, static))
        inside = [each for each in others if each[: len(static)] == static]
        deeper = tuple(f"(?:.*/)?{'/(?:.*/)?'.join(map(re.escape, each))}/" for each in inside)
        return Paths((*paths.wanted, f"(?:.*/)?{names}/"), (*paths.unwanted, *deeper))
    named = "|".join(sorted({re.escape(each[0]) for each in others}))
    return Paths(paths.wanted, (*paths.unwanted, f"(?:.*/)?(?:{named})/"))


def _told(own: Paths, given: Paths) -> list[Finding]:
    if own == given:
        return []
    return [Finding("path_regex", "files in folders of other names are told apart from these")]


def _chosen(
    families: Mapping[str, list[ObjectInfo]],
) -> tuple[dict[str, list[ObjectInfo]], dict[str, list[ObjectInfo]]]:
    """Return the formats that are tables or media, and what is left out: one file beside several alike.

    One that is larger than all of the others is no by-product of them.
    """
    known = {name: of for name, of in families.items() if name not in {OTHER_FAMILY, UNTOLD_FAMILY}}
    if not known and UNTOLD_FAMILY in families:
        known = {UNTOLD_FAMILY: families[UNTOLD_FAMILY]}
    # Files whose names differ by words are not several of one kind.
    alike = [1 if are_names([each.key for each in of]) else len(of) for of in known.values()]
    most, size = max(alike, default=0), sum(each.size for of in known.values() for each in of)
    chosen = {
        name: of
        for name, of in known.items()
        if len(of) > 1 or most == 1 or sum(each.size for each in of) * 2 > size
    }
    return chosen, {name: of for name, of in families.items() if name not in chosen}


def _of_most_names(
    chosen: dict[str, list[ObjectInfo]], left_out: dict[str, list[ObjectInfo]]
) -> dict[str, str]:
    """Leave out what is named unlike several others, where no name tells a format; return those names."""
    kinds: dict[str, list[ObjectInfo]] = {}
    for each in chosen.get(UNTOLD_FAMILY, ()):
        kinds.setdefault(name_shape(each.key), []).append(each)
    usual = [shape for shape, of in kinds.items() if len(of) > 1]
    if len(usual) != 1 or len(kinds) == 1:
        return {}
    chosen[UNTOLD_FAMILY] = kinds.pop(usual[0])
    left_out[UNTOLD_FAMILY] = [each for of in kinds.values() for each in of]
    return {UNTOLD_FAMILY: f"(?:.*/)?{name_expression(usual[0])}$"}


def _left_out(left_out: Mapping[str, list[ObjectInfo]], prefix: str) -> list[str]:
    files = [each for of in left_out.values() for each in of]
    if not files:
        return []
    example = files[0].key.removeprefix(prefix)
    return [f"{count(len(files), 'file')} of other kinds left out, such as {example}"]
