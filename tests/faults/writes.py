"""Operations that write rows into tables: imports of every mode, and commits without a source."""

from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import obstore
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table as Handle

from s3_assets.connection import S3Connection
from s3_assets.incremental.commit import commit_frame, open_writer
from s3_assets.incremental.overwrite import overwrite
from s3_assets.movement.imports import Import, ImportMode
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import DeltaSettings, ParquetSettings
from s3_assets.tables.table import Table, WriteMode
from tests.faults.operations import Operation
from tests.incremental import folder_work, work
from tests.incremental.folder_ground import FolderGround
from tests.incremental.ground import Ground, Row, rows
from tests.incremental.iceberg_ground import FOLDER, IcebergGround, own_files
from tests.incremental.mirror_ground import MirrorGround, state

SETTINGS: dict[str, Any] = {"delta": DeltaSettings, "parquet": ParquetSettings}


class _IntoATable(Operation):
    """An import, whose source has grown since the last one."""

    mode: ClassVar[ImportMode] = ImportMode.APPEND
    source: ClassVar[str] = "parquet"
    target: ClassVar[str] = "delta"

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.direct = ground.endpoint
        self.ground.make_sources()
        self.prefix = ""

    def prepare(self) -> None:
        self.prefix = f"{uuid4().hex[:8]}/"
        self._import(self.ground.endpoint, 1)

    def run(self, endpoint: str) -> Any:
        return self._import(endpoint, 2)

    def check(self, found: Any) -> None:
        del found
        assert self._rows() == self._expected(2)

    def follow(self) -> None:
        """The next rows arrive, and nothing of the run before is left behind."""
        assert not self._import(self.ground.endpoint, 3).nothing_new
        assert self._rows() == self._expected(3)
        self._require_clean()

    def _import(self, endpoint: str, waves: int) -> Any:
        there = self.reach(endpoint, self.ground.sources[waves - 1])
        settings = SETTINGS[self.source](connection="s3", path=work.SOURCE)
        keys = ("id",) if self.mode is ImportMode.MIRROR else ()
        made = Import(
            "orders", open_table("orders", settings, there), self._target(endpoint), self.mode, key=keys
        )
        return made.run()

    def _target(self, endpoint: str) -> Table[Any]:
        settings = SETTINGS[self.target](connection="s3", path=self.prefix, partitions=work.PARTITIONS)
        return open_table("sales", settings, self.reach(endpoint, self.ground.bucket))

    def _expected(self, waves: int) -> list[Row]:
        return rows(waves)

    def _rows(self) -> list[Row]:
        return self.ground.read_delta(self.prefix)

    def _require_clean(self) -> None:
        self.ground.require_clean(self.prefix)


class ParquetToDelta(_IntoATable):
    """New files of a folder into a Delta table."""

    name = "parquet-to-delta"


class DeltaToDelta(_IntoATable):
    """New rows of one Delta table into another."""

    name = "delta-to-delta"
    source = "delta"


class ParquetToFolder(_IntoATable):
    """New files of a folder into a folder of partitions."""

    name = "parquet-to-folder"
    target = "parquet"
    ground: FolderGround

    def _rows(self) -> list[Row]:
        return self.ground.read_pyarrow(self.prefix)

    def _require_clean(self) -> None:
        self.ground.require_clean_folder(self.prefix)


class MirrorToDelta(_IntoATable):
    """A source's updates, deletes and inserts, by key."""

    name = "mirror"
    mode = ImportMode.MIRROR
    source = "delta"
    ground: MirrorGround

    def _expected(self, waves: int) -> list[Row]:
        return state(waves)

    def _require_clean(self) -> None:
        self.ground.end_marks(self.prefix)
        self.ground.require_clean_delta(self.prefix)


class ReplacedFolder(_IntoATable):
    """All rows of a folder replaced, since the source has changed."""

    name = "replace-on-new-data"
    mode = ImportMode.REPLACE_ON_NEW_DATA
    target = "parquet"
    ground: "ReplaceGround"

    def _expected(self, waves: int) -> list[Row]:
        return state(waves)

    def _rows(self) -> list[Row]:
        return self.ground.read_pyarrow(self.prefix)

    def _require_clean(self) -> None:
        self.ground.require_clean_folder(self.prefix)


class ReplaceGround(MirrorGround, FolderGround):
    """Sources whose rows change, and targets that are folders."""


class CatalogGround(IcebergGround):
    """Iceberg tables of a catalog that PyIceberg alone opens, too."""

    catalog: Catalog

    def load(self, name: str | None = None) -> Handle:
        return self.catalog.load_table(str(name))


