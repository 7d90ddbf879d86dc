"""What became of the rows of a source, by key; and how that is made certain before a target follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.incremental.row_keys import COUNT, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl


@dataclass(frozen=True)
class Changes:
    """The changes of a source, held in memory; a key is in `rows`, in `gone`, or in `doubtful`."""

    rows: pl.DataFrame
    """The newest rows of the keys that have one."""
    gone: pl.DataFrame
    """The keys of which there is no row any more."""
    fresh: pl.DataFrame
    """Those of `rows` and `gone` of which there was no row before, if all is as it should be."""
    doubtful: pl.DataFrame
    """Keys whose changes are not those of one row: what has them now is to be looked up."""

    @property
    def touched(self) -> pl.DataFrame:
        """All keys, once each."""
        import polars as pl

        keys = self.gone.columns
        return pl.concat([self.rows.select(keys), self.gone, self.doubtful])


def settle(
    changes: Changes, held: pl.DataFrame, look_up: Callable[[pl.DataFrame], pl.DataFrame], table: str
) -> Changes:
    """Look up what is in doubt, and return changes of which nothing is.

    `held` are those of the touched keys that the target has rows of. That it has one of a key which is new in
    the source means that the source had another row of that key all the time, or that somebody else wrote it
    into the target. `look_up` returns the source's rows of some keys as they are now. Raises `RowKeyError` if
    there are several of one key.
    """
    import polars as pl

    keys = changes.gone.columns
    doubtful = pl.concat(
        [changes.doubtful, changes.fresh.join(held.select(keys), on=keys, how="semi")]
    ).unique()
    if doubtful.is_empty():
        return changes
    found = look_up(doubtful)
    refuse(found.group_by(keys).agg(pl.len().alias(COUNT)), keys, table)
    return Changes(
        pl.concat([changes.rows.join(doubtful, on=keys, how="anti"), found], how="vertical_relaxed"),
        pl.concat(
            [
                changes.gone.join(doubtful, on=keys, how="anti"),
                doubtful.join(found, on=keys, how="anti"),
            ]
        ),
        changes.fresh.clear(),
        changes.doubtful.clear(),
    )
