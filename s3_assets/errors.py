"""Every error that s3-assets raises on purpose.

    S3AssetsError
    ├── RegistryError (ValueError)             the registry file or its models are wrong
    ├── SettingError (ValueError)              one setting of a connection or table is wrong
    │   ├── SecretMissingError                 a referenced secret is not there
    │   └── AclsDisabledError                  the bucket takes no canned ACL
    ├── AccessError (PermissionError)
    │   ├── AccessDeniedError                  403: the policy does not allow it
    │   ├── KeyUnknownError                    the access key id does not exist
    │   ├── SignatureMismatchError             the secret is wrong, or the clock is
    │   ├── CredentialsExpiredError            temporary credentials ran out
    │   └── CredentialsMissingError            no way to authenticate was found
    ├── MissingError (FileNotFoundError)
    │   ├── BucketMissingError                 404 on the bucket
    │   ├── ObjectMissingError                 404 on the key
    │   ├── TableMissingError                  nothing that is a table of this format
    │   ├── QueueMissingError                  no queue at that URL
    │   └── DataFilesMissingError              a folder without one data file
    ├── ObjectExistsError (FileExistsError)    an object is where a new one should be
    │   └── KeyTakenError                      a file's key is another stream's
    ├── UnreachableError (ConnectionError)     no answer at that address
    ├── RequestTimeoutError (TimeoutError)     an answer took too long
    ├── ThrottledError (OSError)               503 SlowDown after all retries
    ├── ServerFailureError (OSError)           any other failure of a request
    ├── LocalDiskError (OSError)               this machine's disk takes no more
    ├── EncryptionError (ValueError)           an object cannot be encrypted or decrypted
    ├── DataFileBrokenError (ValueError)       a data file that is not what its name says, or is cut
    ├── SchemaMismatchError (TypeError)        columns do not fit
    ├── BadRowError (ValueError)               a row of a text file cannot be read
    ├── BadMessageError (ValueError)           a message of a queue that is no notification
    ├── PartitionColumnError (ValueError)      the partition column is missing or of a wrong type
    ├── RowsOutsideWindowError (ValueError)    rows that the write must not touch
    ├── RowsRefusedError (ValueError)          rows that break a constraint of the table
    │   ├── RowKeyError                        rows without a key, or with that of another row
    │   └── CheckFailedError                   checks that do not hold of what was to be written
    ├── HistoryGapError                        what came after a cursor cannot be told any more
    │   ├── ChangeFeedMissingError (LookupError)  a change feed was asked for and is not there
    │   ├── HistoryLostError (LookupError)        the range that a cursor needs is gone
    │   └── TableRewrittenError                   a table was set back, made anew, or rows of it replaced
    ├── SourceRewrittenError (ValueError)      what was read once has been rewritten since
    │   └── TableRewrittenError                see above
    ├── UnsupportedError (NotImplementedError) a format or table feature that cannot be served
    ├── CursorError (LookupError)              a cursor is missing, damaged or of another kind
    ├── CommitConflictError (RuntimeError)     somebody else committed first
    ├── WorkerLostError (RuntimeError)         workers of a cluster ended in the middle of their work
    └── WorkersBusyError (RuntimeError)        no worker of a cluster became free

Each message says where, what was found, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class S3AssetsError(Exception):
    """The base of all: `found` says what is wrong, `remedy` what to do about it.

    For a request that was refused, `action` and `resource` say what the policy has to allow, such as
    `s3:PutObject` on `arn:aws:s3:::bucket/key`, as far as it is known.
    """

    def __init__(
        self,
        found: str,
        *,
        remedy: str = "",
        connection: str | None = None,
        table: str | None = None,
        location: str | None = None,
        action: str | None = None,
        resource: str | None = None,
    ) -> None:
        self.found = found
        self.remedy = remedy
        self.connection = connection
        self.table = table
        self.location = location
        self.action = action
        self.resource = resource
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        places = []
        if self.table:
            places.append(f"table '{self.table}'")
        if self.connection:
            places.append(f"connection '{self.connection}'")
        if self.location:
            places.append(self.location)
        where = f"{', '.join(places)}: " if places else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        found = self.found if not remedy or self.found.endswith((".", "!", "?", "\n")) else f"{self.found}."
        return f"{where}{found}{remedy}"

    def __str__(self) -> str:
        # OSError subclasses would print errno and file name instead.
        return self._sentence()

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders in Dagster; keyword arguments do not pickle by themselves.
        return (_restore, (type(self), self.__dict__.copy()))

    def at(
        self, *, connection: str | None = None, table: str | None = None, location: str | None = None
    ) -> S3AssetsError:
        """Add the place where it happened, keeping what is already known."""
        self.connection = self.connection or connection
        self.table = self.table or table
        self.location = self.location or location
        self.args = (self._sentence(),)
        return self


def _restore(kind: type[S3AssetsError], state: dict[str, object]) -> S3AssetsError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (str(error),)
    return error


class RegistryError(S3AssetsError, ValueError):
    """The registry is wrong; `problems` lists every one with its place."""

    def __init__(self, found: str, *, problems: Sequence[str] = (), **place: str) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{found}{lines}", **place)


class SettingError(S3AssetsError, ValueError):
    """One setting is wrong."""


class SecretMissingError(SettingError):
    """A secret is referenced that is not there."""


class AclsDisabledError(SettingError):
    """The bucket's owner owns all of its objects, and a canned ACL is refused."""


