"""The clean-up behind a commit: files that crashed attempts left, and never one that a commit may need.

Parts go first and the files that name their attempts last: a crash in between leaves the names, and the next
success sweeps again.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from s3_assets.errors import S3AssetsError
from s3_assets.incremental.attempts import Attempts, uncommitted
from s3_assets.metrics import phase
from s3_assets.objects import Objects
from s3_assets.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from s3_assets.incremental.attempts import Attempt
    from s3_assets.incremental.cursor import Cursor, Cursors
    from s3_assets.tables.table import Table

_log = logging.getLogger(__name__)
_PART = re.compile(r"(?:^|/)part-\d{5,}-(?P<attempt>\d+)\.[a-z0-9.]+$")


@phase("sweep")
def sweep_streams(target: Table[Any], committed: Iterable[tuple[Cursors, Cursor]]) -> int:
    """Sweep behind the streams' commits; return how many data files were deleted.

    The commit stands whatever happens here: what could not be swept is found by the next success.
    """
    swept = 0
    for cursors, cursor in committed:
        try:
            survey = cursors.survey(cursor)
            swept += _delete_parts(target, survey.uncommitted)
            cursors.discard(survey)
        except S3AssetsError as error:
            _left_behind(target, error)
    return swept


@phase("sweep")
def sweep_overwrites(target: Table[Any], own: int, rivals: Sequence[Attempt]) -> int:
    """Sweep the rivals that an overwrite has overtaken, and its own mark."""
    attempts = Attempts(target)
    try:
        swept, settled = 0, list[int]()
        if rivals:
            dead, settled = uncommitted(rivals, target.writer())
            swept = _delete_parts(target, dead)
        attempts.end([*settled, own])
    except S3AssetsError as error:
        # As above: the marks are still there, or there is nothing to find behind them.
        _left_behind(target, error)
        return 0
    return swept


@phase("sweep")
def sweep_interrupted(target: Table[Any], attempt: int) -> None:
    """Take away the data files and open uploads of an attempt whose commit was never sent.

    What cannot be taken away, its cursors' files and its mark are found by the next success.
    """
    _sweep_attempt(target, attempt, frozenset())


@phase("sweep")
def sweep_refused(target: Table[Any], streams: Iterable[Cursors], attempt: int) -> None:
    """Take away the files of the cursors of an attempt whose rows were refused, and whose parts are gone.

    They tell of nothing any more; otherwise each try would leave some, until somebody mends the rows.
    """
    try:
        for cursors in streams:
            cursors.forget(attempt)
    except S3AssetsError as error:
        _left_behind(target, error)


@phase("sweep")
def sweep_lost(target: Table[Any], attempt: int, kept: Collection[str]) -> None:
    """Take away the data files and open uploads of an attempt under way, but for those with kept keys.

    Workers that were lost left them. What cannot be taken away is in nobody's commit, and in nobody's way.
    """
    _sweep_attempt(target, attempt, kept)


def _sweep_attempt(target: Table[Any], attempt: int, kept: Collection[str]) -> None:
    objects, uploads = Objects(target.files_connection), Uploads(target.files_connection)
    folder = target.staging.key

    def surplus(key: str) -> bool:
        return key not in kept and _is_of(key, attempt)

    try:
        objects.delete(item.key for item in objects.list_objects(folder) if surplus(item.key))
        for upload in uploads.open_uploads(folder):
            if surplus(upload.key):
                uploads.abort(upload.key, upload.upload_id)
    except S3AssetsError as error:
        _left_behind(target, error)


def _is_of(key: str, attempt: int) -> bool:
    match = _PART.search(key)
    return match is not None and int(match["attempt"]) == attempt


def _left_behind(target: Table[Any], error: S3AssetsError) -> None:
    _log.warning("Leftovers of crashed attempts stay in '%s' until the next success: %s", target.name, error)


def _delete_parts(target: Table[Any], attempts: Collection[int]) -> int:
    if not attempts:
        return 0
    objects = Objects(target.files_connection)
    root = target.location.key
    found = [
        item.key
        for item in objects.list_objects(target.staging.key)
        if (match := _PART.search(item.key)) and int(match["attempt"]) in attempts
    ]
    if not found:
        return 0
    # A part of an attempt that was never committed cannot be live; looking costs one read of the log.
    live = target.writer().live()
    return objects.delete(key for key in found if key.removeprefix(root) not in live)
