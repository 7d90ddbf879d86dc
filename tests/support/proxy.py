"""A proxy between a client and an S3 server that counts requests and does one thing at the k-th.

``python -m tests.support.proxy --server http://127.0.0.1:9000`` runs it. Orders are JSON lines on its
standard input, answers JSON lines on its standard output: nobody else on the machine can order it to kill,
and it ends when its owner does. Tests use :class:`RequestProxy`. Use one proxy for each process that may be
killed: after a kill the proxy forwards nothing until the next reset.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.support.proxy_door import Door
from tests.support.proxy_state import Action, ActionKind, ProxyState, RecordedRequest

REPOSITORY = Path(__file__).parents[2]


class RequestProxy:
    """A proxy process in front of ``server``, from ``with`` to its end."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.port = 0
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    @property
    def endpoint(self) -> str:
        """The URL that clients are given instead of the server's."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The proxy's own process."""
        return self._running().pid

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.support.proxy", "--server", self.server]
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = self._answer()["port"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running()
        # The end of its orders is the order to end.
        process.communicate(timeout=10)
        self._process = None

    def reset(self) -> None:
        """Forget the requests and the action; after a kill, forward again."""
        self._order({"order": "reset"})

    def requests(self) -> list[RecordedRequest]:
        """The requests since the reset, in the order of their arrival."""
        return [RecordedRequest(**record) for record in self._order({"order": "requests"})["requests"]]

    def count(self) -> int:
        """How many requests there were since the reset."""
        return int(self._order({"order": "count"})["count"])

    def arm(
        self,
        kind: ActionKind,
        at: int,
        *,
        pid: int | None = None,
        seconds: float = 0.0,
        cut_after: int | None = None,
        times: int = 1,
        writes: bool = False,
        code: str = "SlowDown",
        match: str = "",
        pieces: int = 2,
    ) -> None:
        """Have something happen at the ``at``-th request since the reset; see :class:`Action`.

        ``kill_before``: the process dies, the server never hears of the request. ``kill_after``: the server
        has answered in full, the process dies before the first byte of it. ``status``: an error of that
        code, not forwarded. ``lost_reply``: forwarded, then the error. ``cut_reply``: forwarded, then the
        connection breaks. ``reset_body``: it breaks amid the answer's body. ``truncate``: it ends there as if
        nothing were missing. ``flip``: one bit of the body is another. ``drip``: the answer comes in pieces,
        each after so many seconds. ``delay``: forwarded after so many seconds. ``refuse``: connections break
        and new ones are refused, for so many seconds or until the reset. With ``writes``, requests are
        counted that may change something.
        """
        action = Action(kind, at, pid, seconds, cut_after, times, writes, code, match, pieces)
        self._order({"order": "arm", "action": asdict(action)})

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            stream = self._running().stdin
            if stream is None:
                raise RuntimeError
            stream.write(json.dumps(order) + "\n")
            stream.flush()
            answer = self._answer()
        if "error" in answer:
            message = f"The proxy refused {order}: {answer['error']}"
            raise RuntimeError(message)
        return answer

    def _answer(self) -> dict[str, Any]:
        stream = self._running().stdout
        line = "" if stream is None else stream.readline()
        if not line:
            message = f"The proxy ended with {self._running().wait(10)}; its standard error says why."
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            message = "The proxy is not running: use it in a with statement."
            raise RuntimeError(message)
        return self._process


async def obey(state: ProxyState, order: dict[str, Any]) -> dict[str, Any]:
    """Carry one order out."""
    match order["order"]:
        case "reset":
            await state.reset()
        case "arm":
            state.arm(Action(**order["action"]))
        case "count":
            return {"count": len(state.records)}
        case "requests":
            return {"requests": [asdict(record) for record in state.records]}
        case unknown:
            return {"error": f"no such order: {unknown!r}"}
    return {}


def say(answer: dict[str, Any]) -> None:
    """Give one answer to the owner, who is waiting for it."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def serve(server: str, port: int) -> None:
    """Forward until the standard input ends."""
    address = urlsplit(server)
    if address.scheme != "http" or address.hostname is None:
        message = f"The server's URL must be http://host:port, not {server!r}."
        raise ValueError(message)
    target = (address.hostname, address.port or 80)
    state = ProxyState()
    loop = asyncio.get_running_loop()
    door = Door(state, target, port)
    await door.open()
    state.door = door
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    say({"port": door.port})
    while line := await orders.readline():
        try:
            answer = await obey(state, json.loads(line))
        except (ValueError, TypeError, TimeoutError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        say(answer)


def main() -> None:
    """Run the proxy."""
    parser = argparse.ArgumentParser(
        description="Forward S3 requests, count them, and do one thing at the k-th."
    )
    parser.add_argument("--server", required=True, help="URL of the S3 server, http://host:port")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; a free one by default")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.server, arguments.port))


if __name__ == "__main__":
    main()
