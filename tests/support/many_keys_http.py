"""HTTP as the server of many keys speaks it: one request after the other on a connection."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, unquote_to_bytes
from xml.sax.saxutils import escape

from tests.support.many_keys_store import MODIFIED, MOST_KEYS, Asked, KeyStore, etag

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_DATE = "Mon, 05 Jan 2026 06:07:08 GMT"


@dataclass
class State:
    """The buckets, the requests by operation, and how long an answer is held back, in seconds."""

    buckets: dict[str, KeyStore] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    delay: float = 0.0


@dataclass(frozen=True)
class Answer:
    """A status, headers beside the length, and the body in pieces; `length` is that of a HEAD's body."""

    status: int
    pieces: list[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None

    def written(self) -> list[bytes]:
        """Return it as it is sent."""
        length = sum(map(len, self.pieces)) if self.length is None else self.length
        headers = {"Date": _DATE, "Content-Type": "application/xml", "Content-Length": length, **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        status = HTTPStatus(self.status)
        return [f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode(), *self.pieces]


class Exchange(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        # No client of S3 sends a second request before the answer to the first.
        head, whole, self._received = self._received.partition(b"\r\n\r\n")
        if not whole:
            self._received = head
            return
        answer = respond(self._state, head.decode("latin-1"))
        if self._state.delay:
            asyncio.get_running_loop().call_later(self._state.delay, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(answer.written())


def respond(state: State, head: str) -> Answer:
    """Answer one request."""
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    path, _, query = target.partition("?")
    bucket, _, key = path.lstrip("/").partition("/")
    asked = parse_qs(query, keep_blank_values=True)
    if not bucket:
        state.counts["ListBuckets"] += 1
        return _buckets(state)
    store = state.buckets.get(bucket)
    operation = _operation(method, asked, key=bool(key))
    state.counts[operation] += 1
    if store is None:
        return _refused(404, "NoSuchBucket", bucket, method)
    if operation == "GetBucketLocation":
        return Answer(200, [b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'])
    if operation == "ListObjectsV2":
        return Answer(200, store.answer(bucket, _asked(query)))
    if operation in {"HeadObject", "GetObject"}:
        return _object(store, method, unquote(key), headers.get("range", ""))
    return _refused(405, "MethodNotAllowed", path, method)


def _operation(method: str, asked: dict[str, list[str]], *, key: bool) -> str:
    if key:
        return {"HEAD": "HeadObject", "GET": "GetObject"}.get(method, method)
    if method == "GET" and "location" in asked:
        return "GetBucketLocation"
    return "ListObjectsV2" if method == "GET" and asked.get("list-type") == ["2"] else method


def _asked(query: str) -> Asked:
    told = {
        name: unquote_to_bytes(value.replace("+", " "))
        for name, _, value in (each.partition("=") for each in query.split("&"))
    }
    return Asked(
        prefix=told.get("prefix", b""),
        delimiter=told.get("delimiter", b""),
        start_after=told.get("start-after", b""),
        token=told.get("continuation-token", b"").decode(),
        most=min(int(told.get("max-keys", b"") or MOST_KEYS), MOST_KEYS),
        encoded=told.get("encoding-type") == b"url",
    )


def _object(store: KeyStore, method: str, key: str, wanted: str) -> Answer:
    body = store.body(key)
    if body is None:
        return _refused(404, "NoSuchKey", key, method)
    headers = {
        "ETag": f'"{etag(key.encode())}"',
        "Last-Modified": _DATE,
        "Accept-Ranges": "bytes",
        "Content-Type": "binary/octet-stream",
    }
    status, found = 200, _RANGE.fullmatch(wanted)
    if found:
        first, last = found.groups()
        start = int(first) if first else max(len(body) - int(last), 0)
        until = min(int(last) + 1, len(body)) if first and last else len(body)
        if start >= len(body):
            return _refused(416, "InvalidRange", key, method)
        headers["Content-Range"] = f"bytes {start}-{until - 1}/{len(body)}"
        status, body = 206, body[start:until]
    return Answer(status, [] if method == "HEAD" else [body], headers, len(body))


def _buckets(state: State) -> Answer:
    names = "".join(
        f"<Bucket><Name>{name}</Name><CreationDate>{MODIFIED}</CreationDate></Bucket>"
        for name in sorted(state.buckets)
    )
    text = (
        '<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Owner><ID>owner</ID></Owner><Buckets>{names}</Buckets></ListAllMyBucketsResult>"
    )
    return Answer(200, [text.encode()])


def _refused(status: int, code: str, about: str, method: str) -> Answer:
    text = f"<Error><Code>{code}</Code><Message>{code}</Message><Resource>{escape(about)}</Resource></Error>"
    body = text.encode()
    return Answer(status, [] if method == "HEAD" else [body], length=len(body))
