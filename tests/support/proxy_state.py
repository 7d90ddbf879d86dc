"""What the request proxy knows: the requests since the last reset, and the one action that is armed."""

import asyncio
import os
import re
import signal
from dataclasses import dataclass
from typing import Literal, Protocol

from tests.support.http_messages import Head

ActionKind = Literal[
    "kill_before",
    "kill_after",
    "status",
    "lost_reply",
    "cut_reply",
    "reset_body",
    "truncate",
    "flip",
    "drip",
    "delay",
    "refuse",
]
WRITES = frozenset({"PUT", "POST", "DELETE"})
ANSWERS = {"SlowDown": 503, "InternalError": 500, "RequestTimeTooSkewed": 403, "ExpiredToken": 400}
"""What the proxy can answer in the server's place (Amazon S3 API Reference, "Error responses")."""
KILLS: tuple[ActionKind, ...] = ("kill_before", "kill_after")


@dataclass(slots=True)
class RecordedRequest:
    """One request as the proxy saw it. ``status`` is None when the server's answer never came.

    ``bytes_in`` and ``bytes_out`` count the bodies on the wire, framing included, heads not.
    ``status`` is what the server answered, or 503 where the proxy answered instead of it.
    """

    number: int
    method: str
    path: str
    range: str | None
    if_none_match: str | None
    bytes_in: int = 0
    bytes_out: int = 0
    status: int | None = None
    action: ActionKind | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What happens to the requests ``at`` to ``at + times - 1``.

    ``pid`` is the process that a kill ends, ``seconds`` how long a delay holds the request back, or a drip
    each piece, ``cut_after`` how many bytes of an answer's body pass before a reset (None: half of them).
    """

    kind: ActionKind
    at: int
    pid: int | None = None
    seconds: float = 0.0
    cut_after: int | None = None
    times: int = 1
    writes: bool = False
    """Count only the requests that may change something."""
    code: str = "SlowDown"
    """What the proxy answers in the server's place."""
    match: str = ""
    """Count only the requests whose method and path, such as `GET /bucket/key`, this pattern is found in."""
    pieces: int = 2
    """In how many pieces a drip gives the body."""

    def __post_init__(self) -> None:
        if self.at < 1 or self.times < 1:
            message = f"Requests are numbered from 1: at={self.at}, times={self.times}."
            raise ValueError(message)
        # Process 0 and 1 would mean the proxy's own group and the whole machine.
        if self.kind in KILLS and (self.pid is None or self.pid <= 1):
            message = f"{self.kind} needs the pid of the process to kill, not {self.pid}."
            raise ValueError(message)
        if self.code not in ANSWERS:
            message = f"No such answer: {self.code}; there are {', '.join(ANSWERS)}."
            raise ValueError(message)

    def counts(self, record: RecordedRequest) -> bool:
        """Tell whether it is one of the requests that are counted."""
        if self.writes and record.method not in WRITES:
            return False
        return re.search(self.match, f"{record.method} {record.path}") is not None


class Droppable(Protocol):
    """A client's connection, as far as the end of its process is concerned."""

    def drop(self) -> None:
        """Give nothing more to either side; let a request that the server has whole finish."""

    def abort(self) -> None:
        """Break both sides."""


class Door(Protocol):
    """Where clients come in."""

    async def open(self) -> None:
        """Listen, if nobody does."""

    def close(self, seconds: float) -> None:
        """Refuse whoever comes, for so long; zero: until it is opened."""


class ProxyState:
    """Numbers the requests, hands out the armed action, and ends the client's process."""

    def __init__(self) -> None:
        self.records: list[RecordedRequest] = []
        self.connections: set[Droppable] = set()
        self.dropping = False
        """Set by a kill: until the next reset nothing of any client is forwarded."""
        self._action: Action | None = None
        self._counted = 0
        """Of the requests that the action counts."""
        self.door: Door | None = None
        self._orphans: set[Droppable] = set()
        self._settled = asyncio.Event()
        self._settled.set()

    def begin(self, head: Head) -> tuple[RecordedRequest, Action | None]:
        """Record a request whose head has arrived; its action, if it is its turn."""
        record = RecordedRequest(
            len(self.records) + 1,
            head.start[0],
            head.start[1],
            head.header(b"range"),
            head.header(b"if-none-match"),
        )
        self.records.append(record)
        action = self._action
        if action is None or not action.counts(record):
            return record, None
        self._counted += 1
        if not action.at <= self._counted < action.at + action.times:
            return record, None
        record.action = action.kind
        return record, action

    def arm(self, action: Action) -> None:
        """Set the one action; it takes the place of an earlier one."""
        passed = sum(map(action.counts, self.records))
        if action.at <= passed:
            message = f"Request {action.at} has already passed: {passed} since the reset."
            raise ValueError(message)
        self._action, self._counted = action, passed

    def kill(self, action: Action) -> None:
        """End the client's process (its whole group, if it leads one) and drop all that it still sends."""
        if action.pid is None:
            raise TypeError
        try:
            if os.getpgid(action.pid) == action.pid:
                os.killpg(action.pid, signal.SIGKILL)
            else:
                os.kill(action.pid, signal.SIGKILL)
        except ProcessLookupError:
            # It ended by itself; whoever waits for it sees that it was not killed.
            pass
        self._action = None
        self.dropping = True
        for connection in list(self.connections):
            connection.drop()

    def refuse(self, action: Action) -> None:
        """Be gone: connections break, and new ones are refused, for so many seconds or until the reset."""
        if self.door is not None:
            self.door.close(action.seconds)
        for connection in list(self.connections):
            connection.abort()

    async def reset(self, patience: float = 10.0) -> None:
        """Forget requests and action, once the server has answered what dead clients left behind.

        Otherwise a request of a dead process could act in the middle of the next one's work, and a test
        would fail once in a thousand runs.
        """
        if self.dropping:
            # A dead process's connection may wait in the listener's queue: have it accepted, and dropped.
            await asyncio.sleep(0.01)
        try:
            await asyncio.wait_for(self._settled.wait(), patience)
        except TimeoutError as error:
            message = f"{len(self._orphans)} requests of a dead client were not answered in {patience} s."
            raise TimeoutError(message) from error
        self.records = []
        self._action = None
        self.dropping = False
        if self.door is not None:
            await self.door.open()

    def leave_behind(self, connection: Droppable) -> None:
        """The client is gone, the server has its whole request and has not answered it yet."""
        self._orphans.add(connection)
        self._settled.clear()

    def settle(self, connection: Droppable) -> None:
        """The request is answered, or its connection lost."""
        self._orphans.discard(connection)
        if not self._orphans:
            self._settled.set()
