"""The paths of settings: a folder below another one, which they never leave."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from s3_assets.errors import SettingError
from s3_assets.location import relative_path


def _inside(path: str) -> str:
    try:
        return relative_path(path)
    except SettingError as error:
        # Pydantic tells of these with the field that they stand in.
        raise ValueError(str(error)) from error


def _below(globs: tuple[str, ...]) -> tuple[str, ...]:
    for each in globs:
        if not each.strip("/") or each.startswith("/"):
            raise ValueError(f"'{each}' fits nothing; paths begin below the folder, without a slash")
    return globs


RelativePath = Annotated[str, AfterValidator(_inside)]
"""A path that stays inside the folder that it is resolved against, see `relative_path`."""

Globs = Annotated[tuple[str, ...], AfterValidator(_below)]
"""Patterns of paths below a folder; none of them is empty or begins with a slash."""
