"""Which delete files apply to which data files (Iceberg Table Spec, "Scan Planning").

A deletion vector and a position delete file that is limited to one data file are applied by Polars as it
reads that file. Others are joined: see `iceberg_rows`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile

    from s3_assets.tables.iceberg_files import Files
    from s3_assets.tables.iceberg_manifests import DeleteFile, LiveFile


@dataclass(frozen=True)
class Target:
    """A data file, and the delete files that apply to it."""

    data: LiveFile
    own: frozenset[DataFile] = frozenset()
    """Of this data file alone: its deletion vector, or position deletes."""
    shared: tuple[DeleteFile, ...] = ()
    """Position deletes of several data files."""
    equality: tuple[DeleteFile, ...] = ()


def targets(files: Files) -> list[Target]:
    """Return each data file with its deletes."""
    if not files.deletes:
        return [Target(each) for each in files.data]
    index = _Index(files.deletes)
    return [index.target(each) for each in files.data]


class _Index:
    """Delete files by what they apply to."""

    def __init__(self, deletes: tuple[DeleteFile, ...]) -> None:
        self._by_path: dict[str, list[DeleteFile]] = defaultdict(list)
        self._by_partition: dict[object, list[DeleteFile]] = defaultdict(list)
        self._equality_by_partition: dict[object, list[DeleteFile]] = defaultdict(list)
        self._equality_everywhere: list[DeleteFile] = []
        for each in deletes:
            self._add(each)

    def _add(self, delete: DeleteFile) -> None:
        if not delete.by_equality:
            if delete.target is not None:
                self._by_path[delete.target].append(delete)
            else:
                self._by_partition[delete.partition].append(delete)
        elif delete.everywhere:
            self._equality_everywhere.append(delete)
        else:
            self._equality_by_partition[delete.partition].append(delete)

    def target(self, data: LiveFile) -> Target:
        by_path = [each for each in self._by_path[data.file.file_path] if each.sequence >= data.sequence]
        shared = [each for each in self._by_partition[data.partition] if each.sequence >= data.sequence]
        equality = [
            each
            for each in (*self._equality_everywhere, *self._equality_by_partition[data.partition])
            if each.sequence > data.sequence
        ]
        vectors = [each for each in by_path if each.vector]
        if vectors:
            # It holds what position deletes said before, too.
            by_path, shared = vectors, []
        if shared:
            # Positions are counted in the whole file: either Polars takes deleted rows out, or the join does.
            return Target(data, shared=(*by_path, *shared), equality=tuple(equality))
        return Target(data, frozenset(each.file for each in by_path), equality=tuple(equality))
