"""Operations that write files: exports, and copies of media."""

import csv
import gzip
import io
from datetime import date
from typing import Any, ClassVar
from uuid import uuid4

from s3_assets.exports.export import Export, ExportMode
from s3_assets.exports.formats import CsvFormat, ExportFormat, ParquetFormat
from s3_assets.exports.key_template import KeyTemplate
from s3_assets.exports.split import Split
from s3_assets.media.copies import Copies
from s3_assets.media.media_set import MediaSet
from s3_assets.media.selection import MediaSelection
from s3_assets.media.source import MediaSource
from s3_assets.object_options import ObjectOptions
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings
from tests.exports import export_work
from tests.exports.ground import ExportGround
from tests.faults.operations import Operation
from tests.incremental import work
from tests.incremental.ground import Row, rows
from tests.media import media_work
from tests.media.media_ground import MediaGround, first_wave


class ExportedParquet(Operation):
    """What is new in a folder becomes files of Parquet."""

    name = "export-parquet"
    format: ClassVar[ExportFormat] = ParquetFormat()

    def __init__(self, ground: ExportGround) -> None:
        self.ground = ground
        self.direct = ground.endpoint
        self.ground.make_sources()
        self.prefix = ""

    def prepare(self) -> None:
        self.prefix = f"{uuid4().hex[:8]}/"
        self._export(self.ground.endpoint, 1)

    def run(self, endpoint: str) -> Any:
        return self._export(endpoint, 2)

    def check(self, found: Any) -> None:
        del found
        self._require_rows(2)

    def follow(self) -> None:
        assert not self._export(self.ground.endpoint, 3).nothing_new
        self._require_rows(3)
        self.ground.require_clean(self.prefix)

    def _require_rows(self, waves: int) -> None:
        self.ground.require_rows(self.prefix, rows(waves))

    def _export(self, endpoint: str, waves: int) -> Any:
        source = open_table(
            "orders",
            ParquetSettings(connection="s3", path=work.SOURCE, partitions=work.PARTITIONS),
            self.reach(endpoint, self.ground.sources[waves - 1]),
        )
        made = Export(
            export_work.NAME,
            self.reach(endpoint, self.ground.bucket),
            KeyTemplate.parse(export_work.KEYS["incremental"]),
            self.format,
            ExportMode.INCREMENTAL,
            self.prefix,
            source=source,
            split=Split(rows=export_work.ROWS),
            success=True,
        )
        return made.run(moment=export_work.MOMENT, run="a run")


class ExportedCsv(ExportedParquet):
    """What is new in a folder becomes files of packed CSV."""

    name = "export-csv.gz"
    format = CsvFormat(compression="gzip")

    def _require_rows(self, waves: int) -> None:
        """Those of the files that a listing shows, by Python's own csv."""
        found: list[Row] = []
        for key, body in self.ground.objects(self.prefix).items():
            if key.endswith(".csv.gz") and not key.startswith("_"):
                text = gzip.decompress(body).decode()
                lines = csv.DictReader(io.StringIO(text, newline=""))
                found += [(int(each["id"]), date.fromisoformat(each["day"]), each["text"]) for each in lines]
        assert sorted(found) == rows(waves)


class MediaCopies(Operation):
    """Objects that are new, changed and gone: an inventory in Delta, and copies on the server."""

    name = "media-copies"

    def __init__(self, endpoint: str, client: Any) -> None:
        self.endpoint = self.direct = endpoint
        self.client = client
        self.ground: MediaGround
        self.asked = endpoint

    def prepare(self) -> None:
        self.ground = MediaGround(self.endpoint, self.client)
        self.ground.put(first_wave())
        self._media(self.endpoint).run()
        self.ground.change()

    def run(self, endpoint: str) -> Any:
        self.asked = endpoint
        return self._media(endpoint).run()

    def check(self, found: Any) -> None:
        del found
        assert self.ground.present("delta") == self.ground.full_look()
        assert self.ground.inventory("delta")["key"].is_unique().all()
        assert self.ground.copies() == self.ground.expected_copies()

    def follow(self) -> None:
        # Copies of another endpoint are others: the next run is of the same.
        assert self._media(self.asked).run().nothing_new
        assert self.ground.uploads() == []
        self.ground.delete("a/one.png")
        self._media(self.asked).run()
        self.check(None)
        assert self.ground.orphans() == set()

    def _media(self, endpoint: str) -> MediaSet:
        there = self.reach(endpoint, self.ground.bucket)
        options = ObjectOptions(metadata={"team": "shop"})
        source = MediaSource(self.reach(endpoint, self.ground.source), media_work.SOURCE, MediaSelection())
        target = open_table("sales", DeltaSettings(connection="s3", path=media_work.TABLE), there)
        copies = Copies(media_work.NAME, there, media_work.COPIES, options, "delete")
        return MediaSet(media_work.NAME, source, target, copies, at_once=2)
