"""Write all locks anew: the project's, the part of it that the demo needs, and that of the embedded server.

The resolver comes into a throw-away environment. The locks hold names, versions and markers, and no address,
so that they install from whatever index a machine is set up for.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from s3_assets.embedded.virtual_environment import VirtualEnvironment  # noqa: E402 - see the line above

SERVER = "ministack==1.5.33"
SERVER_LOCK = ROOT / "s3_assets" / "embedded" / "requirements.txt"
SERVER_HEADER = (
    "# The embedded server and all it needs. It pins botocore, so it lives in an environment of its own.\n"
)
# What the demo and the demo's project in Dagster's UI run on.
LEAN = ("--extra=avro", "--extra=sql", "--extra=thumbnails", "--extra=ui", "--group=build")
OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
    "--upgrade",
)


def main() -> None:
    """Resolve and write."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = VirtualEnvironment(Path(scratch) / "environment")
        environment.make(with_pip=True)
        environment.install(["uv>=0.9"])
        compiler = [str(environment.folder / "bin" / "uv"), "pip", "compile", *OPTIONS]
        whole = ["--all-extras", "--group=dev", "--group=docs", "--output-file=requirements.lock"]
        # The same versions, of fewer packages.
        lean = [*LEAN, "--constraint=requirements.lock", "--output-file=requirements-lean.lock"]
        for chosen in (whole, lean):
            subprocess.run(
                [*compiler, "pyproject.toml", *chosen], cwd=ROOT, stdout=subprocess.DEVNULL, check=True
            )
        wanted = Path(scratch) / "server.in"
        wanted.write_text(f"{SERVER}\n")
        resolved = subprocess.run(
            [*compiler, str(wanted)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        SERVER_LOCK.write_text(SERVER_HEADER + resolved.stdout)


if __name__ == "__main__":
    main()
