"""The process that reads hostile inputs, under a limit of its memory: it says each number before it is read.

python -m tests.security.child <endpoint> <bucket> <first> <count> [kind ...]
"""

import faulthandler
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from s3_assets.connection import AccessKeyAuth, S3Connection, Transport
from s3_assets.errors import S3AssetsError
from tests.security.bombs import BOMBS, FAULTS
from tests.security.hostile import KINDS, Kind, Reading

# Of addresses: Polars' threads and allocators reserve a good deal that they never touch.
MOST_ADDRESSES = 12 * 1024**3
STUCK = 100.0
"""Seconds."""


def _memory(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name)) * 1024


def _say(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _outcome(kind: Kind, connection: S3Connection, number: int) -> tuple[str, str]:
    random, body = kind.input(number)
    try:
        kind.read(
            Reading(connection, f"{kind.name.replace(' ', '-').replace(':', '')}/{number}", random), body
        )
    except S3AssetsError as error:
        return "refused", type(error).__name__
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a panic is no Exception
        place = ""
        frame = error.__traceback__
        while frame is not None:
            name = frame.tb_frame.f_code.co_filename
            if "s3_assets" in name:
                place = f"{Path(name).name}:{frame.tb_lineno}"
            frame = frame.tb_next
        return "raw", f"{type(error).__name__} at {place}: {str(error)[:200]}"
    return "read", ""


def main() -> None:
    endpoint, bucket, first, count, *names = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection = S3Connection(
        name="lake",
        url=f"s3://{bucket}/",
        endpoint=endpoint,
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id="test", secret_access_key="test"),
        checksums="when_required",
        transport=Transport(max_retries=0, read_timeout=10.0, connect_timeout=10.0),
    )
    kinds = [kind for kind in (*KINDS, *BOMBS, *FAULTS) if kind.name in names] if names else KINDS
    for number in range(int(first), int(first) + int(count)):
        kind = kinds[number % len(kinds)]
        _say(begins=number, kind=kind.name)
        before = _memory("VmRSS")
        # The peak counts from here (proc(5), "clear_refs").
        Path("/proc/self/clear_refs").write_text("5")
        # Of an input that hangs, where it does.
        faulthandler.dump_traceback_later(STUCK)
        started = time.monotonic()
        outcome, told = _outcome(kind, connection, number)
        faulthandler.cancel_dump_traceback_later()
        _say(
            number=number,
            kind=kind.name,
            outcome=outcome,
            told=told,
            seconds=round(time.monotonic() - started, 3),
            grown=max(_memory("VmHWM") - before, 0),
        )
    # Not the way through every library's end: only what they do with inputs is asked here.
    os._exit(0)


if __name__ == "__main__":
    main()
