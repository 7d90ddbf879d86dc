"""What an entry of a manifest says of a table, and what its files show: both go into the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s3_assets.explore.findings import Finding, Guess
from s3_assets.explore.format_settings import settings_of
from s3_assets.explore.openmetadata_globs import names_wanted
from s3_assets.explore.types import type_name

if TYPE_CHECKING:
    from s3_assets.explore.discover_groups import Group
    from s3_assets.explore.openmetadata import ManifestEntry, PlacedEntry

_ALIKE = {"json": ("json", "jsonl"), "jsonl": ("json", "jsonl"), "csv": ("csv", "tsv"), "tsv": ("csv", "tsv")}
_DELIMITED = ("csv", "tsv")


def names_told(group: Group) -> tuple[str, ...]:
    """Return the expression of paths that an entry's pattern means, beyond their ending."""
    if group.told_by is None or not group.told_by.entry.is_pattern:
        return ()
    wanted = names_wanted(group.told_by.entry.path)
    return (wanted,) if wanted is not None else ()


def as_told(found: Guess, placed: PlacedEntry) -> Guess:
    """Return a guess with what the entry says; where the files show something else, that is said."""
    settings = dict(found.settings)
    findings = [*_format(settings, placed), *_separator(settings, placed)]
    findings += _columns(settings, found, placed)
    if placed.entry.is_partitioned and not settings.get("partitions") and not _has_folders(found):
        told = f"{placed.place} says that it has partitions; no folder is named column=value"
        findings.append(Finding("partitions", told, doubt=True))
    return replace(found, settings=settings, findings=(*found.findings, *findings))


def _format(settings: dict[str, Any], placed: PlacedEntry) -> list[Finding]:
    told, shown = placed.entry.format, settings["format"]
    if told is None or shown == told or shown in _ALIKE.get(told, ()):
        return []
    sentence = f"{placed.place} says {placed.entry.structure_format}, and the files are {shown}"
    return [Finding("format", sentence, doubt=True)]


def _separator(settings: dict[str, Any], placed: PlacedEntry) -> list[Finding]:
    separator = placed.entry.separator
    if not separator or settings["format"] not in _DELIMITED:
        return []
    default = settings_of(settings["format"]).model_fields["delimiter"].default
    shown = settings.get("delimiter", default)
    if separator == shown:
        return []
    if separator == default:
        settings.pop("delimiter", None)
    else:
        settings["delimiter"] = separator
    sentence = f"{placed.place} says {separator!r} between cells; the files look like {shown!r}"
    return [Finding("delimiter", sentence, doubt=True)]


def _columns(settings: dict[str, Any], found: Guess, placed: PlacedEntry) -> list[Finding]:
    """Take the types of partition columns from the entry, where the folders' names can be read as them."""
    findings = []
    types = {name: type_name(dtype) for name, dtype in found.columns.items()}
    changed = False
    for column in placed.entry.partition_columns:
        shown = types.get(column.name)
        if shown is None:
            told = f"{placed.place} has the partition column {column.name}, which no folder tells"
            findings.append(Finding("columns", told, doubt=True))
        elif column.type == "string" and shown != "string":
            types[column.name] = "string"
            changed = True
        elif column.type not in {None, shown}:
            told = (
                f"{placed.place} says that {column.name} is {column.data_type}; its folders read as {shown}"
            )
            findings.append(Finding("columns", told, doubt=True))
    if changed:
        settings["columns"] = types
        if isinstance(settings.get("partitions"), dict):
            findings += _text_partition(settings, placed.entry)
    return findings


def _text_partition(settings: dict[str, Any], entry: ManifestEntry) -> list[Finding]:
    column = settings["partitions"]["column"]
    if any(each.name == column and each.type == "string" for each in entry.partition_columns):
        return [Finding("columns", f"{column} is compared as text, as the manifest has it")]
    return []


def _has_folders(found: Guess) -> bool:
    return any(each.about == "path" and "Hive" in each.evidence for each in found.findings)
