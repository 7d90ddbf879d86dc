"""Columns as a table itself tells them: with types, descriptions and what their values have to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import polars as pl

PARTITION = "partition column"


@dataclass(frozen=True)
class ColumnNote:
    """What the metadata of a table or file says of a column beside its type."""

    description: str | None = None
    nullable: bool = True
    demands: tuple[str, ...] = ()
    """What else its values have to be, or tell, each in words."""


@dataclass(frozen=True)
class Described:
    """The columns of a table, in order, with a note on each of which there is one."""

    columns: pl.Schema
    notes: Mapping[str, ColumnNote]
    demands: tuple[str, ...] = ()
    """What the table asks of whole rows, each as an expression or in words."""


def with_partitions(notes: Mapping[str, ColumnNote], columns: Collection[str]) -> dict[str, ColumnNote]:
    """Return the notes, with one on each of the columns that tells the partition of a row."""
    found = dict(notes)
    for column in columns:
        note = found.get(column, ColumnNote())
        if not any(each.startswith(PARTITION) for each in note.demands):
            found[column] = replace(note, demands=(PARTITION, *note.demands))
    return found


def joined(notes: Collection[Mapping[str, ColumnNote]]) -> dict[str, ColumnNote]:
    """Return what several files say together, the newest first: null where one of them may be null."""
    found: dict[str, ColumnNote] = {}
    for each in notes:
        for column, note in each.items():
            known = found.setdefault(column, note)
            found[column] = replace(
                known,
                description=known.description or note.description,
                nullable=known.nullable or note.nullable,
            )
    # What a file lacks is null in its rows.
    return {
        column: replace(note, nullable=note.nullable or any(column not in each for each in notes))
        for column, note in found.items()
    }
