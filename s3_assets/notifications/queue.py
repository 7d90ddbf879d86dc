"""A queue of notifications: many messages are received in little time, and deleted when they are done."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from s3_assets.connection.adapters import boto_queues
from s3_assets.connection.adapters.boto_queues import at_queue
from s3_assets.connection.diagnosis import diagnosed
from s3_assets.errors import S3AssetsError
from s3_assets.threads import ThreadPoolExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from s3_assets.connection.adapters.boto_queues import Received, Waiting
    from s3_assets.connection.settings import S3Connection
    from s3_assets.registry.queues import QueueSettings

# Requests at once: ten messages each.
_AT_ONCE = 8
# Seconds: a tick has tables to look at, too, and is given up by Dagster after a minute.
_LONGEST = 15.0


class Queue:
    """A declared queue, reached by its connection."""

    def __init__(self, connection: S3Connection, settings: QueueSettings) -> None:
        self._connection = connection
        self._settings = settings

    def receive(self, clock: Callable[[], float] = time.monotonic) -> list[Received]:
        """Return what is there, as many messages as a look may receive and as its time lets it.

        Raises what the connection may raise, if the first request fails; what later ones miss comes again.
        """
        found = self._some()
        if len(found) < boto_queues.MOST:
            return found
        until = clock() + _LONGEST

        def go_on(_: int) -> None:
            with suppress(S3AssetsError):
                while len(found) < self._settings.max_messages and clock() < until:
                    some = self._some()
                    if not some:
                        return
                    found.extend(some)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(go_on, range(_AT_ONCE)))
        return found

    def _some(self) -> list[Received]:
        settings = self._settings
        with self._diagnosed():
            return boto_queues.receive(
                self._connection,
                settings.queue_url,
                most=boto_queues.MOST,
                wait_seconds=settings.wait_seconds,
                visibility_seconds=settings.visibility_seconds,
            )

    def delete(self, handles: Sequence[str]) -> Counter[str]:
        """Delete messages; return why some were not, and how many: these come again. Nothing is raised."""

        def some(batch: Sequence[str]) -> dict[str, str]:
            try:
                with self._diagnosed():
                    return boto_queues.delete(self._connection, self._settings.queue_url, batch)
            except S3AssetsError as error:
                return dict.fromkeys(batch, error.found)

        size = boto_queues.MOST
        batches = [handles[start : start + size] for start in range(0, len(handles), size)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return Counter(why for failed in pool.map(some, batches) for why in failed.values())

    def waiting(self) -> Waiting:
        """Return about how many messages there are; none is received by that."""
        with self._diagnosed():
            return boto_queues.waiting(self._connection, self._settings.queue_url)

    def _diagnosed(self) -> AbstractContextManager[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        connection, url = at_queue(self._connection, self._settings.queue_url), self._settings.queue_url
        return diagnosed(connection, url, BotoCoreError, ClientError)
