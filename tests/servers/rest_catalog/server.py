"""The REST catalogs of a test session: one process, and a catalog for each test that wants one."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from tests.servers.child import running_module
from tests.servers.rest_catalog.process import CALLS, SETTINGS
from tests.servers.rest_catalog.settings import Call, Settings, read_calls, read_settings, write_settings


@dataclass(frozen=True)
class RestCatalogServer:
    """One catalog."""

    endpoint: str
    folder: Path

    @property
    def settings(self) -> Settings:
        """What is in force."""
        return read_settings(self.folder / SETTINGS)

    def change(self, **fields: Any) -> None:
        """Put other settings in force, for all requests from now on."""
        write_settings(self.folder / SETTINGS, dataclasses.replace(self.settings, **fields))

    def calls(self, operation: str | None = None) -> list[Call]:
        """What it was asked so far, such as `calls("load_table")`, with its answers."""
        return [call for call in read_calls(self.folder / CALLS) if operation in {None, call.operation}]


@dataclass(frozen=True)
class RestCatalogs:
    """The process that serves them."""

    port: int
    folder: Path

    def start(self, s3_endpoint: str, warehouse: str, **fields: Any) -> RestCatalogServer:
        """A new catalog, empty, whose tables lie below `warehouse` on that S3 server."""
        name = uuid4().hex[:12]
        (self.folder / name).mkdir()
        files = {
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
            "s3.endpoint": s3_endpoint,
            "s3.access-key-id": ACCESS_KEY_ID,
            "s3.secret-access-key": SECRET_ACCESS_KEY,
            "s3.region": REGION,
        }
        write_settings(self.folder / name / SETTINGS, Settings(files=files, warehouse=warehouse, **fields))
        return RestCatalogServer(f"http://127.0.0.1:{self.port}/{name}", self.folder / name)


@contextmanager
def rest_catalogs(folder: Path) -> Iterator[RestCatalogs]:
    """Run the process for as long as the block lasts."""
    with running_module("tests.servers.rest_catalog.process", str(folder)) as port:
        yield RestCatalogs(port, folder)
