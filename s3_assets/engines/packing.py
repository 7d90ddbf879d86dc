"""The one way in which anything is sent to workers: what holds a secret is refused before it leaves."""

from __future__ import annotations

import io
import pickle
from typing import Any

from pydantic import BaseModel

from s3_assets.connection.credentials import Credentials, CredentialSource
from s3_assets.connection.references import REMEDY, written_out
from s3_assets.connection.settings import S3Connection
from s3_assets.errors import SettingError, UnsupportedError


class _Packer(pickle.Pickler):
    """Python's own, which looks at every object on its way."""

    def reducer_override(self, value: Any) -> Any:  # noqa: ANN401 - any object
        """Refuse what may not be sent, and leave all else to pickle."""
        if isinstance(value, BaseModel):
            _refuse_written_out(value)
        elif isinstance(value, Credentials | CredentialSource) or _is_frame(value):
            raise UnsupportedError(
                f"a {type(value).__name__} holds keys, and is not sent to workers",
                remedy="Send what is declared, of which they make it by themselves.",
            )
        return NotImplemented


def pack(value: object) -> bytes:
    """Return a value as bytes for another process; of secrets it may say where they are kept.

    Raises `SettingError` for a secret that is written out, and `UnsupportedError` for what holds keys, or
    cannot be sent at all.
    """
    packed = io.BytesIO()
    try:
        _Packer(packed, pickle.HIGHEST_PROTOCOL).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UnsupportedError(
            f"this cannot be sent to workers: {error}",
            remedy="Declare it, or define what it is made of in a module that workers can import.",
        ) from error
    return packed.getvalue()


def unpack(packed: bytes) -> Any:  # noqa: ANN401 - what was packed
    """Return what was packed, by a process that is trusted as this one is."""
    return pickle.loads(packed)  # noqa: S301 - from our own driver, over the cluster's authenticated channel


def _refuse_written_out(value: BaseModel) -> None:
    path = next(written_out(value), None)
    if path is None:
        return
    name = value.name if isinstance(value, S3Connection) else None
    raise SettingError(
        f"the secret '{'.'.join(map(str, path))}' is written out, and would be sent to workers",
        remedy=REMEDY,
        connection=name,
    )


def _is_frame(value: object) -> bool:
    import polars as pl

    return isinstance(value, pl.LazyFrame)
