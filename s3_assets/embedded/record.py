"""What a folder remembers of the server that runs on it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "server.json"


@dataclass(frozen=True, kw_only=True)
class ServerRecord:
    """One running server: its process, when that started, its port, and the token it answers with."""

    pid: int
    started: str
    port: int
    token: str
    require_known_keys: bool
    services: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write the record, so that no reader ever sees half of it."""
        scratch = folder / f"{NAME}.{self.pid}"
        scratch.write_text(json.dumps(asdict(self)))
        scratch.replace(folder / NAME)


def read(folder: Path) -> ServerRecord | None:
    """Return the folder's record, or None if there is none that can be understood."""
    try:
        values = json.loads((folder / NAME).read_text())
        return ServerRecord(**{**values, "services": tuple(values["services"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def remove(folder: Path) -> None:
    """Forget the folder's record."""
    (folder / NAME).unlink(missing_ok=True)
