"""What is read for one question: portions, and what is done to their rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from s3_assets.engines.daft.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s3_assets.engines.engine import Rows
    from s3_assets.engines.sums import Sums


@dataclass(frozen=True)
class Read:
    """One portion, and what is done to its rows."""

    recipe: bytes = field(repr=False)
    portion: bytes = field(repr=False)
    state: int
    """The number of the state that it is of."""
    number: int
    """Its own, from 0 on, among all portions of all states."""
    of: int
    """How many they are."""


@dataclass(frozen=True)
class Reads:
    """What all reads of one question have in common."""

    pipes: str
    """How the names of pipes begin."""
    plain: Plain
    threads: int

    @classmethod
    def of(cls, states: Sequence[Rows], sums: Sums, threads: int) -> Self:
        """Return it for states that all have the columns of the sums."""
        schema = states[0].frame.collect_schema()
        return cls(uuid4().hex, Plain(sums, tuple(schema[key] for key in sums.keys)), threads)


def numbered(states: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[Read]:
    """Return the reads of some states, each given as its recipe and its portions."""
    listed = [
        (recipe, portion, state) for state, (recipe, portions) in enumerate(states) for portion in portions
    ]
    return [Read(*each, number, len(listed)) for number, each in enumerate(listed)]
