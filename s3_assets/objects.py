"""Raw objects: the only caller of list, head, get, put, copy and delete.

A connection that encrypts on the client has its bodies encrypted and decrypted here; sizes are then those of
what is stored.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from s3_assets import object_listings
from s3_assets.connection import client_side
from s3_assets.connection.adapters import boto_listing
from s3_assets.connection.adapters import obstore as adapter
from s3_assets.connection.adapters import obstore_verbs as verbs
from s3_assets.connection.diagnosis import diagnose
from s3_assets.errors import (
    ObjectMissingError,
    RequestTimeoutError,
    S3AssetsError,
    ServerFailureError,
    SourceRewrittenError,
    UnsupportedError,
)
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl
    from obstore import BytesStream, GetOptions
    from obstore.store import S3Store

    from s3_assets.connection.adapters.listed_objects import ListedObjects
    from s3_assets.connection.settings import S3Connection

_LIST_CHUNK = 1000
_COPY_AT_ONCE = 16


class ObjectInfo(NamedTuple):
    """What a listing says of one object; `key` counts from the bucket's root."""

    key: str
    size: int
    etag: str
    modified: datetime


class FolderPage(NamedTuple):
    """What lies in a folder, from one request: folders with their slash, and objects."""

    folders: list[str]
    objects: list[ObjectInfo]
    more: bool
    """Whether there is more behind it."""


class SizesPage(NamedTuple):
    """Keys and sizes of one page of a listing, in the order of the keys."""

    keys: list[str]
    sizes: list[int]
    more: bool
    """Whether there is more behind it."""


def _frame(page: ListedObjects) -> pl.DataFrame:
    import polars as pl

    fields = ("Key", "Size", "ETag", "LastModified", "StorageClass")
    told = {field: page.column(field) for field in fields}
    return pl.DataFrame(told, schema=dict.fromkeys(fields, pl.String)).select(
        pl.col("Key").alias("key"),
        pl.col("Size").cast(pl.Int64).alias("size"),
        pl.col("ETag").fill_null("").alias("etag"),
        pl.col("LastModified").str.to_datetime("%+", time_unit="us", time_zone="UTC").alias("modified"),
        pl.col("StorageClass").fill_null("STANDARD").alias("storage_class"),
    )


