"""A small job of one engine in a process of its own, as the lines of standard input order it.

`python -m tests.staying.jobs ENGINES URL ENDPOINT` writes and reads, says `done`, and waits. `again` reads
once more with short time limits, and says what came of it; `threads` says which threads hold the process.
"""

import sys
import threading

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from s3_assets.errors import S3AssetsError
from tests.connection.engines import ENGINES, Engine

PATIENT = Transport(max_retries=0)
SHORT = Transport(connect_timeout=5, read_timeout=0.4, max_retries=0)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def connection_of(name: str, url: str, endpoint: str, transport: Transport) -> S3Connection:
    # A cap on connections is kept by the gateway, a process of its own.
    gateway = {"max_connections": 4} if name.startswith("gateway ") else {}
    return S3Connection(
        name="lake",
        url=url,
        endpoint=endpoint,
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id="test", secret_access_key="test"),
        transport=transport.model_copy(update=gateway),
    )


def engine_of(name: str) -> Engine:
    return next(each for each in ENGINES if each.name == name.removeprefix("gateway "))


def read_again(name: str, url: str, endpoint: str) -> str:
    try:
        engine_of(name).diagnosed_read(connection_of(name, url, endpoint, SHORT), name)
    except S3AssetsError as error:
        return type(error).__name__
    return "it was answered"


def main(names: str, url: str, endpoint: str) -> None:
    """Do the jobs of all engines that are named, with commas between."""
    each = names.split(",")
    found = [engine_of(name).round_trip(connection_of(name, url, endpoint, PATIENT), name) for name in each]
    say("done" if all(numbers == [1, 2, 3] for numbers in found) else "wrong rows")
    order = sys.stdin.readline().strip()
    if order == "again":
        for name in each:
            say(read_again(name, url, endpoint))
    if order == "threads":
        say(",".join(thread.name for thread in threading.enumerate() if not thread.daemon))


if __name__ == "__main__":
    main(*sys.argv[1:])
