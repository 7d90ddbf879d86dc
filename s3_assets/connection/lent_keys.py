"""Keys that a catalog lends for the files of one table: short-lived, and asked for again before they end.

A connection that uses them is another one: the same bucket, reached by somebody else. Whoever has the catalog
names a lender, and `credentials` asks it; so every engine is served as with any other credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.connection.auth import AccessKeyAuth
from s3_assets.errors import CredentialsMissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.connection.credentials import Credentials
    from s3_assets.connection.settings import S3Connection

    Lender = Callable[[], Credentials]

_lenders: dict[str, Lender] = {}


class LentKeysAuth(AccessKeyAuth):
    """Whatever key the lender of that name gives; it stands in no registry."""

    lender: str


def with_lent_keys(connection: S3Connection, name: str, lender: Lender) -> S3Connection:
    """Return the connection as it is with the keys of this lender, which replaces an earlier of that name."""
    _lenders[name] = lender
    # Equal for the same table, so that engines keep what they have opened; neither is a key.
    auth = LentKeysAuth(access_key_id=name, secret_access_key=name, lender=name)
    return connection.model_copy(update={"auth": auth, "assume_role": ()})


def lent_key(auth: LentKeysAuth) -> Credentials:
    """Return a key that is good now; raises `CredentialsMissingError` in a process without that lender."""
    lender = _lenders.get(auth.lender)
    if lender is None:
        raise CredentialsMissingError(
            "the catalog lent keys to another process", remedy="Open the table in this process."
        )
    return lender()
