"""Iceberg targets to crash in: metadata names whole URLs, so that each state is put back to one place."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import obstore
import polars as pl
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.table import StaticTable
from pyiceberg.table import Table as Handle

from s3_assets.embedded.server import REGION
from s3_assets.incremental.append import append_new
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import ParquetSettings
from s3_assets.tables.table import Table
from tests.incremental import iceberg_work, work
from tests.incremental.ground import WAVES, Ground, Row, frame, get_all, parquet, put_all

FOLDER = iceberg_work.FOLDER


def own_files(endpoint: str) -> dict[str, str]:
    """The properties of PyIceberg's own files."""
    return {
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        "s3.endpoint": endpoint,
        "s3.access-key-id": "test",
        "s3.secret-access-key": "test",
        "s3.region": REGION,
    }


def glue_catalog(endpoint: str) -> GlueCatalog:
    """Glue as PyIceberg alone opens it."""
    keys = {"glue.access-key-id": "test", "glue.secret-access-key": "test"}
    return GlueCatalog(
        "glue", **{"glue.endpoint": endpoint, "glue.region": REGION, **keys}, **own_files(endpoint)
    )


class IcebergGround(Ground):
    """One table without a catalog, or one of Glue that has a fresh name for each state."""

    glue = False

    states: tuple[dict[str, bytes], ...] = ()
    """Of an Iceberg source: its objects after each wave."""

    def make_sources(self) -> None:
        """Make the sources; an Iceberg table is one in one bucket, put into the state that is asked for."""
        if self.format != "iceberg":
            super().make_sources()
            return
        self.sources.append(f"source-{uuid4().hex[:8]}")
        self.client.create_bucket(Bucket=self.sources[0])
        source = iceberg_work.table(work.connection(self.endpoint, self.sources[0]), None)
        for wave in WAVES:
            for numbers in wave:
                append_new(source, f"wave of {numbers}", self._landed(numbers))
            self.states += (get_all(self.store(self.sources[0]), ""),)

    def _landed(self, numbers: range) -> Table[Any]:
        where = f"landed/{numbers.start}/"
        obstore.put(self.store(), f"{where}rows.parquet", parquet(numbers))
        settings = ParquetSettings(connection="s3", path=where)
        return open_table("landed", settings, work.connection(self.endpoint, self.bucket))

    def source(self, waves: int) -> str:
        """The bucket of the source as it was after so many waves."""
        if self.format != "iceberg":
            return self.sources[waves - 1]
        store = self.store(self.sources[0])
        obstore.delete(store, list(get_all(store, "")))
        put_all(store, "", self.states[waves - 1])
        return self.sources[0]

    def run_iceberg(self, waves: int, name: str | None = None) -> dict[str, Any]:
        """Import in this process, without the proxy."""
        source = self.source(waves)
        return iceberg_work.import_new(self.endpoint, self.bucket, source, self.format, name)

    def restore(self, objects: Mapping[str, bytes]) -> str | None:
        """Make these the table's only objects; return its new name in Glue."""
        found = [FOLDER + key for key in self.keys(FOLDER)]
        obstore.delete(self.store(), found)
        put_all(self.store(), FOLDER, objects)
        if not self.glue:
            return None
        catalog, name = glue_catalog(self.endpoint), f"crashes.t{uuid4().hex[:12]}"
        catalog.create_namespace_if_not_exists("crashes")
        metadata = sorted(key for key in objects if key.endswith(".metadata.json"))
        if metadata:
            catalog.register_table(name, f"s3://{self.bucket}/{FOLDER}{metadata[-1]}")
        return name

    def taken(self) -> dict[str, bytes]:
        return get_all(self.store(), FOLDER)

    def load(self, name: str | None = None) -> Handle:
        """The table as PyIceberg alone finds it: without a catalog the highest version, whatever the hint."""
        if name is not None:
            return glue_catalog(self.endpoint).load_table(name)
        versions = {
            int(key.removeprefix("metadata/v").partition(".")[0]): key
            for key in self.keys(FOLDER)
            if key.startswith("metadata/v") and key.endswith(".metadata.json")
        }
        newest = versions[max(versions)]
        return StaticTable.from_metadata(f"s3://{self.bucket}/{FOLDER}{newest}", own_files(self.endpoint))

    def read_iceberg(self, name: str | None = None) -> list[Row]:
        found = pl.DataFrame(self.load(name).scan().to_arrow())
        return sorted((found if found.width else frame([])).select("id", "day", "text").rows())

    def require_clean_iceberg(self, name: str | None = None, *, stream: bool = True) -> None:
        """No data file that no snapshot ever named; of the stream two cursors at most; no mark."""
        table = self.load(name)
        data = {key for key in self.keys(FOLDER) if key.startswith("data/")}
        orphans = data - set(self._ever_added(table))
        assert not orphans, f"orphans: {sorted(orphans)}"
        ours = [key for key in self.keys(FOLDER) if key.startswith("_s3_assets/")]
        if not stream:
            assert not ours
            return
        committed = table.properties[f"s3_assets.stream.{work.STREAM}"]
        documents = [key for key in ours if key.endswith(".json")]
        assert any(key.endswith(f"/{committed}.json") for key in documents)
        assert len(documents) <= 2, documents

    def _ever_added(self, table: Handle) -> Iterator[str]:
        root = f"s3://{self.bucket}/{FOLDER}"
        for snapshot in table.metadata.snapshots:
            for manifest in snapshot.manifests(table.io):
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False):
                    yield entry.data_file.file_path.removeprefix(root)