class ParquetToSqlCatalog(_IntoATable):
    """New files of a folder into an Iceberg table of a catalog in SQLite."""

    name = "parquet-to-iceberg-sql"
    ground: CatalogGround

    def __init__(self, ground: CatalogGround, folder: Path) -> None:
        from pyiceberg.catalog.sql import SqlCatalog

        uri = f"sqlite:///{folder}/catalog.db"
        self.settings: dict[str, Any] = {"type": "sql", "uri": uri, "catalog_name": "ours"}
        ground.catalog = SqlCatalog("ours", uri=uri, **own_files(ground.endpoint))
        super().__init__(ground)
        self.table = ""

    def prepare(self) -> None:
        """Each state is a table of another name, in the one folder."""
        found = [FOLDER + key for key in self.ground.keys(FOLDER)]
        if found:
            obstore.delete(self.ground.store(), found)
        self.table = f"db.t{uuid4().hex[:8]}"
        super().prepare()

    def _target(self, endpoint: str) -> Table[Any]:
        settings = IcebergSettings(connection="s3", table=self.table, path=FOLDER, partitions=work.PARTITIONS)
        where = self.reach(endpoint, self.ground.bucket, catalog=self._catalog(endpoint))
        return open_table("sales", settings, where)

    def _catalog(self, endpoint: str) -> dict[str, Any]:
        del endpoint
        return self.settings

    def _rows(self) -> list[Row]:
        return self.ground.read_iceberg(self.table)

    def _require_clean(self) -> None:
        self.ground.require_clean_iceberg(self.table)


class ParquetToRestCatalog(ParquetToSqlCatalog):
    """The same, of a REST catalog; S3 is asked past the proxy where the catalog is asked through it."""

    name = "parquet-to-iceberg-rest"

    def __init__(self, ground: CatalogGround, catalog: str) -> None:
        from pyiceberg.catalog.rest import RestCatalog

        ground.catalog = RestCatalog("ours", uri=catalog, **own_files(ground.endpoint))
        _IntoATable.__init__(self, ground)
        self.uri = catalog

    def _catalog(self, endpoint: str) -> dict[str, Any]:
        del endpoint
        return {"type": "rest", "uri": self.uri}


class RestCatalogItself(ParquetToRestCatalog):
    """The same, with the faults between us and the catalog: `endpoint` is the catalog's."""

    name = "iceberg-rest-catalog"

    def _import(self, endpoint: str, waves: int) -> Any:
        self.asked = endpoint
        return super()._import(self.ground.endpoint, waves)

    def reach(self, endpoint: str, bucket: str, **more: Any) -> S3Connection:
        return super().reach(self.asked, bucket, **more).model_copy(update={"endpoint": endpoint})

    def _catalog(self, endpoint: str) -> dict[str, Any]:
        # Past the proxy it is the usual address.
        direct = self.asked == endpoint
        path = self.uri.partition("//")[2].partition("/")[2]
        return {"type": "rest", "uri": self.uri if direct else f"{self.asked}/{path}"}


class OverwrittenDay(Operation):
    """One day of a folder or of a Delta table replaced by rows that no source has."""

    name = "overwrite-a-day-of-a-folder"
    format: ClassVar[str] = "parquet"

    def __init__(self, ground: FolderGround) -> None:
        self.ground = ground
        self.direct = ground.endpoint
        self.prefix = ""

    def prepare(self) -> None:
        self.prefix = f"{uuid4().hex[:8]}/"
        for day, first in (("2026-01-01", 0), ("2026-01-02", 100), ("2026-01-02", 200)):
            self._commit(self.ground.endpoint, day, first, 5 if first == 0 else 9, append=True)

    def run(self, endpoint: str) -> Any:
        return self._commit(endpoint, "2026-01-02", 500, 7)

    def check(self, found: Any) -> None:
        del found
        assert self._rows() == _numbered("2026-01-01", 0, 5) + _numbered("2026-01-02", 500, 7)

    def follow(self) -> None:
        self._commit(self.ground.endpoint, "2026-01-02", 900, 1)
        assert self._rows() == _numbered("2026-01-01", 0, 5) + _numbered("2026-01-02", 900, 1)
        self._require_clean()

    def _commit(self, endpoint: str, day: str, first: int, count: int, *, append: bool = False) -> Any:
        settings = SETTINGS[self.format](connection="s3", path=self.prefix, partitions=work.PARTITIONS)
        target = open_table("sales", settings, self.reach(endpoint, self.ground.bucket))
        frame = folder_work.frame(day, first, count)
        if append:
            return commit_frame(target, open_writer(target), frame, WriteMode.APPEND)
        return overwrite(target, frame, window=work.day_window(date.fromisoformat(day)))

    def _rows(self) -> list[Row]:
        return self.ground.read_pyarrow(self.prefix)

    def _require_clean(self) -> None:
        self.ground.require_clean_folder(self.prefix, stream=False)


class OverwrittenDayOfDelta(OverwrittenDay):
    """The same of a Delta table."""

    name = "overwrite-a-day-of-delta"
    format = "delta"

    def _rows(self) -> list[Row]:
        return self.ground.read_delta(self.prefix)

    def _require_clean(self) -> None:
        self.ground.require_clean(self.prefix, stream=None)


def _numbered(day: str, first: int, count: int) -> list[Row]:
    return [(number, date.fromisoformat(day), f"row {number}") for number in range(first, first + count)]
