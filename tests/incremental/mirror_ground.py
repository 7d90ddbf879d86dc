"""Sources that change by key, and what a mirror of them has to hold: in plain Python, without our code."""

import io
import re
from datetime import date
from urllib.parse import quote

import obstore
import polars as pl
from deltalake import DeltaTable, write_deltalake

from tests.incremental import work
from tests.incremental.ground import Row, get_all, put_all
from tests.incremental.iceberg_ground import IcebergGround

_MARK = re.compile(r"^_s3_assets/s3_assets%2Foverwrite/\d+\.json$")
_PART_OF_OURS = re.compile(r"part-\d{5,}-\d{15,}\.parquet$")
SCHEMA = {"id": pl.Int64, "day": pl.Date, "text": pl.String}


def row(number: int, text: str = "first") -> Row:
    return number, date(2026, 1, 1 + number % 2), f"{text} {number}"


def state(waves: int) -> list[Row]:
    """The source's rows after so many waves: updates, deletes, new keys, and one row that changes its key."""
    rows = {number: row(number) for number in range(40)}
    if waves > 1:
        rows |= {number: row(number, "second") for number in (3, 23, *range(40, 50))}
        rows[107] = (107, *rows.pop(7)[1:])
        del rows[5], rows[25]
    if waves > 2:
        rows |= {number: row(number, "third") for number in (3, 40, *range(60, 65))}
        del rows[107]
    return sorted(rows.values())


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


class MirrorGround(IcebergGround):
    """One bucket for each state of the source: a Delta table with a feed, or a folder of Parquet files."""

    def make_sources(self) -> None:
        for waves in (1, 2, 3):
            name = f"source-{waves}-{self.bucket.removeprefix('targets-')}"
            self.client.create_bucket(Bucket=name)
            if self.sources:
                put_all(self.store(name), "", get_all(self.store(self.sources[-1]), ""))
            if self.format == "delta":
                self._change(f"s3://{name}/{work.SOURCE}", waves)
            else:
                self._rewrite(name, waves)
            self.sources.append(name)

    def source(self, waves: int) -> str:
        return self.sources[waves - 1]

    def _change(self, url: str, waves: int) -> None:
        """Each change is a commit of its own kind."""
        new = [each for each in state(waves) if each not in (state(waves - 1) if waves > 1 else [])]
        if waves == 1:
            for part in (new[:20], new[20:]):
                feed = {"delta.enableChangeDataFeed": "true"}
                write_deltalake(
                    url, frame(part), mode="append", configuration=feed, storage_options=self.options
                )
            return
        table = DeltaTable(url, storage_options=self.options)
        if waves == 2:
            table.delete("id in (5, 25)")
            table.update({"id": "107"}, predicate="id = 7")
            new = [each for each in new if each[0] != 107]
        else:
            table.delete("id = 107")
        (
            table.merge(frame(new), "t.id = s.id", source_alias="s", target_alias="t")
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .execute()
        )

    def _rewrite(self, bucket: str, waves: int) -> None:
        """Files of twenty keys each: some are the same as before, some written anew, one is gone at last."""
        groups: dict[int, list[Row]] = {}
        for each in state(waves):
            groups.setdefault(each[0] // 20, []).append(each)
        store = self.store(bucket)
        for key in get_all(store, work.SOURCE):
            if int(key.partition(".")[0]) not in groups:
                obstore.delete(store, work.SOURCE + key)
        for number, rows in groups.items():
            if rows != [each for each in state(waves - 1) if each[0] // 20 == number] or waves == 1:
                buffer = io.BytesIO()
                frame(rows).write_parquet(buffer)
                obstore.put(store, f"{work.SOURCE}{number}.parquet", buffer.getvalue())

    def end_marks(self, prefix: str) -> None:
        """Take away the mark of a first run that died behind its commit, as the next overwrite would."""
        found = [_MARK.search(key) for key in self.keys(prefix)]
        marks = [prefix + mark.string for mark in found if mark]
        cursors = [
            key.rpartition("/")[2] for key in self.keys(f"{prefix}_s3_assets/{quote(work.STREAM, safe='')}/")
        ]
        assert {mark.rpartition("/")[2] for mark in marks} <= set(cursors)
        obstore.delete(self.store(), marks)

    def require_clean_delta(self, prefix: str) -> None:
        """No part of ours that the log never named, two cursors at most.

        What a crashed MERGE of delta-rs leaves is nobody's but a vacuum's.
        """
        keys = self.keys(prefix)
        orphans = {key for key in keys if _PART_OF_OURS.search(key)} - self._added(prefix, keys)
        assert not orphans, f"orphans: {sorted(orphans)}"
        cursors = [key for key in keys if key.startswith("_s3_assets/")]
        committed = self.handle(prefix).transaction_version(work.STREAM)
        assert any(key.endswith(f"/{committed}.json") for key in cursors)
        assert len(cursors) <= 2, cursors
