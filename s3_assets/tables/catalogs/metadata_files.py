"""A table without a catalog: its own files of metadata say what it is, and a conditional put changes that."""

from __future__ import annotations

import io
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog.noop import NoopCatalog

from s3_assets.connection.adapters.pyiceberg import properties as files_of
from s3_assets.errors import DataFileBrokenError, ObjectExistsError, S3AssetsError, UnsupportedError
from s3_assets.objects import Objects
from s3_assets.tables.catalogs.newest_metadata import FOLDER, HINT, Opened, newest_metadata

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.exceptions import TableAlreadyExistsError
    from pyiceberg.io import FileIO
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import CommitTableResponse, CreateTableTransaction, Table
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.sorting import SortOrder
    from pyiceberg.table.update import TableRequirement, TableUpdate
    from pyiceberg.typedef import Identifier, Properties

    from s3_assets.connection.settings import S3Connection

# Unpacked: a table of ten thousand snapshots has some ten megabytes.
_MOST_BYTES = 256 * 1024 * 1024
_GZIP_WINDOW = 31
_CODEC = "write.metadata.compression-codec"
_METADATA_PATH = "write.metadata.path"


class MetadataFilesCatalog(NoopCatalog):
    """A catalog of one table, the folder `path` below the connection's url, whatever it is called.

    Commits follow the specification's "File System Tables", with a put that S3 refuses where the object
    exists in place of the rename: of two that race, one wins, the other gets `CommitFailedException`.
    """

    def __init__(self, connection: S3Connection, path: str) -> None:
        super().__init__("metadata files", **files_of(connection))
        self._table = connection.location.folder(path)
        self._objects = Objects(connection)
        self.identifier: Identifier = (path.strip("/") or self._table.bucket,)

    def load_table(self, identifier: str | Identifier) -> Table:
        """Return the table as it is now; raises `NoSuchTableError` if there is no file of metadata."""
        from pyiceberg.exceptions import NoSuchTableError

        found = self._newest()
        if found is None:
            raise NoSuchTableError(f"there is no metadata below {self._table.url}")
        return self._loaded(self.identifier_to_tuple(identifier), found)

    def table_exists(self, identifier: str | Identifier) -> bool:
        """Tell whether there is metadata of a table."""
        del identifier
        return self._newest() is not None

    def create_table(
        self,
        identifier: str | Identifier,
        schema: Schema | pa.Schema,
        location: str | None = None,
        partition_spec: PartitionSpec | None = None,
        sort_order: SortOrder | None = None,
        properties: Properties | None = None,
    ) -> Table:
        """Create the table; raises `TableAlreadyExistsError` if there is one, or somebody is faster."""
        from pyiceberg.exceptions import CommitFailedException

        begun = self.create_table_transaction(
            identifier, schema, location, partition_spec, sort_order, properties
        )
        try:
            begun.commit_transaction()
        except CommitFailedException:
            # The one requirement of a new table is that there is none.
            if self._newest() is None:
                raise
            raise self._already_there() from None
        return self.load_table(identifier)

    def create_table_transaction(
        self,
        identifier: str | Identifier,
        schema: Schema | pa.Schema,
        location: str | None = None,
        partition_spec: PartitionSpec | None = None,
        sort_order: SortOrder | None = None,
        properties: Properties | None = None,
    ) -> CreateTableTransaction:
        """Begin to create the table; nothing is written before its commit."""
        from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
        from pyiceberg.schema import Schema
        from pyiceberg.table import CreateTableTransaction, StagedTable
        from pyiceberg.table.metadata import new_table_metadata
        from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

        place = self._table.url.rstrip("/")
        if location is not None and location.rstrip("/") != place:
            raise UnsupportedError(
                f"without a catalog the table lies where its metadata does, {place}/, not at {location}",
                remedy="Leave the location out.",
            )
        if not isinstance(schema, Schema):
            raise UnsupportedError("a table's columns are an Iceberg schema here")
        metadata = new_table_metadata(
            schema=schema,
            partition_spec=partition_spec or UNPARTITIONED_PARTITION_SPEC,
            sort_order=sort_order or UNSORTED_SORT_ORDER,
            location=place,
            properties=dict(properties or {}),  # it takes the format version out of it
        )
        first = self._url(_name(1, metadata))
        name = self.identifier_to_tuple(identifier)
        return CreateTableTransaction(StagedTable(name, metadata, first, self._io(metadata.properties), self))

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        """Commit; raises `CommitFailedException` if a requirement does not hold, or somebody is faster."""
        from pyiceberg.table.update import update_table_metadata

        now = self._newest()
        base = now.metadata if now is not None else None
        for requirement in requirements:
            requirement.validate(base)
        if now is None:
            metadata, number = _created(updates), 1
        else:
            if not now.file.numbered:
                raise UnsupportedError(
                    f"its metadata ({now.file.name}) was written for a catalog, which would not see a commit",
                    remedy="Name that catalog in the connection, and the table as 'table'; without it, the "
                    "table can be read.",
                )
            place = self._url(now.file.name)
            metadata = update_table_metadata(now.metadata, updates, metadata_location=place)
            if metadata == now.metadata:
                return _response(metadata, place)
            number = now.file.number + 1
        if _METADATA_PATH in metadata.properties:
            raise UnsupportedError(
                f"without a catalog, metadata cannot lie elsewhere, as '{_METADATA_PATH}' says",
                remedy="Remove that property of the table.",
            )
        written = self._url(_name(number, metadata))
        self._put_new(metadata, written, table)
        # It saves others a search; that it is late or missing changes nothing.
        with suppress(S3AssetsError):
            self._objects.put(self._table.object(f"{FOLDER}{HINT}").key, str(number).encode())
        return _response(metadata, written)

    def _put_new(self, metadata: TableMetadata, place: str, table: Table) -> None:
        from pyiceberg.exceptions import CommitFailedException
        from pyiceberg.serializers import ToOutputFile

        files = self._io()
        try:
            ToOutputFile.table_metadata(metadata, files.new_output(place))
        except ObjectExistsError:
            # The answer to an earlier try of this very put may have been lost.
            if self._read(place.rpartition("/")[2]) == metadata:
                return
            if place == table.metadata_location:
                raise self._already_there() from None
            raise CommitFailedException(f"somebody else has written {place}") from None

    def _already_there(self) -> TableAlreadyExistsError:
        from pyiceberg.exceptions import TableAlreadyExistsError

        return TableAlreadyExistsError(f"there is a table below {self._table.url} already")

    def _newest(self) -> Opened | None:
        return newest_metadata(self._objects, self._table, self._read)

    def _read(self, name: str) -> TableMetadata:
        from pyiceberg.serializers import FromByteStream

        with self._io().new_input(self._url(name)).open() as stream:
            found = stream.read()
        try:
            text = _unzipped(found) if name.endswith((".gz", ".gz.metadata.json")) else found
            return FromByteStream.table_metadata(io.BytesIO(text))
        # PyIceberg's validators take the types of what they look at for granted.
        except (UnicodeDecodeError, EOFError, zlib.error, AttributeError, KeyError, TypeError) as error:
            raise DataFileBrokenError(
                f"the table's metadata cannot be read: {error}",
                remedy="Delete the file, or restore it from an older object version.",
                location=self._url(name),
            ) from error

    def _loaded(self, name: Identifier, found: Opened) -> Table:
        from pyiceberg.table import Table

        files = self._io(found.metadata.properties)
        return Table(name, found.metadata, self._url(found.file.name), files, self)

    def _io(self, more: Properties | None = None) -> FileIO:
        from pyiceberg.io import load_file_io

        # Ours come last: of a class that the table names, PyIceberg would import the module and call it.
        return load_file_io({**(more or {}), **self.properties}, self._table.url)

    def _url(self, name: str) -> str:
        return self._table.object(f"{FOLDER}{name}").url


