"""The disk of this machine, where rows lie for a while: an error of ours when it takes no more."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from s3_assets.errors import LocalDiskError, S3AssetsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Engines tell the number in their words alone.
_SAID = re.compile(rf"(?:os error|Errno) (?:{'|'.join(map(str, _NO_ROOM))})\b", re.IGNORECASE)


@contextmanager
def spooling(what: str) -> Iterator[None]:
    """Raise `LocalDiskError` in place of what is raised inside because the disk takes no more of `what`."""
    try:
        yield
    except S3AssetsError:
        raise
    except Exception as error:
        if getattr(error, "errno", None) not in _NO_ROOM and not _SAID.search(str(error)):
            raise
        raise LocalDiskError(
            f"the disk of this machine takes no more of {what}, which it has to hold for a while",
            remedy="Make room, or set TMPDIR to a folder on a larger disk, and run it again.",
        ) from error
