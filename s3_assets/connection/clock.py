"""How far this machine's clock is from the server's, by the `Date` of an answer (RFC 9110, section 6.6.1)."""

from __future__ import annotations

import queue
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

# S3 allows 15 minutes; whoever is off by 5 will be off by 15 soon, and some servers allow less.
NOTABLE = timedelta(minutes=5)
_PATIENCE = 3.0
_UNITS = (("day", 1440), ("hour", 60), ("minute", 1))
# Many requests may fail at once: they share a measurement for this many seconds.
_KEPT = 60.0

_measured: dict[S3Connection, tuple[float, timedelta | None]] = {}


def clock_skew(connection: S3Connection, *, patience: float = _PATIENCE) -> timedelta | None:
    """Return how far this machine's clock is ahead of the server's (negative: behind), or None if unknown.

    It asks the endpoint once, unsigned, on the connection's own way: proxy, TLS. It raises nothing, and waits
    `patience` seconds at most.
    """
    at, skew = _measured.get(connection, (float("-inf"), None))
    if time.monotonic() - at < _KEPT:
        return skew
    answers: queue.SimpleQueue[timedelta | None] = queue.SimpleQueue()
    # A name server may take longer than every time limit of the request: the thread is left behind then.
    threading.Thread(target=lambda: answers.put(_measure(connection, patience)), daemon=True).start()
    try:
        skew = answers.get(timeout=patience)
    except queue.Empty:
        skew = None
    _measured[connection] = (time.monotonic(), skew)
    return skew


def told(skew: timedelta) -> str:
    """Say it: "this machine's clock is 20 minutes ahead of the server's"."""
    minutes = round(abs(skew).total_seconds() / 60)
    unit, size = next(each for each in _UNITS if minutes >= 2 * each[1] or each[1] == 1)
    count = round(minutes / size)
    direction = "ahead of" if skew > timedelta() else "behind"
    return f"this machine's clock is {count} {unit}{'' if count == 1 else 's'} {direction} the server's"


def _measure(connection: S3Connection, patience: float) -> timedelta | None:
    from botocore.exceptions import BotoCoreError, ClientError

    started = datetime.now(UTC)
    try:
        answer = _client(connection, patience).head_bucket(Bucket=connection.location.bucket)
    except ClientError as error:
        # Refused, as a rule: that is an answer, too.
        answer = error.response
    except (BotoCoreError, S3AssetsError, OSError, ValueError):
        return None
    ended = datetime.now(UTC)
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        there = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    # The server wrote its date in the middle of the round trip, about.
    return started + (ended - started) / 2 - there


def _client(connection: S3Connection, patience: float) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    from botocore.config import Config

    from s3_assets.connection.adapters.botocore_dialect import client_arguments
    from s3_assets.connection.sessions import plain_session

    arguments = client_arguments(connection, "s3", unsigned=True)
    quick = Config(connect_timeout=patience, read_timeout=patience, retries={"total_max_attempts": 1})
    arguments["config"] = arguments["config"].merge(quick)
    return plain_session().create_client("s3", **arguments)
