"""What a manifest says of a bucket, brought together with what lies there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from s3_assets.errors import AccessError, ObjectMissingError, SettingError
from s3_assets.explore.discover_folders import look
from s3_assets.explore.discover_groups import Group
from s3_assets.explore.discover_shapes import MEDIA_FAMILY
from s3_assets.explore.discover_walk import Walked, survey_one
from s3_assets.explore.findings import Finding
from s3_assets.explore.openmetadata import FILE_NAME, GLOBAL_FILE_NAME, PlacedEntry, read_manifest
from s3_assets.explore.openmetadata_globs import matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s3_assets.explore.discover_requests import Requests
    from s3_assets.objects import ObjectInfo

_ALIKE = ({"json", "jsonl"}, {"csv", "tsv"})


@dataclass
class Claims:
    """Folders that a manifest speaks of, the groups in them, and the entries that are patterns."""

    walked: Walked = field(default_factory=Walked)
    folders: set[str] = field(default_factory=set)
    patterns: list[PlacedEntry] = field(default_factory=list)


def fetch_manifest(requests: Requests) -> tuple[list[PlacedEntry], list[str]]:
    """Return the entries of the manifest in the bucket's root, and remarks.

    As with OpenMetadata, entries of a global manifest that name the bucket come before the bucket's own ones.
    """
    objects = requests.objects
    remarks: list[str] = []
    for name in (GLOBAL_FILE_NAME, FILE_NAME):
        if not requests.spend(name):
            continue
        try:
            text = objects.get(name).decode("utf-8-sig")
            manifest = read_manifest(text, name)
        except (ObjectMissingError, AccessError):
            continue
        except UnicodeDecodeError:
            remarks.append(f"{name} is not UTF-8, and was not read")
        except SettingError as error:
            remarks.append(f"{error.location}: {error.found} {error.remedy}".rstrip())
        else:
            bucket = objects.url("").removeprefix("s3://").strip("/")
            if name == GLOBAL_FILE_NAME and not manifest.names(bucket):
                continue
            remarks += manifest.remarks
            if entries := manifest.of_bucket(bucket):
                return entries, remarks
    return [], remarks


def claim(requests: Requests, entries: Iterable[PlacedEntry], root: str) -> Claims:
    """Look into the folders that entries name, as far as they lie below `root`."""
    found = Claims()
    for each in entries:
        if each.entry.folders_only:
            continue
        if each.entry.is_pattern:
            found.patterns.append(each)
            continue
        for prefix in _folders(requests, each):
            if prefix.startswith(root) and prefix not in found.folders:
                _claim(requests, each, prefix, found)
    return found


def claimed_before(entries: Iterable[PlacedEntry], folders: Iterable[str]) -> Claims:
    """Return what is left to say of entries whose folders were looked into by an earlier portion."""
    patterns = [each for each in entries if each.entry.is_pattern and not each.entry.folders_only]
    return Claims(folders=set(folders), patterns=patterns)


def _claim(requests: Requests, placed: PlacedEntry, prefix: str, found: Claims) -> None:
    entry = placed.entry
    if not entry.structure_format and not entry.is_media:
        _claim_file(requests, placed, found)
        return
    if entry.is_media:
        _claim_media(requests, placed, prefix, found)
        return
    walked = survey_one(requests, prefix)
    taken = [_taken(each, placed) for each in walked.groups]
    chosen = _meant([each for each in taken if each.has_log or each.files], placed, prefix)
    if not chosen:
        found.walked.remarks.append(_nothing(requests, placed, prefix))
        return
    found.folders.add(prefix)
    found.walked.groups += chosen
    found.walked.remarks += walked.remarks


def _meant(groups: list[Group], placed: PlacedEntry, prefix: str) -> list[Group]:
    """Return those of a folder's groups that an entry means, each with what the entry says.

    Tables with a log inside of the folder are returned as they are: they are their own.
    """
    own = [each for each in groups if each.has_log and each.prefix == prefix]
    if own:
        return [told(each, placed) for each in own]
    inside = [each for each in groups if each.has_log]
    tables = [each for each in groups if not each.is_media and not each.has_log]
    alike = [each for each in tables if _agrees(each.family, placed.entry.format)]
    return [*(told(each, placed) for each in alike or tables[:1]), *inside]


def _taken(group: Group, placed: PlacedEntry) -> Group:
    return replace(group, files=tuple(each for each in group.files if placed.entry.takes(each.key)))


def _nothing(requests: Requests, placed: PlacedEntry, prefix: str) -> str:
    return f"{placed.place}: nothing of it lies in {requests.objects.url(prefix)}"


def _claim_media(requests: Requests, placed: PlacedEntry, prefix: str, found: Claims) -> None:
    """Media leave their folder to others: tables that lie in it are found as anywhere."""
    folder = look(requests, prefix)
    if not folder.files and not folder.folders:
        found.walked.remarks.append(_nothing(requests, placed, prefix))
        return
    wanted = tuple(placed.entry.extensions)
    files = [each for each in folder.files if not wanted or each.key.lower().endswith(wanted)]
    found.walked.groups.append(told(_media(prefix, files), placed))


def _media(prefix: str, files: list[ObjectInfo]) -> Group:
    return Group(MEDIA_FAMILY, prefix, tuple(files), complete=False)


def without_claimed_media(groups: Iterable[Group], claims: Claims) -> list[Group]:
    """Leave out media that an entry of the manifest means already."""
    media = [each for each in claims.walked.groups if each.is_media and each.told_by is not None]
    return [each for each in groups if not any(_same_media(each, other) for other in media)]


def _same_media(group: Group, claimed: Group) -> bool:
    if not group.is_media or not group.prefix.startswith(claimed.prefix) or claimed.told_by is None:
        return False
    entry = claimed.told_by.entry
    if not entry.is_media:
        return all(each.key == entry.path for each in group.files)
    return not entry.extensions or set(group.extensions) <= set(entry.extensions)


def _agrees(family: str, format_: str | None) -> bool:
    return family == format_ or any({family, format_} <= alike for alike in _ALIKE)


def _claim_file(requests: Requests, placed: PlacedEntry, found: Claims) -> None:
    """An entry of a path alone is one file, which is catalogued as it is."""
    path = placed.entry.path
    if not requests.spend(path):
        return
    try:
        file = requests.objects.head(path)
    except ObjectMissingError:
        found.walked.remarks.append(
            f"{placed.place}: there is no object {requests.objects.url(path)}; a folder needs a "
            "structureFormat or unstructuredFormats"
        )
        return
    folder = path[: path.rfind("/") + 1]
    found.walked.groups.append(told(_media(folder, [file]), placed))


def told(group: Group, placed: PlacedEntry) -> Group:
    """Return the group with the entry that means it, and the evidence."""
    evidence = [Finding("path", f"{placed.place} says so")]
    entry = placed.entry
    if entry.format and group.has_log and entry.format != group.family:
        evidence.append(
            Finding("format", f"{placed.place} says {entry.structure_format}; a {group.family} log is there")
        )
    return replace(group, told_by=placed, findings=(*group.findings, *evidence))


def apply_patterns(groups: list[Group], patterns: Iterable[PlacedEntry]) -> tuple[list[Group], list[str]]:
    """Give each group the first pattern that means its files; return remarks about those without any."""
    found, remarks = _not_excluded(groups, patterns)
    for placed in patterns:
        entry = placed.entry
        meant = [
            index
            for index, each in enumerate(found)
            if each.told_by is None and any(_means(placed, file.key) for file in each.files)
        ]
        for index in meant:
            group = found[index]
            found[index] = told(replace(group, family=MEDIA_FAMILY) if entry.is_media else group, placed)
        if not meant:
            remarks.append(f"{placed.place}: '{entry.data_path}' matches no file that was seen")
    return found, remarks


def _not_excluded(groups: list[Group], patterns: Iterable[PlacedEntry]) -> tuple[list[Group], list[str]]:
    """Leave out what a pattern means and its entry excludes."""
    kept, remarks = [], []
    for each in groups:
        excluded = next((one for one in patterns if each.told_by is None and _excludes(one, each)), None)
        if excluded is None:
            kept.append(each)
        else:
            remarks.append(f"{each.prefix} is left out, as {excluded.place} says")
    return kept, remarks


def _excludes(placed: PlacedEntry, group: Group) -> bool:
    entry = placed.entry
    keys = [each.key for each in group.files]
    return bool(keys) and all(matches(entry.path, key) and not entry.takes(key) for key in keys)


def _means(placed: PlacedEntry, key: str) -> bool:
    return matches(placed.entry.path, key) and placed.entry.takes(key)


def _folders(requests: Requests, placed: PlacedEntry) -> list[str]:
    """Return the folder of an entry, or those that lie `depth` folders below it."""
    path = placed.entry.path
    found = [f"{path}/" if path else ""]
    # OpenMetadata looks for media at any depth.
    for _ in range(0 if placed.entry.is_media else placed.entry.depth):
        looks = [look(requests, prefix) for prefix in found]
        found = [f"{each.prefix}{name}/" for each in looks for name in each.folders]
    return found
