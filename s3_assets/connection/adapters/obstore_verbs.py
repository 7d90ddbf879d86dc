"""obstore's verbs, noted where they are called: obstore tells nothing of what it sends.

A call is noted as the requests that it is made of. Its tries after a failure are not seen, so that these are
the least that were sent; bytes are those of the objects' bodies. Nothing is noted where the gateway counts.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from s3_assets.metrics import Request, current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from arro3.core import RecordBatch
    from obstore import Bytes, GetOptions, GetResult, ListResult, ObjectMeta, PutMode, WritableFile
    from obstore.store import S3Store

PageOf = TypeVar("PageOf")

ENGINE = "obstore"
# What obstore takes of a body at once, unless it is told otherwise.
_PART = 5 * 1024 * 1024
# Amazon S3 API Reference, "ListObjectsV2" and "DeleteObjects".
_PAGE = _MOST_DELETED = 1000
# What the server must have answered for obstore to raise this.
_STATUS = {
    "FileNotFoundError": 404,
    "NotFoundError": 404,
    "AlreadyExistsError": 412,
    "PreconditionError": 412,
    "NotModifiedError": 304,
    "PermissionDeniedError": 403,
    "UnauthenticatedError": 401,
}


def head(store: S3Store, path: str) -> ObjectMeta:
    """Return what the server knows of the object."""
    import obstore

    with _noted("HeadObject", "HEAD", path):
        return obstore.head(store, path)


def get(store: S3Store, path: str, *, options: GetOptions | None = None) -> GetResult:
    """Return the answer; the length of its body is noted now, whether or not it is read to its end."""
    import obstore

    asks_head = bool(options and options.get("head"))
    with _noted("HeadObject" if asks_head else "GetObject", "HEAD" if asks_head else "GET", path) as told:
        found = obstore.get(store, path, options=options)
        if not asks_head:
            first, end = found.range
            told["bytes_read"] = end - first
    return found


def get_range(store: S3Store, path: str, *, start: int, end: int) -> Bytes:
    """Return the bytes from the one to before the other."""
    import obstore

    with _noted("GetObject", "GET", path) as told:
        found = obstore.get_range(store, path, start=start, end=end)
        told["bytes_read"] = len(found)
    return found


def pages(
    store: S3Store, prefix: str | None, *, offset: str | None, chunk_size: int
) -> Iterator[Sequence[ObjectMeta]]:
    """Yield what lies below the prefix; each thousand of it is noted as a page."""
    import obstore

    found = obstore.list(store, prefix, offset=offset, chunk_size=chunk_size)
    yield from _noted_pages(found, prefix or "", len)


def batches(store: S3Store, prefix: str, *, offset: str | None) -> Iterator[RecordBatch]:
    """Yield what lies below the prefix as Arrow has it, a thousand to a page, each noted.

    Columns: path, size, e_tag, last_modified (UTC), version.
    """
    import obstore

    found = obstore.list(store, prefix, offset=offset, chunk_size=_PAGE, return_arrow=True)
    yield from _noted_pages(found, prefix, lambda batch: batch.num_rows)


def _noted_pages(found: Iterator[PageOf], prefix: str, count: Callable[[PageOf], int]) -> Iterator[PageOf]:
    seen, noted = 0, 0
    while True:
        with _noted("ListObjectsV2", "GET", prefix) as told:
            chunk = next(found, None)
            seen += count(chunk) if chunk is not None else 0
            # The first page is asked for even if there is nothing in it.
            told["times"] = max(-(-seen // _PAGE), 1) - noted
            noted += told["times"]
        if chunk is None:
            return
        yield chunk


def folder(store: S3Store, prefix: str | None) -> ListResult[Sequence[ObjectMeta]]:
    """Return what lies directly below the prefix."""
    import obstore

    with _noted("ListObjectsV2", "GET", prefix or "") as told:
        found = obstore.list_with_delimiter(store, prefix)
        told["times"] = max(-(-(len(found["objects"]) + len(found["common_prefixes"])) // _PAGE), 1)
    return found


def put(
    store: S3Store,
    path: str,
    file: bytes | BinaryIO | Iterable[bytes],
    *,
    mode: PutMode | None = None,
    use_multipart: bool | None = None,
    chunk_size: int = _PART,
    max_concurrency: int = 12,
) -> None:
    """Write the object: at once, or in parts where it is longer than one, or an iterator."""
    import obstore

    if isinstance(file, bytes):
        whole = mode == "create" or use_multipart is False or len(file) <= chunk_size
        with _written(path, chunk_size, whole=whole) as sent:
            sent.append(len(file))
            obstore.put(store, path, file, mode=mode, use_multipart=use_multipart, chunk_size=chunk_size)
        return
    reads = hasattr(file, "read")
    size = _rest(file) if reads else None
    with _written(path, chunk_size, whole=size is not None and size <= chunk_size) as sent:
        if size is not None:
            sent.append(size)
        body: Any = file if reads else _passing(file, sent)
        obstore.put(store, path, body, mode=mode, chunk_size=chunk_size, max_concurrency=max_concurrency)


def copy(store: S3Store, from_: str, to: str) -> None:
    """Copy an object on the server."""
    import obstore

    with _noted("CopyObject", "PUT", to):
        obstore.copy(store, from_, to)


def delete(store: S3Store, paths: str | Sequence[str]) -> None:
    """Delete objects, a thousand with a request."""
    import obstore

    one = isinstance(paths, str)
    with _noted("DeleteObjects", "POST", paths if isinstance(paths, str) else paths[0]) as told:
        told["times"] = 1 if one else -(-len(paths) // _MOST_DELETED)
        obstore.delete(store, paths)


class NotedWriter:
    """A `WritableFile` of obstore, whose object is noted when it is published."""

    def __init__(self, file: WritableFile, path: str, part: int) -> None:
        self._file = file
        self._path = path
        self._part = part
        self._size = 0

    def write(self, buffer: bytes, /) -> int:
        """Take the bytes."""
        self._size += memoryview(buffer).nbytes
        return self._file.write(buffer)

    def close(self) -> None:
        """Publish what was written: what does not fill a part is sent at once."""
        with _written(self._path, self._part, whole=self._size <= self._part) as sent:
            sent.append(self._size)
            self._file.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Throw away what was written if there is an error."""
        self._file.__exit__(kind, error, trace)