class AccessError(S3AssetsError, PermissionError):
    """The server did not let us."""


class AccessDeniedError(AccessError):
    """The credentials are good, the policy does not allow the action."""


class KeyUnknownError(AccessError):
    """The server does not know the access key id."""


class SignatureMismatchError(AccessError):
    """The server computed another signature."""


class CredentialsExpiredError(AccessError):
    """Temporary credentials have run out."""


class CredentialsMissingError(AccessError):
    """No credentials were found."""


class MissingError(S3AssetsError, FileNotFoundError):
    """Something is not there."""


class BucketMissingError(MissingError):
    """The bucket does not exist."""


class ObjectMissingError(MissingError):
    """The object does not exist."""


class TableMissingError(MissingError):
    """There is no table of this format at that place."""


class QueueMissingError(MissingError):
    """There is no queue at that URL, or none that may be seen."""


class DataFilesMissingError(MissingError):
    """There is not one data file at that place."""


class ObjectExistsError(S3AssetsError, FileExistsError):
    """There is an object where a new one should be."""


class KeyTakenError(ObjectExistsError):
    """A file's key has an object that this commit did not put there."""


class UnreachableError(S3AssetsError, ConnectionError):
    """Nobody answers at that address."""


class RequestTimeoutError(S3AssetsError, TimeoutError):
    """An answer did not come in time."""


class ThrottledError(S3AssetsError, OSError):
    """The server asked to slow down until the retries were used up."""


class ServerFailureError(S3AssetsError, OSError):
    """A request failed in a way that has no name of its own."""


class LocalDiskError(S3AssetsError, OSError):
    """The local disk takes no more: it is full, or a quota or limit of file sizes is reached."""


class EncryptionError(S3AssetsError, ValueError):
    """An object cannot be encrypted or decrypted on the client."""


class DataFileBrokenError(S3AssetsError, ValueError):
    """A data file is of another format than its name says, is cut, or is damaged."""


class SchemaMismatchError(S3AssetsError, TypeError):
    """Columns do not fit together."""


class BadRowError(S3AssetsError, ValueError):
    """A row of a text file cannot be read: `line` and `column` (a character's) count from 1 in the text."""

    def __init__(
        self, found: str, *, line: int | None = None, column: int | None = None, **place: str | None
    ) -> None:
        self.line = line
        self.column = column
        super().__init__(found, **place)  # type: ignore[arg-type]  # remedy and place, as text


class BadMessageError(S3AssetsError, ValueError):
    """A message of a queue is no notification of an object."""


class PartitionColumnError(S3AssetsError, ValueError):
    """The partition column is not there, or its type cannot carry the window."""


class RowsOutsideWindowError(S3AssetsError, ValueError):
    """Rows outside the partitions of this run: how many, and their smallest and largest value."""

    def __init__(
        self, found: str, *, count: int, smallest: str | None, largest: str | None, **place: str
    ) -> None:
        self.count = count
        self.smallest = smallest
        self.largest = largest
        super().__init__(found, **place)


class RowsRefusedError(S3AssetsError, ValueError):
    """Rows that break a constraint of the table."""


class RowKeyError(RowsRefusedError):
    """Rows whose key has a null, or is that of another row: `count` keys or rows of them."""

    def __init__(self, found: str, *, count: int, **place: str) -> None:
        self.count = count
        super().__init__(found, **place)


class CheckFailedError(RowsRefusedError):
    """Checks do not hold of what was to be committed: `outcomes` are those of all that were looked at."""

    def __init__(self, found: str, *, outcomes: Sequence[object] = (), **place: str) -> None:
        self.outcomes = tuple(outcomes)
        super().__init__(found, **place)


class HistoryGapError(S3AssetsError):
    """What came after a cursor cannot be told any more: only reading the source as it is now goes on."""


class ChangeFeedMissingError(HistoryGapError, LookupError):
    """The table keeps no change feed for the range that was asked for."""


class HistoryLostError(HistoryGapError, LookupError):
    """The versions between the cursor and now are gone."""


class SourceRewrittenError(S3AssetsError, ValueError):
    """Rows or files that were read before have been rewritten since."""


class TableRewrittenError(HistoryGapError, SourceRewrittenError):
    """A table with versions was made anew or set back, or rows of it were replaced or deleted."""


class UnsupportedError(S3AssetsError, NotImplementedError):
    """The format, or this table's features, cannot serve the request."""


class CursorError(S3AssetsError, LookupError):
    """A cursor is missing, damaged, or belongs to another kind of source."""


class CommitConflictError(S3AssetsError, RuntimeError):
    """Somebody else's commit came first."""


class WorkerLostError(S3AssetsError, RuntimeError):
    """A worker of a cluster ended in the middle of its work, and so did those that took its place."""


class WorkersBusyError(S3AssetsError, RuntimeError):
    """No worker of a cluster became free in the time that a run may wait for one."""
