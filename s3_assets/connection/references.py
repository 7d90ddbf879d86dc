"""What of a setting may be sent elsewhere: where secrets are kept, never the secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from s3_assets.connection.lent_keys import LentKeysAuth
from s3_assets.connection.secrets import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Name where it is kept (env, file, secrets_manager or ssm): each worker reads it there by itself."


def written_out(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of secrets that stand in settings as text, of models inside of models, too.

    The names of lent keys are none: whoever has the connection asks the lender for keys.
    """
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            found = getattr(value, name)
            if is_secret(field.annotation):
                if isinstance(found, str) and not isinstance(value, LentKeysAuth):
                    yield (*path, name)
            else:
                yield from written_out(found, (*path, name))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from written_out(each, (*path, key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from written_out(each, (*path, index))
