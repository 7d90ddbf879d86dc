"""Where the columns of written rows come from, as filters and placement tell it: no row is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.movement.json_columns import json_path
from s3_assets.tables.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from s3_assets.movement.filters import Filters
    from s3_assets.movement.json_columns import ExpandJson
    from s3_assets.movement.placement import Placement
    from s3_assets.tables.settings import Partitions

LOAD_TIME = "load time"
CONSTANT = "constant"


def origins(
    source: Iterable[str], written: Collection[str], filters: Filters | None = None
) -> dict[str, Origin]:
    """Return the origin of each column behind the filters, without those of which it cannot be told.

    `source` are the columns before them, `written` those behind.
    """
    found = {name: Origin((name,)) for name in source}
    if filters is not None:
        found = _filtered(filters, found, written)
    return {name: found[name] for name in written if name in found}


def placed(placement: Placement, partitions: Partitions, found: Mapping[str, Origin]) -> dict[str, Origin]:
    """Return the origins with that of the partition column, which the placement makes."""
    if placement.column is None:
        return {**found, partitions.column: Origin(how=(LOAD_TIME,))}
    if placement.column not in found:
        return {name: origin for name, origin in found.items() if name != partitions.column}
    start = f"start of its {partitions.every} ({partitions.timezone})"
    return {**found, partitions.column: found[placement.column].then(start)}


def _filtered(filters: Filters, source: Mapping[str, Origin], written: Collection[str]) -> dict[str, Origin]:
    found = {name: source[name] for name in filters.retain or source if name not in filters.drop}
    found |= dict.fromkeys(filters.add, Origin(how=(CONSTANT,)))
    sampled = _sampled(filters, found, written)
    for name, json in filters.expand_json.items():
        of = found.get(name)
        if of is None:
            continue
        if not json.keeps_column:
            del found[name]
        found |= {new: of.then(f"its field {path}") for new, path in _fields(name, json).items()}
        found |= {new: of.then("a field of its JSON") for new, column in sampled.items() if column == name}
    digests = {
        each.into or name: found[name].then(f"{each.algorithm} digest" + (", keyed" if each.salt else ""))
        for name, each in filters.digest.items()
        if name in found
    }
    found |= digests
    found = {filters.rename.get(name, name): origin for name, origin in found.items()}
    for name, cast in filters.cast.items():
        if name in found:
            found[name] = found[name].then(f"as {cast.type}")
    if filters.add_time is not None:
        found[filters.add_time.column] = Origin(how=(LOAD_TIME,))
    return found


def _fields(column: str, json: ExpandJson) -> dict[str, str]:
    """Return the declared new columns, each with its JSONPath."""
    prefix = _prefix(column, json)
    return {
        f"{prefix}{key if each.path else key.replace('.', '_')}": each.path or json_path(key)
        for key, each in (json.columns or {}).items()
    }


def _sampled(filters: Filters, known: Collection[str], written: Collection[str]) -> dict[str, str]:
    """Return the columns that rows have shown, each with the JSON column whose prefix it alone has."""
    prefixes = {
        name: _prefix(name, json) for name, json in filters.expand_json.items() if json.columns is None
    }
    if not prefixes:
        return {}
    before = {new: old for old, new in filters.rename.items()}
    later = {each.into for each in filters.digest.values()}
    later |= {filters.add_time.column} if filters.add_time is not None else set()
    declared = {new for name, json in filters.expand_json.items() for new in _fields(name, json)}
    there = {before.get(name, name) for name in written} | {*filters.digest}
    found = {}
    for name in there - {*known} - later - declared:
        of = [column for column, prefix in prefixes.items() if name.startswith(prefix)]
        if len(of) == 1:
            found[name] = of[0]
    return found


def _prefix(column: str, json: ExpandJson) -> str:
    return f"{column}_" if json.prefix is None else json.prefix
