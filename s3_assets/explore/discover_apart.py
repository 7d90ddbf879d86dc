"""Files of one folder, or of folders that divide it, that are several tables: told by their names' words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from s3_assets.explore.discover_groups import Group, Paths
from s3_assets.explore.discover_shapes import name_expression, name_shape, spread
from s3_assets.explore.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.objects import ObjectInfo

_MOST_APART = 20
_FEWEST = 2
_LOOKED_INTO = 3
_WORD = re.compile(r"[^\W\d_]")
_IDENTITY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def kinds_of_names(group: Group) -> dict[str, tuple[ObjectInfo, ...]]:
    """Return a group's files by the words of their names, if each kind has several; else nothing.

    `users_20260105.csv` and `orders_20260105.csv`, or `users.csv` and `orders.csv` in a folder for each day.
    """
    if group.has_log or group.is_media or group.told_by is not None:
        return {}
    kinds: dict[str, list[ObjectInfo]] = {}
    for each in group.files:
        kinds.setdefault(name_shape(each.key), []).append(each)
    several = _FEWEST <= len(kinds) <= _MOST_APART and all(len(of) >= _FEWEST for of in kinds.values())
    if not several or not all(map(_WORD.search, kinds)):
        return {}
    return {shape: tuple(of) for shape, of in sorted(kinds.items())}


def of_kinds(group: Group, kinds: Sequence[tuple[str, Sequence[ObjectInfo]]]) -> Group:
    """Return the part of a group whose names are of these kinds."""
    files = tuple(sorted((each for _, of in kinds for each in of), key=lambda each: each.key))
    names = [name_expression(shape) for shape, _ in kinds]
    wanted = names[0] if len(names) == 1 else f"(?:{'|'.join(names)})"
    words = "_".join(filter(None, re.split(r"[^\w]+|_", kinds[0][0].partition(".")[0].replace("#", ""))))
    told = Finding("path_regex", "files whose names have other words have other columns, and are told apart")
    return replace(
        group,
        files=files,
        static=(*group.static, words) if len(kinds) == 1 and words else group.static,
        paths=Paths((*group.paths.wanted, f"(?:.*/)?{wanted}$"), group.paths.unwanted),
        findings=(*group.findings, told),
    )


def strangers(group: Group) -> list[ObjectInfo]:
    """Return some of the files if nothing but an identity is their name: they may have nothing in common."""
    names = [each.key.rpartition("/")[2].partition(".")[0] for each in group.files]
    if len(names) < _FEWEST or not all(map(_IDENTITY.fullmatch, names)):
        return []
    keys = set(spread([each.key for each in group.files], _LOOKED_INTO))
    return [each for each in group.files if each.key in keys]


def unlike(columns: Sequence[frozenset[str]]) -> bool:
    """Tell whether no two of these have their columns in common, all those of the smaller one."""
    pairs = [(one, two) for at, one in enumerate(columns) for two in columns[at + 1 :]]
    return bool(pairs) and not any(one <= two or two <= one for one, two in pairs)
