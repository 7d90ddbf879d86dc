"""The environment of those that are not used by s3-assets itself: made on first use, beside the project's."""

import sys
from functools import cache
from pathlib import Path

from s3_assets.embedded.virtual_environment import VirtualEnvironment

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


@cache
def python() -> Path:
    """Return its Python; the first call on a machine installs, which takes about a minute."""
    environment = VirtualEnvironment(Path(sys.prefix) / "benchmarks")
    if not environment.current(REQUIREMENTS):
        print(f"Installing the rivals into {environment.folder}", flush=True)
    environment.ensure(REQUIREMENTS)
    return environment.python
