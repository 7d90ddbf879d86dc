"""What one batch of a run found, and what follows: the ledger behind it, what is counted, what is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_assets.media.differences import ledger_of
from s3_assets.media.inventory import KEY, Status
from s3_assets.media.outcome import Counts
from s3_assets.progress import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from s3_assets.media.differences import Differences
    from s3_assets.media.many import Many


@dataclass(frozen=True)
class Batch:
    """Objects that were looked at, `taken` being those of the listing, and objects that are gone.

    `gone` has the columns key and `became`, the status that its row takes.
    """

    found: Differences
    taken: pl.DataFrame
    many: Many
    gone: pl.DataFrame

    @classmethod
    def of(cls, found: Differences, taken: pl.DataFrame, many: Many, takes: Callable[[str], bool]) -> Batch:
        """Tell deleted objects from those that the media set's settings do not take any more."""
        import polars as pl

        became = [str(Status.DELETED if takes(key) else Status.LEFT_OUT) for key in found.gone[KEY]]
        schema = {KEY: pl.String(), "became": pl.String()}
        listed = pl.DataFrame({KEY: found.gone[KEY], "became": became}, schema=schema)
        # Of those that vanished in between, only what was there before has a row that tells of it.
        vanished = many.vanished.join(found.changed, on=KEY, how="semi")
        deleted = vanished.with_columns(became=pl.lit(str(Status.DELETED)))
        return cls(found, taken, many, pl.concat([listed, deleted]))

    @property
    def size(self) -> int:
        """The bytes of the objects that were taken."""
        return int(self.taken["size"].sum())

    def ledger(self, before: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
        """Return the ledger behind the batch, and whether it is more than the old one with files added."""
        import polars as pl

        looked = ledger_of(self.taken.join(self.many.vanished, on=KEY, how="anti"))
        anew = not self.found.gone.is_empty() or not self.found.changed.is_empty()
        if anew:
            out = pl.concat([self.found.gone.select(KEY), self.taken.select(KEY)])
            before = before.join(out, on=KEY, how="anti", maintain_order="left")
        return pl.concat([before, looked]), anew

    def counts(self, rows: pl.DataFrame, copies_deleted: int) -> Counts:
        """Count what became of the objects, `rows` being those that came into the inventory."""
        new = self.taken.join(self.found.new, on=KEY, how="semi")
        fresh = rows.join(new, on=KEY, how="semi").height
        present = int((rows["status"] == Status.PRESENT).sum())
        became = self.gone["became"]
        return self.many.counts + Counts(
            new=fresh,
            changed=present - fresh,
            deleted=int((became == Status.DELETED).sum()),
            left_out=int((became == Status.LEFT_OUT).sum()),
            copies_deleted=copies_deleted,
        )

    def remarks(self) -> Iterator[str]:
        """Yield what a person has to know."""
        many, counts = self.many, self.many.counts
        if counts.vanished:
            vanished = count(counts.vanished, "object")
            yield f"{vanished} vanished during the run; the first is {many.vanished_first}"
        if counts.archived:
            unread = "archived, so that headers were not read and nothing was copied"
            yield f"{count(counts.archived, 'object')} found {unread}; the first is {many.archived_first}"
        left_out = self.gone.filter(self.gone["became"] == Status.LEFT_OUT)
        if not left_out.is_empty():
            taken = "no longer taken by the media set's settings"
            number = count(left_out.height, "object")
            yield f"{number} of the inventory {taken}; the first is {left_out[KEY][0]}"
