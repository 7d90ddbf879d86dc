"""PyIceberg's files over obstore: loaded by PyIceberg alone, which finds the class by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyiceberg.io import FileIO, InputFile, OutputFile

from s3_assets.connection.adapters import obstore_verbs as verbs
from s3_assets.connection.adapters.obstore import store
from s3_assets.connection.adapters.pyiceberg import by_bucket, known_connections, remember, travels
from s3_assets.connection.adapters.pyiceberg_reader import ObjectReader
from s3_assets.connection.adapters.pyiceberg_writer import NewObject, ObjectWriter
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.errors import ObjectExistsError, ObjectMissingError, ServerFailureError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from obstore.store import S3Store

    from s3_assets.connection.settings import S3Connection

_SCHEMES = ("s3", "s3a", "s3n")
# What PyArrow reads first of a Parquet file; most manifests are shorter.
_TAIL = 64 * 1024
# A part and the parts under way: what a file that is being written holds in memory.
_PART = 8 * 1024 * 1024
_PARTS_AT_ONCE = 4


class ConnectionFileIO(FileIO):
    """Files of the buckets that the named connections reach; every other place is refused.

    Errors are ours, and of the kinds that PyIceberg's `FileIO` promises: `FileNotFoundError`,
    `FileExistsError`, `PermissionError`.
    """

    def __init__(self, properties: dict[str, Any]) -> None:
        super().__init__(properties)
        self._connections = by_bucket(known_connections(properties))

    def __reduce__(self) -> tuple[Callable[..., ConnectionFileIO], tuple[object, ...]]:
        """Pickle the properties, with the connections that hold no secret."""
        told = tuple(each for each in self._connections.values() if travels(each))
        return _unpickled, (self.properties, told)

    def new_input(self, location: str) -> ConnectionInputFile:
        """Return the file to read."""
        return ConnectionInputFile(self._object(location))

    def new_output(self, location: str) -> ConnectionOutputFile:
        """Return the file to write."""
        return ConnectionOutputFile(self._object(location))

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete the file; raises `FileNotFoundError` if there is none, which S3 does not tell by itself."""
        found = self._object(location if isinstance(location, str) else location.location)
        found.size()
        with found.diagnosed():
            verbs.delete(found.store, found.key)

    def _object(self, location: str) -> _Object:
        # Not taken apart as a URL: a key may hold '?', '#' and '%', which mean nothing there.
        scheme, _, path = location.partition("://")
        bucket, _, key = path.partition("/")
        connection = self._connections.get(bucket)
        if scheme.lower() not in _SCHEMES or not key or connection is None:
            reached = ", ".join(sorted(f"s3://{bucket}/" for bucket in self._connections))
            raise SettingError(
                f"the file is not in a bucket that the table's connections reach ({reached})",
                remedy="Give the connection of its bucket, too, if the table may use files there.",
                location=location,
            )
        return _Object(connection, location, key)


def _unpickled(properties: dict[str, Any], connections: tuple[S3Connection, ...]) -> ConnectionFileIO:
    for connection in connections:
        remember(connection)
    return ConnectionFileIO(properties)


class _Object:
    """One object of one connection, with every error turned into ours."""

    def __init__(self, connection: S3Connection, location: str, key: str) -> None:
        self.location = location
        self.key = key
        self._connection = connection

    @property
    def store(self) -> S3Store:
        return store(self._connection)

    def diagnosed(self) -> AbstractContextManager[None]:
        from obstore.exceptions import BaseError

        # obstore refuses a key that it cannot parse with a plain ValueError.
        return diagnosed(self._connection, self.location, BaseError, OSError, ValueError)

    def size(self) -> int:
        with self.diagnosed():
            return int(verbs.head(self.store, self.key)["size"])

    def exists(self) -> bool:
        try:
            self.size()
        except ObjectMissingError:
            return False
        return True

    def tail(self) -> tuple[int, bytes]:
        """Return the object's size and its end: one request, where HEAD would tell the size alone."""
        try:
            with self.diagnosed():
                found = verbs.get(self.store, self.key, options={"range": {"suffix": _TAIL}})
                return int(found.meta["size"]), bytes(found.bytes())
        except ServerFailureError:
            # The end of an empty object cannot be asked for.
            if self.size() == 0:
                return 0, b""
            raise

    def between(self, start: int, end: int) -> bytes:
        with self.diagnosed():
            return bytes(verbs.get_range(self.store, self.key, start=start, end=end))

    def put_new(self, content: bytes) -> None:
        from obstore.exceptions import AlreadyExistsError

        try:
            verbs.put(self.store, self.key, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            # The answer to an earlier try of this very put may have been lost.
            if self.size() == len(content) and self.between(0, len(content)) == content:
                return
            raise ObjectExistsError(
                "there is an object already",
                remedy="Write to another key, or allow to overwrite it.",
                location=self.location,
            ) from None


class ConnectionInputFile(InputFile):
    """An object to read."""

    def __init__(self, found: _Object) -> None:
        super().__init__(found.location)
        self._object = found
        self._size: int | None = None

    def __len__(self) -> int:
        if self._size is None:
            self._size = self._object.size()
        return self._size

    def exists(self) -> bool:
        """Tell whether it is there."""
        return self._object.exists()

    def open(self, seekable: bool = True) -> ObjectReader:  # noqa: ARG002 - PyIceberg's words
        """Return a reader that can always seek; raises `FileNotFoundError` if there is no such object."""
        self._size, tail = self._object.tail()
        return ObjectReader(self._object.between, self._size, tail)


class ConnectionOutputFile(OutputFile):
    """An object to write."""

    def __init__(self, found: _Object) -> None:
        super().__init__(found.location)
        self._object = found
        self._writer: ObjectWriter | None = None

    def __len__(self) -> int:
        if self._writer is not None and self._writer.published:
            return self._writer.size
        return self._object.size()

    def exists(self) -> bool:
        """Tell whether it is there."""
        return self._object.exists()

    def to_input_file(self) -> ConnectionInputFile:
        """Return the same file to read."""
        return ConnectionInputFile(self._object)

    def create(self, overwrite: bool = False) -> ObjectWriter:
        """Return a writer that sends parts while it is written to.

        Without `overwrite`, the object is held in memory and sent at once when the writer is closed, since
        only then the server can refuse it: `ObjectExistsError`. PyIceberg writes a table's metadata in this
        way, which it has in memory as a whole.
        """
        import obstore

        with self._object.diagnosed():
            sink = (
                verbs.NotedWriter(
                    obstore.open_writer(
                        self._object.store,
                        self._object.key,
                        buffer_size=_PART,
                        max_concurrency=_PARTS_AT_ONCE,
                    ),
                    self._object.key,
                    _PART,
                )
                if overwrite
                else NewObject(self._object.put_new)
            )
        self._writer = ObjectWriter(sink, self._object.diagnosed)
        return self._writer
