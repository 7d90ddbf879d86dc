"""Which commands there are: where each is at home, under which heading of the help, and its exit codes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

START, LOOK = "Start", "Look at a bucket"
REGISTRY, MOVE = "The registry", "Move data, and see what was moved"
_MOVED = {1: "the answer was no; also an error", 2: "there is nobody to ask, and no --yes; also wrong usage"}


class CommandGroup(NamedTuple):
    """Commands that share their first word."""

    help: str
    panel: str


class Listed(NamedTuple):
    """One command: its name, "module:function" below `s3_assets.cli`, and what its help says besides."""

    name: str
    home: str
    panel: str | None = None
    reads: bool = False
    """Whether it changes nothing, so that it may be ended anywhere."""
    codes: Mapping[int, str] = MappingProxyType({})
    """Exit codes of a meaning of its own."""


GROUPS = {
    "server": CommandGroup("The embedded S3 server, on loopback only.", START),
    "metadata": CommandGroup("What is known of a table, and the registry as OpenMetadata has it.", LOOK),
    "sensor": CommandGroup("The sensors and schedules in Dagster: list them, or try one.", REGISTRY),
    "cursor": CommandGroup("Look at the cursor of an import, an export or an asset, or move it.", MOVE),
}
COMMANDS = (
    Listed("init", "init:init", START),
    Listed("demo", "demo:run_demo", START, codes={1: "a check of the demo does not hold; also an error"}),
    Listed("dev", "dev:run_dev", START, codes={0: "also after Ctrl-C, which is how it ends"}),
    Listed("server start", "server:start"),
    Listed("server stop", "server:stop"),
    Listed("server status", "server:status", codes={3: "no server runs on the folder"}),
    Listed("ls", "ls:list_place", LOOK, reads=True),
    Listed("tree", "tree:show_tree", LOOK, reads=True),
    Listed("du", "du:disk_usage", LOOK, reads=True),
    Listed("head", "head:head", LOOK, reads=True),
    Listed("discover", "discover:discover", LOOK, reads=True),
    Listed("guess", "guess:guess", LOOK, reads=True),
    Listed("schema", "schema:schema", LOOK, reads=True),
    Listed("preview", "preview:preview", LOOK, reads=True),
    Listed("metadata show", "metadata:show", reads=True),
    Listed("metadata openmetadata", "metadata_written:openmetadata"),
    Listed("validate", "registry:validate", REGISTRY, reads=True),
    Listed("tables", "registry:list_tables", REGISTRY, reads=True),
    Listed(
        "check",
        "check:check",
        REGISTRY,
        codes={
            1: "a permission is missing or could not be tested, or the clock is too far off; also an error"
        },
    ),
    Listed(
        "verify",
        "verify:verify",
        REGISTRY,
        reads=True,
        codes={1: "a check of severity error fails; also an error"},
    ),
    Listed("policy", "policy:print_policy", REGISTRY, reads=True),
    Listed("sensor list", "sensor:list_all", reads=True),
    Listed("sensor try", "sensor:try_one", reads=True),
    Listed("plan", "plan:plan", MOVE, reads=True),
    Listed("import", "imports:run_import", MOVE),
    Listed("export", "export:run_export", MOVE),
    Listed("media", "media:run_media", MOVE),
    Listed("history", "history:history", MOVE, reads=True),
    Listed("cursor show", "cursor:show", reads=True),
    Listed("cursor set", "cursor:set_cursor", codes=_MOVED),
    Listed("cursor reset", "cursor:reset", codes=_MOVED),
)
