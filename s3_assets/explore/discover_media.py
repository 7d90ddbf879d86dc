"""Media sets: folders of files that are looked at one by one, taken together where nothing else is beside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s3_assets.explore.discover_groups import DIRECT, Group, Paths
from s3_assets.explore.findings import Finding, Guess
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Sequence


def gathered(groups: Sequence[Group], root: str) -> list[Group]:
    """Make one media set of those below a folder that holds nothing but media; the root is no such folder."""
    found = list(groups)
    parents = sorted({parent for each in groups for parent in _around(each) if parent != root}, key=len)
    for parent in parents:
        members = [each for each in found if each.prefix.startswith(parent)]
        if len(members) > 1 and all(each.is_media for each in members):
            kept = [each for each in found if not each.prefix.startswith(parent)]
            found = [*kept, _together(parent, members)]
    return found


def _around(group: Group) -> list[str]:
    if not group.is_media or group.told_by is not None:
        return []
    parent = group.prefix.rstrip("/").rpartition("/")[0]
    return [group.prefix, f"{parent}/"] if parent else [group.prefix]


def _together(parent: str, members: Sequence[Group]) -> Group:
    told = Finding("path", f"nothing but media in {count(len(members), 'place')} below this folder")
    return replace(
        members[0],
        prefix=parent,
        files=tuple(file for each in members for file in each.files),
        folders=(),
        static=(),
        paths=Paths(),
        complete=all(each.complete for each in members),
        findings=(told,),
    )


def media_guess(group: Group, path: str) -> Guess:
    """Return the settings of a media set, its inventory apart."""
    entry = group.told_by.entry if group.told_by else None
    extensions = entry.extensions if entry and not entry.is_pattern else group.extensions
    if _is_one_file(group):
        extensions = ()
    settings: dict[str, Any] = {"path": path}
    patterns = _patterns(group)
    if patterns:
        settings["patterns"] = patterns
    if extensions:
        settings["extensions"] = list(extensions)
    exclude = _excluded(group)
    if exclude:
        settings["exclude"] = exclude
    size = count(len(group.files), "file")
    looked_at = f"looked at the names of {size}" if group.files else "looked at nothing but the manifest"
    return Guess(settings, _no_columns(), group.findings, looked_at)


def _patterns(group: Group) -> list[str]:
    if _is_one_file(group):
        return [group.files[0].key.removeprefix(group.prefix)]
    return [f"**/{'/**/'.join(group.static)}/**"] if group.static else []


def _excluded(group: Group) -> list[str]:
    """Write the paths that are not this group's as globs."""
    return ["*/**"] if group.paths.wanted == (DIRECT,) or _is_one_file(group) else []


def _is_one_file(group: Group) -> bool:
    """Tell whether a manifest names one file, by its path alone."""
    entry = group.told_by.entry if group.told_by else None
    return entry is not None and not (entry.is_media or entry.structure_format or entry.is_pattern)


def _no_columns() -> Any:  # noqa: ANN401 - a schema without columns
    import polars as pl

    return pl.Schema()
