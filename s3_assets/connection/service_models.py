"""AWS's descriptions of its services, as botocore has them: read once for all connections of a process."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

from s3_assets.made_once import made_once


class _Files:
    """botocore's loader of files, with a parser that takes a quarter of the time of Python's own.

    Names stand in the order of the file, as in botocore's ordered dictionaries.
    """

    def exists(self, file_path: str) -> bool:
        """Tell whether there is a file; the path lacks `.json` or `.json.gz`."""
        return Path(f"{file_path}.json").is_file() or Path(f"{file_path}.json.gz").is_file()

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - what the file says
        """Return what a file says, None if there is none; raises `ValueError` if it is no JSON."""
        from pydantic_core import from_json

        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return from_json(plain.read_bytes())
        return from_json(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


@made_once(4)
def service_models(data_path: str | None) -> Any:  # noqa: ANN401 - botocore ships no types
    """Return botocore's loader of these; `data_path` is its setting of that name, folders of more of them.

    Whether there is a service of a name, botocore finds out by a look into the folders of all four hundred,
    which takes as long as all else that a client needs. The folders' names alone say it, too.
    """
    from botocore.loaders import Loader

    class ServiceModels(Loader):  # type: ignore[misc]  # botocore ships no types
        def list_available_services(self, type_name: str) -> list[str]:
            del type_name
            folders = [path for path in self.search_paths if Path(path).is_dir()]
            return sorted({each.name for path in folders for each in os.scandir(path) if each.is_dir()})

    more = data_path.split(os.pathsep) if data_path else []
    return ServiceModels(
        extra_search_paths=[str(Path(os.path.expandvars(each)).expanduser()) for each in more],
        file_loader=_Files(),
    )
