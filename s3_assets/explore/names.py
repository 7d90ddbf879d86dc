"""The names of data files: which of a folder's files belong together, by how their names end."""

from __future__ import annotations

from typing import NamedTuple

from s3_assets.explore.findings import Finding
from s3_assets.progress import count

_PACKED = (".gz", ".bz2", ".zip", ".zst", ".xz", ".lz4", ".tar", ".tgz")
_TABLES = frozenset({"csv", "tsv", "tab", "json", "jsonl", "ndjson", "parquet", "parq", "pq", "avro"})
_LONGEST_ENDING = 10


class Chosen(NamedTuple):
    """The keys of one kind of name, the ends of these names, and what is left out."""

    keys: tuple[str, ...]
    suffixes: tuple[str, ...]
    findings: tuple[Finding, ...]


def choose_files(keys: list[str], prefix: str) -> Chosen:
    """Return the files whose names end like those of a table, or like most."""
    kinds: dict[str, list[str]] = {}
    for key in keys:
        kinds.setdefault(ending(key), []).append(key)
    chosen = max(kinds, key=lambda kind: (kind.lower().lstrip(".") in _TABLES, len(kinds[kind]), kind))
    suffixes = sorted({_suffix(key) for key in kinds[chosen]})
    others = {kind: of for kind, of in kinds.items() if kind != chosen}
    findings = []
    if others:
        example = next(iter(others.values()))[0].removeprefix(prefix)
        told = (
            f"{count(sum(map(len, others.values())), 'file')} of other names are left out, such as {example}"
        )
        findings.append(Finding("suffixes", told))
    return Chosen(tuple(kinds[chosen]), tuple(suffixes), tuple(findings))


def ending(key: str) -> str:
    """Return `.csv` of `orders.csv.gz`; nothing where a name has no ending that looks like one."""
    name = _unpacked(key.rpartition("/")[2])
    stem, dot, last = name.rpartition(".")
    usual = stem and dot and last.isalnum() and not last.isdigit() and len(last) <= _LONGEST_ENDING
    return f".{last}" if usual else ""


def _suffix(key: str) -> str:
    name = key.rpartition("/")[2]
    return ending(key) + name[len(_unpacked(name)) :]


def _unpacked(name: str) -> str:
    while packed := next((each for each in _PACKED if name.endswith(each)), ""):
        name = name.removesuffix(packed)
    return name
