"""The proof that a server keeps to the condition on which a commit into a folder rests.

A server that does not know `If-None-Match: *` overwrites without a word, and two commits would both win. So,
before the first write of a process into a table, an object is put again that is there already: a server that
takes it is refused (RFC 9110, section 13.1.2; Amazon S3 User Guide, "Conditional writes").
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from s3_assets.errors import UnsupportedError
from s3_assets.objects import Objects

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection

_BODY = b'{"format": "s3-assets folder log", "version": 1}\n'


@lru_cache(maxsize=4096)
def require_conditional_puts(connection: S3Connection, folder: str) -> None:
    """Raise `UnsupportedError` if the server puts an object over one that must not be there.

    `folder` is the key of the log's folder. One request where the object is there, two where it is not.
    """
    objects = Objects(connection)
    key = f"{folder}format.json"
    # All put the same bytes: whoever is first, nothing is lost by another.
    for _ in range(2):
        if not objects.put_if_absent(key, _BODY):
            return
    raise UnsupportedError(
        "the server ignores the condition 'If-None-Match: *', so that two writes at once could both count",
        remedy="Use a server that keeps to it, such as Amazon S3 or Ceph, or an Iceberg table in a catalog.",
        connection=connection.name,
        location=objects.url(key),
    )
