"""Iceberg targets to crash in: metadata names whole URLs, so that each state is put back to one place."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import obstore
import polars as pl
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.table import StaticTable, Table

from s3_assets.embedded.server import REGION
from tests.incremental import iceberg_work, work
from tests.incremental.ground import Ground, Row, frame, get_all, put_all

FOLDER = iceberg_work.FOLDER


class IcebergGround(Ground):
    """One table without a catalog, or one of Glue that has a fresh name for each state."""

    glue = False

    def run_iceberg(self, waves: int, name: str | None = None) -> dict[str, Any]:
        """Import in this process, without the proxy."""
        source = self.sources[waves - 1]
        return iceberg_work.import_new(self.endpoint, self.bucket, source, self.format, name)

    def restore(self, objects: Mapping[str, bytes]) -> str | None:
        """Make these the table's only objects; return its new name in Glue."""
        found = [FOLDER + key for key in self.keys(FOLDER)]
        obstore.delete(self.store(), found)
        put_all(self.store(), FOLDER, objects)
        if not self.glue:
            return None
        catalog, name = self.catalog(), f"crashes.t{uuid4().hex[:12]}"
        catalog.create_namespace_if_not_exists("crashes")
        metadata = sorted(key for key in objects if key.endswith(".metadata.json"))
        if metadata:
            catalog.register_table(name, f"s3://{self.bucket}/{FOLDER}{metadata[-1]}")
        return name

    def taken(self) -> dict[str, bytes]:
        return get_all(self.store(), FOLDER)

    @property
    def files(self) -> dict[str, str]:
        """The properties of PyIceberg's own files."""
        return {
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
            "s3.endpoint": self.endpoint,
            "s3.access-key-id": "test",
            "s3.secret-access-key": "test",
            "s3.region": REGION,
        }

    def catalog(self) -> GlueCatalog:
        keys = {"glue.access-key-id": "test", "glue.secret-access-key": "test"}
        return GlueCatalog(
            "glue", **{"glue.endpoint": self.endpoint, "glue.region": REGION, **keys}, **self.files
        )

    def load(self, name: str | None = None) -> Table:
        """The table as PyIceberg alone finds it: without a catalog the highest version, whatever the hint."""
        if name is not None:
            return self.catalog().load_table(name)
        versions = {
            int(key.removeprefix("metadata/v").partition(".")[0]): key
            for key in self.keys(FOLDER)
            if key.startswith("metadata/v") and key.endswith(".metadata.json")
        }
        newest = versions[max(versions)]
        return StaticTable.from_metadata(f"s3://{self.bucket}/{FOLDER}{newest}", self.files)

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

    def _ever_added(self, table: Table) -> Iterator[str]:
        root = f"s3://{self.bucket}/{FOLDER}"
        for snapshot in table.metadata.snapshots:
            for manifest in snapshot.manifests(table.io):
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False):
                    yield entry.data_file.file_path.removeprefix(root)
