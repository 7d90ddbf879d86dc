"""AWS's descriptions of its services, as botocore has them: read once for all connections of a process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from s3_assets.made_once import made_once


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
        extra_search_paths=[str(Path(os.path.expandvars(each)).expanduser()) for each in more]
    )
