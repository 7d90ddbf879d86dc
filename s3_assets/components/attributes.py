"""The attributes of the component: they take everything, and their schema says what the registry takes.

Dagster's own check would quote the lines around a mistake, and with them a secret that stands there. So what
the registry's sections say is checked by the registry's own reader, which quotes none; the schema is for the
pages of `dg`, for editors, and for `dg check yaml`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from s3_assets.components.schema import with_registry


class RegistryAttributes(BaseModel):
    """The sections of a registry, as they were written."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    @classmethod
    def model_json_schema(cls, *arguments: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's
        """Return the schema with that of the registry."""
        return with_registry(super().model_json_schema(*arguments, **options))


@lru_cache(maxsize=64)
def attributes_model(fields: type[BaseModel]) -> type[BaseModel]:
    """Return the model of a component's own fields with the registry's sections beside them."""
    return create_model(fields.__name__, __base__=(fields, RegistryAttributes))
