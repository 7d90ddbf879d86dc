"""The Python that the embedded server runs in.

The server pins botocore to a version of its own, so it cannot share an environment with the product.
"""

import os
import sys
from pathlib import Path

from s3_assets.embedded.errors import EmbeddedServerError
from s3_assets.embedded.virtual_environment import InstallationError, VirtualEnvironment

VARIABLE = "S3_ASSETS_EMBEDDED_PYTHON"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def interpreter() -> Path:
    """Return the interpreter of the server's environment, which is made on first use (takes seconds).

    `S3_ASSETS_EMBEDDED_PYTHON` names another one, in which the requirements are installed already.

    Raises:
        EmbeddedServerError: the named interpreter is not there, or the environment could not be made.

    """
    named = os.environ.get(VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise EmbeddedServerError(
                f"{VARIABLE} is '{named}', which is no program.",
                remedy="Name a Python, or unset the variable.",
            )
        return Path(named)
    environment = VirtualEnvironment(Path(sys.prefix) / "embedded")
    try:
        environment.ensure(REQUIREMENTS)
    except (InstallationError, OSError) as error:
        raise EmbeddedServerError(
            f"The embedded server's environment in {environment.folder} could not be made: {error}",
            remedy=f"Make one elsewhere from {REQUIREMENTS} and set {VARIABLE} to its python.",
        ) from error
    return environment.python
