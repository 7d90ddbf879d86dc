"""What a listing has become since the ledger was written: new, changed, gone objects.

A ledger's file is an object's key, size, ETag and time as they were listed. Its `etag` is the *mark*: the
ETag, and behind it whatever else makes the object be looked at again: another storage class than STANDARD,
and the place to which it was copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.object_listings import empty_listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

MARK = "mark"
_USUAL = "STANDARD"
_AT_ONCE = 100_000
# A restored copy, or another storage class, is what brings such an object back to be copied.
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")


@dataclass(frozen=True)
class Differences:
    """Rows of the listing that are not as the ledger has them, and keys that are in the ledger alone."""

    changed: pl.DataFrame
    new: pl.DataFrame
    gone: pl.DataFrame
    """A ledger's rows."""

    @property
    def to_look_at(self) -> pl.DataFrame:
        """What is to be looked at: changed objects before new ones, each by key."""
        import polars as pl

        return pl.concat([self.changed, self.new])

    @property
    def nothing(self) -> bool:
        """Whether all is as it was."""
        return self.changed.is_empty() and self.new.is_empty() and self.gone.is_empty()


def marked(listed: pl.DataFrame, copied: str = "") -> pl.DataFrame:
    """Return a listing, by key, with the column `mark`; `copied` stands for where objects are copied to."""
    import polars as pl

    kind = pl.col("storage_class")
    words = [pl.col("etag"), pl.when(kind != _USUAL).then(kind)]
    if copied:
        words.append(pl.when(~kind.is_in(_ARCHIVES)).then(pl.lit(copied)))
    mark = pl.concat_str(words, separator=" ", ignore_nulls=True)
    return listed.with_columns(mark.alias(MARK)).sort("key")


def ledger_of(listed: pl.DataFrame) -> pl.DataFrame:
    """Return what a ledger keeps of a marked listing."""
    import polars as pl

    return listed.select("key", "size", pl.col(MARK).alias("etag"), "modified")


def compare(listed: pl.DataFrame, ledger: pl.DataFrame) -> Differences:
    """Compare a marked listing, sorted by key, with a ledger."""
    import polars as pl

    changed, new, gone = [listed.clear()], [listed.clear()], [empty_listing()]
    for part, known in _side_by_side(listed, ledger):
        pairs = part.join(
            known.select(
                "key",
                pl.col("etag").alias("known_mark"),
                pl.col("modified").alias("known_modified"),
                pl.col("size").alias("known_size"),
            ),
            on="key",
            how="left",
            maintain_order="left",
        )
        there = pl.col("known_modified").is_not_null()
        same = (
            (pl.col(MARK) == pl.col("known_mark"))
            & (pl.col("modified") == pl.col("known_modified"))
            & (pl.col("size") == pl.col("known_size"))
        )
        new.append(pairs.filter(~there).select(part.columns))
        changed.append(pairs.filter(there & ~same).select(part.columns))
        gone.append(known.join(part.select("key"), on="key", how="anti"))
    return Differences(pl.concat(changed), pl.concat(new), pl.concat(gone))


def _side_by_side(listed: pl.DataFrame, ledger: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield parts of the listing, each with the ledger's files of its range of keys.

    A join of a million keys takes more memory than the frames; one of a part takes little.
    """
    import polars as pl

    for start in range(0, max(listed.height, 1), _AT_ONCE):
        part, inside = listed[start : start + _AT_ONCE], pl.lit(value=True)
        if start:
            inside &= pl.col("key") >= part["key"][0]
        if start + _AT_ONCE < listed.height:
            inside &= pl.col("key") < listed["key"][start + _AT_ONCE]
        yield part, ledger.filter(inside)
