"""The AWS variables of the process: read through here, and hidden from engines that must not see them."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Read by the engines on their own, past what they are told explicitly.
_LEAKS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_SKIP_SIGNATURE",
    "AWS_FORCE_CREDENTIAL_LOAD",
    # They would have any certificate accepted.
    "AWS_ALLOW_INVALID_CERTIFICATES",
    "ALLOW_INVALID_CERTIFICATES",
)
# A reader that waits longer goes on: better a missing variable than a job that hangs.
_PATIENCE = 10.0


class _Ambient:
    """Hiders and readers of the variables, of which there are many at once, but never both."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._thread = threading.local()
        self._hiders = 0
        self._readers = 0
        self._hidden: dict[str, str] = {}

    @property
    def hiding(self) -> bool:
        return self._hiders > 0

    def variable(self, name: str) -> str | None:
        with self._turn:
            return self._hidden.get(name) or os.environ.get(name) or None

    @contextmanager
    def still(self) -> Iterator[None]:
        with self._turn:
            yield

    @contextmanager
    def hide(self) -> Iterator[None]:
        if not any(name in os.environ or name in self._hidden for name in _LEAKS):
            yield
            return
        with self._turn:
            self._turn.wait_for(lambda: not self._readers, _PATIENCE)
            self._hiders += 1
            self._hidden.update({name: os.environ.pop(name) for name in _LEAKS if name in os.environ})
        self._thread.hides = True
        try:
            yield
        finally:
            self._thread.hides = False
            with self._turn:
                self._hiders -= 1
                if not self._hiders:
                    self.restore()
                self._turn.notify_all()

    @contextmanager
    def show(self) -> Iterator[None]:
        with self._turn:
            if not getattr(self._thread, "hides", False):
                self._turn.wait_for(lambda: not self._hiders, _PATIENCE)
            self._readers += 1
        try:
            yield
        finally:
            with self._turn:
                self._readers -= 1
                self._turn.notify_all()

    def restore(self) -> None:
        os.environ.update(self._hidden)
        self._hidden.clear()


_ambient = _Ambient()


def _after_fork() -> None:
    global _ambient  # noqa: PLW0603 - a child has none of the threads that held or waited
    _ambient.restore()
    _ambient = _Ambient()


os.register_at_fork(after_in_child=_after_fork)


def variable(name: str) -> str | None:
    """Return an environment variable, also while it is hidden; None if it is not set or empty."""
    return _ambient.variable(name)


def blank(name: str) -> bool:
    """Tell whether an environment variable is set, to nothing."""
    return not os.environ.get(name, "set").strip()


def hiding() -> bool:
    """Tell whether the AWS variables are hidden just now."""
    return _ambient.hiding


@contextmanager
def without_ambient_settings() -> Iterator[None]:
    """Hide the AWS variables from an engine while it builds its client.

    delta-rs and object_store read them past explicit options: a session token of another identity joins
    our key, another endpoint replaces ours. They read them once, when the client is built. Compute the
    options before: nothing inside finds the variables.
    """
    with _ambient.hide():
        yield


@contextmanager
def with_ambient_settings() -> Iterator[None]:
    """Keep the AWS variables in place while botocore reads them; waits for those who hide them."""
    with _ambient.show():
        yield


@contextmanager
def with_variables_held_still() -> Iterator[None]:
    """Have nobody hide the AWS variables or show them while a library walks through all variables.

    Walking while one of them goes away is an error, of whichever variables the library wants to know. This
    waits for no one who hides them: those that it walks through may be without AWS's. Only for what asks no
    server.
    """
    with _ambient.still():
        yield
