"""Uploads that nobody will complete: found by the intents of their attempts, and aborted.

Whatever fails here is left to the next run: what was committed stands.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from s3_assets.errors import AccessError, S3AssetsError
from s3_assets.exports.intents import Intents, Mark, lane_digest
from s3_assets.exports.key_template import KeyPattern

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from s3_assets.exports.destination import Destination
    from s3_assets.exports.log import Entry
    from s3_assets.uploads import OpenUpload

_log = logging.getLogger(__name__)


def sweep_behind(destination: Destination, number: int, entry: Entry) -> None:
    """Abort what is left of the attempts of a lane that an entry has overtaken, and end their intents.

    An upload that is listed has the intent of its attempt written down before it: if, afterwards, there is
    none of the lane that began behind this entry, the upload is no living attempt's. Otherwise it is left to
    that one, whose commit sweeps again.
    """
    intents, keys = Intents(destination), KeyPattern(entry.pattern)
    own = Mark(entry.attempt, lane_digest(entry.lane))
    try:
        # Who has none of its keys knows nothing of who else may have them.
        looked = {keys} if entry.files else set()
        left = [upload for each in looked for upload in _uploads(destination, each)]
        rivals = living = intents.read(_others(intents, own))
        if rivals:
            # Those that were there before their uploads are listed have ended with these.
            looked |= {rival.keys for rival in rivals}
            left = [upload for each in looked for upload in _uploads(destination, each)]
            living = intents.read(_others(intents, own))
        if all(each.pinned < number for each in living):
            _abort(destination, left)
            intents.end([own, *(rival.mark for rival in rivals)])
        else:
            intents.end([own])
    except S3AssetsError as error:
        _left_behind(destination, error)
        if isinstance(error, AccessError):
            # Whoever may not look for uploads would collect intents.
            with suppress(S3AssetsError):
                intents.end([own])


def sweep_abandoned(destination: Destination, older_than: timedelta) -> None:
    """Give up uploads of old attempts that were begun so long ago, whatever became of their attempts."""
    try:
        intents, now = Intents(destination), datetime.now(UTC)
        old = [mark for mark in intents.marks() if now - mark.begun > older_than]
        for each in intents.read(old):
            uploads = _uploads(destination, each.keys)
            given_up = [upload for upload in uploads if now - upload.begun > older_than]
            _abort(destination, given_up)
            # What is younger may be its own, if it is at work all the same.
            if len(given_up) == len(uploads):
                intents.end([each.mark])
    except S3AssetsError as error:
        _left_behind(destination, error)


def _others(intents: Intents, own: Mark) -> list[Mark]:
    return [mark for mark in intents.marks() if mark.lane == own.lane and mark != own]


def _uploads(destination: Destination, keys: KeyPattern) -> list[OpenUpload]:
    return [each for each in destination.uploads.open_uploads(keys.prefix) if keys.matches(each.key)]


def _abort(destination: Destination, uploads: Iterable[OpenUpload]) -> None:
    for each in uploads:
        destination.uploads.abort(each.key, each.upload_id)


def _left_behind(destination: Destination, error: S3AssetsError) -> None:
    _log.warning("Unfinished uploads of the export '%s' may be left: %s", destination.export, error)