@contextmanager
def _written(path: str, part: int, *, whole: bool) -> Iterator[list[int]]:
    """Note an object that is sent in the block: in one request, or begun, in parts, and completed."""
    sent: list[int] = []
    meter = current()
    if meter is None or meter.everything:
        yield sent
        return
    with _noted("PutObject", "PUT", path) as told:
        try:
            yield sent
        finally:
            told["bytes_written"] = sum(sent)
            if not whole:
                told["operation"], told["times"] = "UploadPart", max(-(-sum(sent) // part), 1)
    if not whole:
        for operation in ("CreateMultipartUpload", "CompleteMultipartUpload"):
            # Their time is that of the parts, which they came before and after.
            meter.note(Request(ENGINE, operation, "POST", time.time(), 0.0, 200, key=path))


@contextmanager
def _noted(operation: str, method: str, key: str) -> Iterator[dict[str, Any]]:
    """Note the call in the block, as so many `times` a request; the block tells what it learns of it."""
    told: dict[str, Any] = {}
    meter = current()
    if meter is None or meter.everything:
        yield told
        return
    began, started, status = time.time(), time.monotonic(), None
    try:
        yield told
        status = 200
    except Exception as error:
        status = _STATUS.get(type(error).__name__)
        raise
    finally:
        seconds, times = time.monotonic() - started, told.pop("times", 1)
        operation = told.pop("operation", operation)
        for number in range(times):
            # The first of several is given all that they had together.
            spent, bytes_ = (seconds, told) if number == 0 else (0.0, {})
            meter.note(Request(ENGINE, operation, method, began, spent, status, key=key, **bytes_))


def _rest(file: Any) -> int:  # noqa: ANN401 - any file
    """Return how many bytes a file has left."""
    here = file.tell()
    length = file.seek(0, 2) - here
    file.seek(here)
    return int(length)


def _passing(chunks: Iterable[bytes], sent: list[int]) -> Iterator[bytes]:
    for chunk in chunks:
        sent.append(len(chunk))
        yield chunk