def _response(metadata: TableMetadata, place: str) -> CommitTableResponse:
    from pyiceberg.table import CommitTableResponse

    return CommitTableResponse.model_validate({"metadata": metadata, "metadata-location": place})


def _name(number: int, metadata: TableMetadata) -> str:
    """Return the one name that every writer of this version would choose, as Iceberg's Hadoop tables do."""
    compressed = metadata.properties.get(_CODEC, "none").lower() == "gzip"
    return f"v{number}{'.gz' if compressed else ''}.metadata.json"


def _created(updates: tuple[TableUpdate, ...]) -> TableMetadata:
    """Return what the updates of a transaction that creates a table make of nothing."""
    from pyiceberg.schema import Schema
    from pyiceberg.table.metadata import TableMetadataV1
    from pyiceberg.table.update import update_table_metadata

    # Not valid by itself: the updates bring its version, columns, partitions and place.
    nothing: Any = TableMetadataV1.model_construct(last_column_id=-1, schema=Schema())
    return update_table_metadata(nothing, updates, enforce_validation=True)


def _unzipped(found: bytes) -> bytes:
    """Unpack one member of gzip; raises `EOFError` if it has no end, be it cut or without bounds."""
    opened = zlib.decompressobj(_GZIP_WINDOW)
    text = opened.decompress(found, _MOST_BYTES)
    if not opened.eof:
        raise EOFError("it has no end")
    return text
