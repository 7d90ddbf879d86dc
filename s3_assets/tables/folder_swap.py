"""Carrying out what a folder's log says: parts get the names that readers see, and what they replace goes.

Any number of processes may do it at once, and again after a crash: copies are made anew, parts are deleted
when all copies are there, and a file that was taken out never comes back, because no name is given twice. A
process that stalled for long finds no part to copy, and deletes nothing that anybody needs. (What no store
can stop is a copy that the server itself is still busy with while another process carries out the same entry,
commits the next one and carries that out, too.)
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from s3_assets.errors import ObjectMissingError, ServerFailureError
from s3_assets.tables.folder_log import Move

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from s3_assets.tables.folder_log import Entry, FolderLog
    from s3_assets.tables.parts import AuditedPart

_OURS = re.compile(r"^part-[\d-]+$")


def place(
    parts: Sequence[AuditedPart], attempt: int, suffix: str, replaced: Iterable[str]
) -> tuple[tuple[Move, ...], tuple[str, ...]]:
    """Say which file each part becomes, and which of the replaced ones are taken out; paths below the table.

    A part goes to the very place of a file of ours that it replaces in its folder: readers find the one or
    the other there, never both and never none. Any other name carries the attempt, and with it the time.
    """
    taken = defaultdict[str, deque[str]](deque)
    left = dict.fromkeys(sorted(replaced))
    for path in left:
        folder, name = _split(path)
        if name.endswith(suffix) and _OURS.match(name.removesuffix(suffix)):
            taken[folder].append(path)
    moves, counts = [], defaultdict[str, int](int)
    for each in sorted(parts, key=lambda audited: audited.part.path):
        part = each.part
        folder, _ = _split(part.path)
        if taken[folder]:
            file = taken[folder].popleft()
            del left[file]
        else:
            file = f"{folder}part-{attempt}-{counts[folder]:05d}{suffix}"
            counts[folder] += 1
        moves.append(Move(part.path, file, part.rows, part.bytes))
    return tuple(moves), tuple(left)


def carry_out(log: FolderLog, number: int, entry: Entry) -> None:
    """Give the parts of a committed entry their names, take out what they replace, clear up behind them."""
    root = log.table.key
    pairs = [(f"{root}{entry.staging}{move.part}", root + move.file) for move in entry.moves]
    # Without folders one after the other: who reads new files by the order of their names misses none.
    together = any("/" in move.file for move in entry.moves)
    try:
        for some in [pairs] if together else [[pair] for pair in pairs]:
            log.objects.copy(some)
    except ObjectMissingError:
        # Parts are deleted behind the last step alone: somebody else has done it all, or nearly.
        if not _copied(log, number, entry):
            return
    log.objects.delete(root + path for path in entry.removals)
    log.objects.delete(part for part, _ in pairs)
    log.finish(number)


def _copied(log: FolderLog, number: int, entry: Entry) -> bool:
    """Tell whether the entry still has to be finished, though its files are all there.

    Raises `ServerFailureError` if it has to be and they are not: then somebody has deleted its parts.
    """
    if log.finished(number):
        return False
    for move in entry.moves:
        key = log.table.key + move.file
        try:
            there = log.objects.head(key).size == move.bytes
        except ObjectMissingError:
            there = False
        if there:
            continue
        if log.finished(number):
            return False
        raise ServerFailureError(
            f"the file is not there as it was committed, and its part is gone: {move.part}",
            remedy=f"Restore what was deleted below {entry.staging} from an older object version.",
            location=log.objects.url(key),
        )
    return True


def _split(path: str) -> tuple[str, str]:
    folder, slash, name = path.rpartition("/")
    return folder + slash, name