def _failures(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what engines raise; who asked boto3 alone need not load obstore for that."""
    loaded = sys.modules.get("obstore.exceptions")
    # obstore refuses a key that it cannot parse with a plain ValueError.
    known: tuple[type[Exception], ...] = (OSError, ValueError, *others)
    return known if loaded is None else (loaded.BaseError, *known)


def _is_of_polars(error: Exception) -> bool:
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(error, polars.exceptions.PolarsError)


class Objects:
    """The objects of one connection's bucket; every key counts from the bucket's root."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection

    @property
    def _store(self) -> S3Store:
        return adapter.store(self._connection)

    @property
    def _encrypts(self) -> bool:
        return self._connection.encryption.client_side is not None

    def list_objects(self, prefix: str, *, start_after: str | None = None) -> Iterator[ObjectInfo]:
        """Yield every object below the folder `prefix`, a thousand to a request."""
        with self._diagnosed(prefix):
            for chunk in verbs.pages(self._store, prefix or None, offset=start_after, chunk_size=_LIST_CHUNK):
                for item in chunk:
                    yield ObjectInfo(item["path"], item["size"], item["e_tag"] or "", item["last_modified"])

    def list_pages(self, prefix: str, start_after: str | None = None) -> Iterator[pl.DataFrame]:
        """Yield the objects whose keys begin with `prefix`, a folder or not, a thousand to a request.

        Columns: key, size in bytes, etag, modified (UTC), storage_class (`STANDARD` where none is told).
        """
        from botocore.exceptions import BotoCoreError, ClientError

        found = boto_listing.pages(self._connection, prefix, start_after)
        while True:
            with self._diagnosed(prefix, BotoCoreError, ClientError):
                page = next(found, None)
            if page is None:
                return
            with self._understood(prefix):
                frame = _frame(page)
            yield frame

    def list_frame(self, prefix: str, start_after: str | None = None) -> pl.DataFrame:
        """Return every object whose key begins with `prefix`, as `list_pages` yields them."""
        import polars as pl

        return pl.concat(list(self.list_pages(prefix, start_after=start_after)))

    def list_data(self, prefix: str, start_after: str | None = None) -> pl.DataFrame:
        """Return the objects whose keys begin with `prefix` and that have a byte, as `list_frame` does.

        Their storage class is null where boto3, which alone tells it, need not be loaded.
        """
        import polars as pl

        # obstore lists folders alone; at the bucket's root it takes a leading slash off a key.
        found = object_listings.data(self._connection, prefix, start_after) if prefix.endswith("/") else None
        if found is None:
            return self.list_frame(prefix, start_after).filter(pl.col("size") > 0)
        return found.with_columns(storage_class=pl.lit(None, pl.String))

    def restored(self, key: str) -> bool:
        """Tell whether there is a restored copy of an archived object, which can be read."""
        from botocore.exceptions import BotoCoreError, ClientError

        with self._diagnosed(key, BotoCoreError, ClientError):
            return boto_listing.restored(self._connection, key)

    def list_folders(self, prefix: str) -> tuple[list[str], list[ObjectInfo]]:
        """Return the folders (with their slash) and the objects directly below the folder `prefix`."""
        with self._diagnosed(prefix):
            found = verbs.folder(self._store, prefix or None)
        objects = [
            ObjectInfo(item["path"], item["size"], item["e_tag"] or "", item["last_modified"])
            for item in found["objects"]
        ]
        return [f"{folder.rstrip('/')}/" for folder in found["common_prefixes"]], objects

    def folder_page(self, prefix: str, start_after: str | None = None, *, deep: bool = False) -> FolderPage:
        """Return one page, a thousand at most, of what lies directly in the folder `prefix`.

        Keys sort after `start_after`; `deep` lists the objects in its folders as well, and no folders.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        with self._diagnosed(prefix, BotoCoreError, ClientError):
            page = boto_listing.folder_page(self._connection, prefix, start_after, deep=deep)
        with self._understood(prefix):
            columns = [page.objects.column(field) for field in ("Key", "Size", "ETag", "LastModified")]
            objects = [
                ObjectInfo(key or "", int(size or 0), etag or "", datetime.fromisoformat(modified or ""))
                for key, size, etag, modified in zip(*columns, strict=True)
            ]
        return FolderPage(page.folders, objects, page.more)

    def sizes_page(self, prefix: str, start_after: str | None = None) -> SizesPage:
        """Return one page, a thousand at most, of the keys that begin with `prefix`, and their sizes.

        Keys sort after `start_after`. Nothing else is read of the answer: that is half of the work.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        with self._diagnosed(prefix, BotoCoreError, ClientError):
            page = boto_listing.folder_page(self._connection, prefix, start_after, deep=True)
        with self._understood(prefix):
            keys = [key or "" for key in page.objects.column("Key")]
            sizes = [int(size or 0) for size in page.objects.column("Size")]
        return SizesPage(keys, sizes, page.more)

    def exists(self, key: str) -> bool:
        """Tell whether the object is there."""
        try:
            self.head(key)
        except ObjectMissingError:
            return False
        return True

    def head(self, key: str) -> ObjectInfo:
        """Return what the server knows of the object."""
        with self._diagnosed(key):
            item = verbs.head(self._store, key)
        return ObjectInfo(key, item["size"], item["e_tag"] or "", item["last_modified"])

    def get(self, key: str) -> bytes:
        """Return the whole object."""
        if self._encrypts:
            return client_side.get(self._connection, key)
        with self._diagnosed(key):
            return bytes(verbs.get(self._store, key).bytes())

    def get_told(self, key: str) -> tuple[bytes, str]:
        """Return the whole object and its ETag; without one if it was encrypted on the client."""
        if self._encrypts:
            return client_side.get(self._connection, key), ""
        with self._diagnosed(key):
            answer = verbs.get(self._store, key)
            return bytes(answer.bytes()), answer.meta["e_tag"] or ""

    def url(self, key: str) -> str:
        """Return the object's place, as messages name it."""
        return f"s3://{self._connection.location.bucket}/{key}"

    @property
    def encrypts(self) -> bool:
        """Whether bodies are encrypted on the client: such objects are read whole, never a range of one."""
        return self._encrypts

    def stream(self, key: str, chunk: int, *, start: int = 0, etag: str = "") -> Iterator[bytes]:
        """Yield the object from a byte to its end, about `chunk` bytes at a time.

        A request has its time, and who takes the bytes may need longer: then what is left is asked for anew.
        With an `etag`, raises `SourceRewrittenError` if the object is not the one that had it.
        """
        if self._encrypts:
            yield client_side.get(self._connection, key)[start:]
            return
        found, etag = self._begun(key, chunk, start, etag)
        asked_from = start
        while True:
            try:
                # Errors of the caller's own, thrown in where it stands, are none of the server's.
                with self._diagnosed(key):
                    part = next(found, None)
            except RequestTimeoutError:
                if start == asked_from:
                    raise
                found, etag = self._begun(key, chunk, start, etag)
                asked_from = start
                continue
            if part is None:
                return
            start += len(part)
            yield bytes(part)

    def _begun(self, key: str, chunk: int, start: int, etag: str) -> tuple[BytesStream, str]:
        """Return the object's bytes from one on, and its ETag."""
        asked: GetOptions = {}
        if start:
            asked["range"] = {"offset": start}
        if etag:
            asked["if_match"] = etag
        with self._diagnosed(key), self._unchanged(key):
            answer = verbs.get(self._store, key, options=asked)
            return answer.stream(min_chunk_size=chunk), etag or answer.meta["e_tag"] or ""

    def seekable(self, key: str, size: int, tail: int) -> BinaryIO:
        """Return the object as a file that is read by ranges; its last `tail` bytes are read at once.

        Raises `UnsupportedError` on a connection that encrypts on the client.
        """
        import io

        from s3_assets.connection.adapters.pyiceberg_reader import ObjectReader

        end = self.get_tail(key, size=size, length=tail)

        def fetch(start: int, stop: int) -> bytes:
            with self._diagnosed(key):
                return bytes(verbs.get_range(self._store, key, start=start, end=stop))

        return io.BufferedReader(ObjectReader(fetch, size, end), 128 * 1024)

    def get_tail(self, key: str, *, size: int, length: int) -> bytes:
        """Return the last `length` bytes of an object that has `size` of them.

        Raises `UnsupportedError` on a connection that encrypts on the client.
        """
        self._refuse_encrypted(key)
        with self._diagnosed(key):
            return bytes(verbs.get_range(self._store, key, start=max(size - length, 0), end=size))

    def get_end(self, key: str, length: int) -> bytes:
        """Return the last `length` bytes of an object, or all that it has.

        Raises `UnsupportedError` on a connection that encrypts on the client.
        """
        self._refuse_encrypted(key)
        with self._diagnosed(key):
            return bytes(verbs.get(self._store, key, options={"range": {"suffix": length}}).bytes())

    def get_range(self, key: str, start: int, end: int, *, etag: str = "") -> bytes:
        """Return the bytes from `start` to before `end`, fewer if the object ends earlier.

        With an `etag`, raises `SourceRewrittenError` if the object is not the one that had it. Raises
        `UnsupportedError` on a connection that encrypts on the client.
        """
        self._refuse_encrypted(key)
        asked: GetOptions = {"range": (start, end)}
        if etag:
            asked["if_match"] = etag
        with self._diagnosed(key), self._unchanged(key):
            return bytes(verbs.get(self._store, key, options=asked).bytes())

    def put(self, key: str, body: bytes | BinaryIO) -> None:
        """Write the object, over what is there; a file is sent in parts."""
        if self._encrypts:
            client_side.put(self._connection, key, body)
            return
        with self._diagnosed(key):
            verbs.put(self._store, key, body)

    def put_stream(self, key: str, chunks: Iterator[bytes], part: int) -> None:
        """Write the object while its bytes are made, in parts of `part` bytes, one at a time.

        What the iterator raises ends the upload, and the server keeps nothing of it. Raises
        `UnsupportedError` on a connection that encrypts on the client.
        """
        self._refuse_encrypted(key)
        with self._diagnosed(key):
            verbs.put(self._store, key, chunks, chunk_size=part, max_concurrency=1)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write the object unless there is one; tell whether it was written."""
        if self._encrypts:
            return client_side.put_if_absent(self._connection, key, body)
        from obstore.exceptions import AlreadyExistsError

        with self._diagnosed(key):
            try:
                verbs.put(self._store, key, body, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def copy(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Copy objects on the server, several at once."""

        def one(pair: tuple[str, str]) -> None:
            with self._diagnosed(pair[0], operation="CopyObject"):
                verbs.copy(self._store, *pair)

        with ThreadPoolExecutor(min(_COPY_AT_ONCE, self._connection.transport.max_connections)) as pool:
            list(pool.map(one, pairs))

    def delete(self, keys: Iterable[str]) -> int:
        """Delete the objects and return how many were asked for; missing ones are no error."""
        wanted = list(keys)
        if not wanted:
            return 0
        with self._diagnosed(wanted[0]):
            try:
                verbs.delete(self._store, wanted)
            except FileNotFoundError:
                return len(wanted)
        return len(wanted)

    def _refuse_encrypted(self, key: str) -> None:
        if self._encrypts:
            raise UnsupportedError(
                "an object that was encrypted on the client is read as a whole, never a range of it",
                remedy="Use encryption.server_side, or a connection without encryption.client_side.",
                connection=self._connection.name,
                location=f"s3://{self._connection.location.bucket}/{key}",
            )

    @contextmanager
    def _understood(self, prefix: str) -> Iterator[None]:
        """Say that a listing was damaged on its way, or that no S3 server has made it."""
        try:
            yield
        except Exception as error:
            # XML's own errors are a SyntaxError; Polars, whose errors are no ValueError, may not be loaded.
            if not isinstance(error, ValueError | SyntaxError) and not _is_of_polars(error):
                raise
            raise ServerFailureError(
                f"the listing that the server gave cannot be read: {str(error).splitlines()[0]}",
                remedy="Run it again; if it stays, look at what stands between, and use https.",
                connection=self._connection.name,
                location=self.url(prefix),
            ) from None

    @contextmanager
    def _unchanged(self, key: str) -> Iterator[None]:
        from obstore.exceptions import PreconditionError

        try:
            yield
        except PreconditionError:
            raise SourceRewrittenError(
                "the object was changed while it was read",
                remedy="Run it again.",
                connection=self._connection.name,
                location=f"s3://{self._connection.location.bucket}/{key}",
            ) from None

    @contextmanager
    def _diagnosed(self, key: str, *errors: type[Exception], operation: str | None = None) -> Iterator[None]:
        try:
            yield
        except _failures(*errors) as error:
            if isinstance(error, S3AssetsError):
                raise
            # Not chained: the engine quotes request headers.
            location = f"s3://{self._connection.location.bucket}/{key}"
            raise diagnose(error, self._connection, location, operation=operation) from None
