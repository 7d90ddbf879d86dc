"""Keys that somebody lends for a while, such as a catalog for the files of one table.

A connection that uses them is another one: the same bucket, reached as somebody else. It carries who lends,
and `credentials` asks there for other keys before these end; so every engine is served as with any other
credentials, those included that another process asks for them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from s3_assets.connection.auth import AccessKeyAuth

if TYPE_CHECKING:
    from s3_assets.connection.credentials import Credentials
    from s3_assets.connection.settings import S3Connection


class Lender(BaseModel, ABC):
    """Who lends keys: a frozen value that another process understands, too."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    @abstractmethod
    def lend(self) -> Credentials:
        """Return keys that are good now."""


class LentKeysAuth(AccessKeyAuth):
    """Whatever keys the lender gives; it stands in no registry."""

    lender: Lender


def with_lent_keys(connection: S3Connection, name: str, lender: Lender) -> S3Connection:
    """Return the connection as it is with this lender's keys; `name` tells it from others."""
    # Equal for the same lender, so that engines keep what they have opened; the name is no key.
    auth = LentKeysAuth(access_key_id=name, secret_access_key=name, lender=lender)
    return connection.model_copy(update={"auth": auth, "assume_role": ()})
