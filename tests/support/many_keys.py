"""A read-only S3 server that lists buckets of a million keys as quickly as Amazon's, or as slowly as asked.

The embedded server sorts all keys of a bucket for each page; this one finds a page by bisection. It knows
ListObjectsV2, HeadObject, GetObject with ranges, ListBuckets and GetBucketLocation, by path, and checks no
signatures. That its pages are those of other servers is tested in ``tests/support_tests/test_many_keys.py``.

``python -m tests.support.many_keys`` runs it. Orders are JSON lines on its standard input, answers JSON lines
on its standard output, and it ends when its owner does. Tests use :class:`ManyKeys`.
"""

import asyncio
import gc
import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.many_keys_http import Exchange, State
from tests.support.many_keys_layouts import LAYOUTS
from tests.support.many_keys_store import KeyStore

REPOSITORY = Path(__file__).parents[2]


class ManyKeys:
    """The server's process, from ``with`` to its end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    @property
    def endpoint_url(self) -> str:
        """The URL for S3 clients; any keys will do."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.many_keys"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._port = self._answer()["port"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The end of its orders is the order to end.
        self._running().communicate(timeout=30)
        self._process = None

    def lay_out(self, bucket: str, layout: str, keys: int) -> int:
        """Make a bucket with so many keys of a layout; return how many they are."""
        return int(self._order("lay_out", bucket=bucket, layout=layout, keys=keys)["keys"])

    def fill(
        self, bucket: str, objects: Iterable[tuple[str, int]], bodies: Mapping[str, bytes] | None = None
    ) -> None:
        """Make a bucket of objects by key and size; bodies are by key or ending, else zeros."""
        told = {key: b64encode(body).decode() for key, body in (bodies or {}).items()}
        self._order("fill", bucket=bucket, objects=list(objects), bodies=told)

    def remove(self, bucket: str) -> None:
        """Forget a bucket."""
        self._order("remove", bucket=bucket)

    def delay(self, seconds: float) -> None:
        """Answer each request so much later."""
        self._order("delay", seconds=seconds)

    def reset(self) -> None:
        """Forget the requests."""
        self._order("reset")

    def requests(self) -> dict[str, int]:
        """Return how many requests there were since the reset, by operation."""
        counts: dict[str, int] = self._order("requests")["requests"]
        return counts

    def _order(self, order: str, **arguments: object) -> dict[str, Any]:
        stream = self._running().stdin
        if stream is None:
            raise RuntimeError
        stream.write(json.dumps({"order": order, **arguments}) + "\n")
        stream.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        stream = self._running().stdout
        line = "" if stream is None else stream.readline()
        if not line:
            message = f"The server ended with {self._running().wait(10)}; its standard error says why."
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            message = "The server is not running: use it in a with statement."
            raise RuntimeError(message)
        return self._process


def obey(state: State, order: dict[str, Any]) -> dict[str, Any]:
    """Carry one order out."""
    match order["order"]:
        case "lay_out":
            layout = LAYOUTS[order["layout"]](order["keys"])
            store = KeyStore(layout.objects, layout.bodies)
            store.prepare()
            state.buckets[order["bucket"]] = store
            # Millions of values that stay: no collection needs to look at them again.
            gc.collect()
            gc.freeze()
            return {"keys": len(store.keys)}
        case "fill":
            bodies = {key: b64decode(body) for key, body in order["bodies"].items()}
            state.buckets[order["bucket"]] = KeyStore(order["objects"], bodies)
        case "remove":
            del state.buckets[order["bucket"]]
        case "delay":
            state.delay = order["seconds"]
        case "reset":
            state.counts.clear()
        case "requests":
            return {"requests": dict(state.counts)}
    return {}


def say(answer: dict[str, Any]) -> None:
    """Give one answer to the owner, who is waiting for it."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def serve() -> None:
    """Answer until the standard input ends."""
    state = State()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Exchange(state), "127.0.0.1", 0, backlog=512)
    # A line may have all keys of a bucket.
    orders = asyncio.StreamReader(limit=2**28)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    say({"port": listener.sockets[0].getsockname()[1]})
    while line := await orders.readline():
        say(obey(state, json.loads(line)))


if __name__ == "__main__":
    asyncio.run(serve())
