"""A process of our own on loopback, for what engines can only be given over HTTP: it has two rooms.

One hands out credentials, the other forwards requests and signs them anew. It is a process and not a thread,
since delta-rs keeps Python's interpreter lock while it waits, and a thread of this process could not answer
it then. Connections travel to it through a pipe that nobody else reads; the end of the pipe is its own end,
so that it is gone with this process however that ends.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel

from s3_assets.connection.ambient import variable, with_ambient_settings
from s3_assets.connection.secrets import SecretReference
from s3_assets.errors import S3AssetsError, ServerFailureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s3_assets.connection.settings import S3Connection

Room = Literal["credentials", "gateway"]


class Counting(NamedTuple):
    """Whose requests the gateway is to count apart from all others, and how many of them it keeps."""

    meter: int
    engine: str
    keep: int


_PROGRAM = "s3_assets.connection.loopback_server"
# What decides, past the connection, who asks and by which way: where these differ, so must the process.
_PREFIXES = ("AWS_", "HOME")
_SUFFIXES = ("_PROXY",)
_PATIENCE = 10.0
_MOST_COUNTED = 64
"""Doors of the gateway that count for a meter, each with a connection that waits; the oldest is shut."""


def ask(room: Room, connection: S3Connection, counting: Counting | None = None) -> Any:  # noqa: ANN401 - each room has an answer of its own
    """Have a room serve this connection for as long as this process lives, and return its answer.

    With `counting` it is for as long as this is among the last 64 that were asked for.

    The process is started for the first connection, and another one for each other environment. Raises what
    the room raises, and `ServerFailureError` if the process ends instead of answering.
    """
    with with_ambient_settings():
        environment = dict(os.environ)
    return _children.of(environment).ask(room, connection, counting)


def counted(answer: Any) -> Any:  # noqa: ANN401 - as `ask` answers
    """Return what the gateway counted since the last time for whom it gave that answer, and forget it."""
    return _children.counted(answer)


_Order = tuple[Room, "S3Connection", frozenset[tuple[str, str]], Counting | None]


class _Child:
    def __init__(self, environment: dict[str, str]) -> None:
        self._lock = threading.Lock()
        self._answers: dict[_Order, Any] = {}
        # An empty entry is the working directory, which the child must not search first.
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109 - the text is needed
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, "PYTHONPATH": path},
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, room: Room, connection: S3Connection, counting: Counting | None) -> Any:  # noqa: ANN401
        variables = {name: found for name in _named(connection) if (found := variable(name)) is not None}
        order = (room, connection, frozenset(variables.items()), counting)
        with self._lock:
            if order in self._answers:
                # The last one asked for is the last one that is let go.
                self._answers[order] = self._answers.pop(order)
            else:
                self._answers[order] = self._tell(room, connection, variables, counting)
                self._let_go()
            return self._answers[order]

    def _let_go(self) -> None:
        """Shut the doors of meters that were last asked for long ago: their steps have ended."""
        counted = [order for order in self._answers if order[-1] is not None]
        for order in counted[:-_MOST_COUNTED]:
            self._tell("let go", self._answers.pop(order))

    def gave(self, answer: object) -> bool:
        with self._lock:
            return self.alive and answer in self._answers.values()

    def counted(self, answer: object) -> Any:  # noqa: ANN401
        with self._lock:
            return self._tell("counted", answer)

    def _tell(self, *order: object) -> Any:  # noqa: ANN401
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise TypeError("the process was started without pipes")
        try:
            # A dump of the model would leave the secrets out.
            pickle.dump(order, stdin)
            stdin.flush()
            answer = pickle.load(stdout)  # noqa: S301 - from the process that this one started
        except (BrokenPipeError, EOFError) as error:
            raise ServerFailureError(
                f"the process that serves engines on loopback ended with {self._process.wait(_PATIENCE)}",
                remedy="Its standard error says why.",
            ) from error
        except BaseException:
            # Interrupted between an order and its answer: the next order must not get this one's.
            self._process.kill()
            raise
        if isinstance(answer, S3AssetsError):
            raise answer
        return answer

    def end(self) -> None:
        for pipe in self._pipes():
            # An order that was not taken is written by closing, too.
            with suppress(BrokenPipeError):
                pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def leave(self) -> None:
        """Let go of the pipes in a forked process, without the locks that a lost thread may hold."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for pipe in self._pipes():
            os.dup2(nowhere, pipe.fileno(), inheritable=False)
        os.close(nowhere)

    def _pipes(self) -> list[IO[bytes]]:
        return [pipe for pipe in (self._process.stdin, self._process.stdout) if pipe is not None]


class _Children:
    """The processes of this one: one for each environment that was seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[frozenset[tuple[str, str]], _Child] = {}
        # Popen objects must outlive a fork, or they complain that their process still runs.
        self._left: list[_Child] = []

    def of(self, environment: dict[str, str]) -> _Child:
        settings = frozenset(each for each in environment.items() if _decides(each[0].upper()))
        with self._lock:
            child = self._children.get(settings)
            if child is not None and not child.alive:
                child.end()
                child = None
            if child is None:
                child = self._children[settings] = _Child(environment)
            return child

    def counted(self, answer: object) -> Any:  # noqa: ANN401
        with self._lock:
            children = list(self._children.values())
        for child in children:
            if child.gave(answer):
                return child.counted(answer)
        # It has ended, and what it counted with it.
        return {}, []

    def end(self) -> None:
        with self._lock:
            for child in self._children.values():
                child.end()
            self._children.clear()

    def after_fork(self) -> None:
        """Leave the parent's children to it: a pipe held open here would keep them alive after its end."""
        self._lock = threading.Lock()
        self._left.extend(self._children.values())
        for child in self._children.values():
            child.leave()
        self._children = {}


def _decides(name: str) -> bool:
    return name.startswith(_PREFIXES) or name.endswith(_SUFFIXES)


def _named(setting: object) -> Iterator[str]:
    """Yield the environment variables that hold secrets of a connection."""
    if isinstance(setting, SecretReference) and setting.env is not None:
        yield setting.env
    elif isinstance(setting, BaseModel):
        for name in type(setting).model_fields:
            yield from _named(getattr(setting, name))
    elif isinstance(setting, tuple):
        for part in setting:
            yield from _named(part)


_children = _Children()
atexit.register(_children.end)
os.register_at_fork(after_in_child=_children.after_fork)
