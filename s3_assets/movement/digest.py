"""Digests: columns whose values are replaced by what nobody can read them back from."""

from __future__ import annotations

import hashlib
import hmac
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer

from s3_assets.connection.secrets import Secret, read_secret, shown
from s3_assets.tables.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from s3_assets.movement.load import Load


class Digest(BaseModel):
    """The digest that takes the place of a column's values, as lower-case hexadecimal text.

    With a salt it is keyed (HMAC, RFC 2104), so that nobody without it can try out the few values that there
    may be. The same value with the same salt gives the same digest: tables can still be joined by it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)

    algorithm: Literal["sha256", "sha384", "sha512", "sha1", "md5"] = Field(
        default="sha256", description="sha256, sha384 or sha512; sha1 and md5 are for joining with old data."
    )
    salt: Secret | None = Field(default=None, repr=False, description="A secret that makes it keyed.")
    into: str | None = Field(
        default=None, min_length=1, description="A new column for it; left out: it replaces the column."
    )

    @field_serializer("salt")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)


def digest(column: str, dtype: pl.DataType, settings: Digest, load: Load, place: str) -> pl.Expr:
    """Return the digest of a column: of UTF-8 text, bytes, whole numbers in decimal, or ISO dates.

    Raises `SchemaMismatchError` for a type that has several spellings, and `SecretMissingError`.
    """
    import polars as pl

    if not (dtype in {pl.String, pl.Binary, pl.Date, pl.Boolean} or dtype.is_integer()):
        raise load.misfit(
            place,
            f"column '{column}' is {type_name(dtype)}, which is not written in one way alone",
            "Digest text, binary, whole numbers, booleans or dates.",
        )
    key = read_secret(settings.salt).encode() if settings.salt is not None else None
    values = pl.col(column) if dtype == pl.Binary() else pl.col(column).cast(pl.String).cast(pl.Binary)
    # Polars has no cryptographic digest.
    hexadecimal = partial(_batch, _of_one(settings.algorithm, key))
    return values.map_batches(hexadecimal, return_dtype=pl.String(), is_elementwise=True)


def _batch(of_one: Callable[[bytes], str], values: pl.Series) -> pl.Series:
    import polars as pl

    # A list: to go through a series value by value takes several times as long.
    found = [None if value is None else of_one(value) for value in values.to_list()]
    return pl.Series(values.name, found, dtype=pl.String)


def _of_one(algorithm: str, key: bytes | None) -> Callable[[bytes], str]:
    if key is None:
        # Twice as fast as `hashlib.new` with the name.
        plain = partial(getattr(hashlib, algorithm), usedforsecurity=False)
        return lambda value: plain(value).hexdigest()
    return lambda value: hmac.digest(key, value, algorithm).hex()
