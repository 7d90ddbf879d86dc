"""Which fields a place of the registry may have: for hints at what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel


def known_fields(path: Sequence[str | int]) -> list[str]:
    """Return the fields of the mapping at a path such as `("tables", "orders")`, sorted."""
    found = {name for model in _models([str(part) for part in path]) for name in model.model_fields}
    return sorted(found)


def _models(path: list[str]) -> Sequence[type[BaseModel]]:
    from s3_assets.connection import auth, secrets, settings
    from s3_assets.registry import models
    from s3_assets.tables import settings as tables

    places: dict[tuple[str, ...], Sequence[type[BaseModel]]] = {
        (): [models.Registry],
        ("watch",): [models.WatchSettings],
        ("connections",): [settings.S3Connection],
        ("connections", "transport"): [settings.Transport],
        ("connections", "auth"): [
            auth.DefaultAuth,
            auth.AccessKeyAuth,
            auth.ProfileAuth,
            auth.AnonymousAuth,
        ],
        ("tables",): [tables.DeltaSettings, tables.ParquetSettings],
        ("tables", "partitions"): [tables.Partitions],
        ("imports",): [models.ImportSettings],
    }
    # The second part is a name that the user gave.
    place = (*path[:1], *path[2:])
    if place[:2] == ("connections", "auth") and len(place) > 2:
        return [secrets.SecretReference]
    return places.get(place, [])
