"""The operations of the REST catalog, on PyIceberg's SQL catalog: spec-shaped, and no other implementation.

Its commits are PyIceberg's, and its files are reached by PyArrow: it cannot show that PyIceberg is right, but
it shows what goes over the line, and refuses what it should.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.io import load_file_io
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest, StagedTable, Table
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

from tests.servers.identity.answers import Request
from tests.servers.rest_catalog.lending import Lender
from tests.servers.rest_catalog.settings import Settings

Reply = tuple[int, Any]

ENDPOINTS = [
    "GET /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "DELETE /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/tables/rename",
]
CREDENTIALS = "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials"

_STATUSES: dict[type[Exception], int] = {
    NoSuchNamespaceError: 404,
    NoSuchTableError: 404,
    NamespaceAlreadyExistsError: 409,
    NamespaceNotEmptyError: 409,
    TableAlreadyExistsError: 409,
    CommitFailedException: 409,
}


@dataclass(frozen=True)
class Operations:
    """What one request may do in one warehouse."""

    catalog: SqlCatalog
    settings: Settings
    request: Request
    lender: Lender

    def run(self, act: Callable[..., Reply], *names: str) -> Reply:
        """The status and the answer; PyIceberg's errors as the API has them."""
        try:
            return act(self, *names)
        except tuple(_STATUSES) as error:
            status = next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
            return status, problem(status, type(error).__name__, str(error))

    def list_namespaces(self) -> Reply:
        parent = parse_qs(self.request.query).get("parent", [""])[0]
        return 200, {"namespaces": self.catalog.list_namespaces(_namespace(parent) if parent else ())}

    def create_namespace(self) -> Reply:
        told = json.loads(self.request.body)
        self.catalog.create_namespace(tuple(told["namespace"]), told.get("properties") or {})
        return 200, {"namespace": told["namespace"], "properties": told.get("properties") or {}}

    def load_namespace(self, namespace: str) -> Reply:
        name = _namespace(namespace)
        return 200, {"namespace": name, "properties": self.catalog.load_namespace_properties(name)}

    def namespace_exists(self, namespace: str) -> Reply:
        return (204 if self.catalog.namespace_exists(_namespace(namespace)) else 404), None

    def drop_namespace(self, namespace: str) -> Reply:
        self.catalog.drop_namespace(_namespace(namespace))
        return 204, None

    def list_tables(self, namespace: str) -> Reply:
        found = self.catalog.list_tables(_namespace(namespace))
        return 200, {"identifiers": [{"namespace": each[:-1], "name": each[-1]} for each in found]}

    def create_table(self, namespace: str) -> Reply:
        told = CreateTableRequest.model_validate_json(self.request.body)
        name = (*_namespace(namespace), told.name)
        properties = dict(told.properties)
        place = told.location or f"{self.settings.warehouse}/{'/'.join(name)}"
        if self.catalog.table_exists(name):
            raise TableAlreadyExistsError(f"Table already exists: {'.'.join(name)}")
        made: dict[str, Any] = {
            "schema": told.table_schema,
            "location": place,
            "partition_spec": told.partition_spec or UNPARTITIONED_PARTITION_SPEC,
            "sort_order": told.write_order or UNSORTED_SORT_ORDER,
            "properties": properties,
        }
        if told.stage_create:
            return 200, self._loaded(new_table_metadata(**made), None)
        table = self.catalog.create_table(name, **made)
        return 200, self._loaded(table.metadata, table.metadata_location)

    def load_table(self, namespace: str, name: str) -> Reply:
        table = self._table(namespace, name)
        return 200, self._loaded(table.metadata, table.metadata_location)

    def table_exists(self, namespace: str, name: str) -> Reply:
        return (204 if self.catalog.table_exists((*_namespace(namespace), name)) else 404), None

    def update_table(self, namespace: str, name: str) -> Reply:
        told = CommitTableRequest.model_validate_json(self.request.body)
        try:
            table = self._table(namespace, name)
        except NoSuchTableError:
            if all(requirement.type != "assert-create" for requirement in told.requirements):
                raise
            table = self._nothing((*_namespace(namespace), name))
        done = self.catalog.commit_table(table, told.requirements, told.updates)
        return 200, {"metadata-location": done.metadata_location, "metadata": _json(done.metadata)}

    def drop_table(self, namespace: str, name: str) -> Reply:
        purges = parse_qs(self.request.query).get("purgeRequested", ["false"])[0].lower() == "true"
        drop = self.catalog.purge_table if purges else self.catalog.drop_table
        drop((*_namespace(namespace), name))
        return 204, None

    def rename_table(self) -> Reply:
        told = json.loads(self.request.body)
        source, target = ((*told[end]["namespace"], told[end]["name"]) for end in ("source", "destination"))
        self.catalog.rename_table(source, target)
        return 204, None

    def load_credentials(self, namespace: str, name: str) -> Reply:
        return 200, {"storage-credentials": self.lender.lend(self._table(namespace, name).location())}

    def _table(self, namespace: str, name: str) -> Table:
        return self.catalog.load_table((*_namespace(namespace), name))

    def _nothing(self, name: tuple[str, ...]) -> Table:
        """What stands for a table that a commit is about to create."""
        metadata = new_table_metadata(
            Schema(), UNPARTITIONED_PARTITION_SPEC, UNSORTED_SORT_ORDER, "s3://none", {}
        )
        return StagedTable(name, metadata, "s3://none", load_file_io(dict(self.settings.files)), self.catalog)

    def _loaded(self, metadata: TableMetadata, place: str | None) -> dict[str, Any]:
        found: dict[str, Any] = {"metadata": _json(metadata), "config": {}}
        if place is not None:
            found["metadata-location"] = place
        if "vended-credentials" in self.request.headers.get("x-iceberg-access-delegation", ""):
            lent = self.lender.lend(metadata.location)
            if lent:
                found["storage-credentials"] = lent
        return found


def open_catalog(folder: Path, warehouse: str, settings: Settings) -> SqlCatalog:
    """The SQL catalog below a warehouse."""
    place = {"uri": f"sqlite:///{folder}/catalog.db", "warehouse": settings.warehouse}
    return SqlCatalog(warehouse or "default", **place, **settings.files)


def problem(status: int, kind: str, message: str) -> dict[str, Any]:
    """An error as the API has it."""
    return {"error": {"message": message, "type": kind, "code": status}}


def _namespace(told: str) -> tuple[str, ...]:
    return tuple(unquote(part) for part in unquote(told).split("\x1f"))


def _json(metadata: TableMetadata) -> Any:
    return json.loads(metadata.model_dump_json())
