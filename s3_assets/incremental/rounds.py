"""A run of a stream that begins again when another run of the same stream was faster."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s3_assets.errors import CursorError
from s3_assets.incremental.commit import StreamMovedError, open_writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.incremental.outcome import Outcome
    from s3_assets.tables.table import Table, Writer

_ROUNDS = 10


def until_unmoved(target: Table[Any], stream: str, once: Callable[[Writer | None], Outcome]) -> Outcome:
    """Run `once` on the target's newest state, and again on a newer one as long as the stream was moved.

    Raises what `once` raises; `StreamMovedError` only if the stream was moved in every round.
    """
    started = time.monotonic()
    conflict: StreamMovedError | CursorError | None = None
    for round_ in range(1, _ROUNDS + 1):
        writer = open_writer(target)
        try:
            outcome = once(writer)
        except StreamMovedError as error:
            conflict = error
        except CursorError as error:
            # Swept by a faster run of the same stream, or really gone: the target's newest state tells.
            if writer is None or _number(target, stream) == writer.committed(stream):
                raise
            conflict = error
        else:
            return replace(outcome, seconds=time.monotonic() - started, rounds=round_)
    raise conflict or StreamMovedError("no round was run")


def _number(target: Table[Any], stream: str) -> int | None:
    writer = open_writer(target)
    return writer.committed(stream) if writer is not None else None
