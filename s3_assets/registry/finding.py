"""Where the registry's file is."""

from __future__ import annotations

import os
from pathlib import Path

from s3_assets.errors import RegistryError

FILE_NAME = "s3_assets.yaml"
VARIABLE = "S3_ASSETS_REGISTRY"


def find_registry() -> Path:
    """Return the file that S3_ASSETS_REGISTRY names, or `s3_assets.yaml` here or in a folder above."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise RegistryError(
        f"there is no {FILE_NAME} in {here} or above it",
        remedy=f"Write one, or name it with the environment variable {VARIABLE}.",
    )
