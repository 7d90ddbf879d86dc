"""The site's page of environment variables: those that the code reads, found in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "s3_assets"

MEANINGS = {
    "S3_ASSETS_REGISTRY": "The registry's file; left out: the nearest `s3_assets.yaml`, here or above.",
    "S3_ASSETS_EMBEDDED_PYTHON": "A Python that has the embedded server's packages; left out: one that is "
    "set up on first use.",
    "S3_ASSETS_DEMO_ENDPOINT": "The address of the demo's server, in the registry of a clone.",
    "DAGSTER_HOME": "Dagster's own: where it keeps its runs. What has been imported does not depend on it.",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "OpenTelemetry's own: how spans and metrics are sent.",
    "OTEL_RESOURCE_ATTRIBUTES": "OpenTelemetry's own: what is said of the process.",
    "OTEL_SDK_DISABLED": "OpenTelemetry's own: `true` sends nothing.",
    "OTEL_SERVICE_NAME": "OpenTelemetry's own: the name of the service; left out: `s3-assets`.",
    "RAY_ADDRESS": "Ray's own: the cluster of `engine: ray`, where the registry names none.",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "Ray's own: set to 0 while a local cluster is started, which then "
    "listens on loopback alone.",
    "REQUESTS_CA_BUNDLE": "The authorities of HTTPS where neither registry nor `AWS_CA_BUNDLE` name any, as "
    "AWS's own tools have it.",
    "NO_COLOR": "If it is set, nothing is printed in colours.",
    "FORCE_COLOR": "If it is set, colours are printed also where there is no terminal.",
    "COLUMNS": "The width of what is printed.",
    "TERMINAL_WIDTH": "The width of what is printed, before `COLUMNS`.",
    "TERM": "The kind of terminal: `dumb` and `unknown` have no colours.",
}
"""What each variable is for; one that the code reads and that is missing here stops the site's building."""

_ENVIRONMENT = "os.environ"
_HEAD = """\
# Environment variables

What stands in the registry comes before any variable. Each of its values can name one: `{ env: NAME }`, or
`{ env: NAME, default: ... }`. A connection without `auth`, `region` or `endpoint` reads what the AWS command
line reads (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL_S3`, ...), and without a `proxy` the usual
`HTTPS_PROXY` and `NO_PROXY`: [Reaching S3](../connection.md).

These are read by s3-assets itself:

| variable | |
|---|---|
"""


def page() -> str:
    """Return the page; raises `LookupError` for a variable that nobody has explained."""
    unexplained = read_by_the_code() - set(MEANINGS)
    if unexplained:
        raise LookupError(f"{__file__} does not say what {sorted(unexplained)} are for")
    return _HEAD + "".join(f"| `{name}` | {meaning} |\n" for name, meaning in MEANINGS.items())


def read_by_the_code() -> set[str]:
    """Return the variables that are looked up by name, or by a constant that holds the name."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if _ENVIRONMENT not in text:
            continue
        tree = ast.parse(text)
        constants = dict(_constants(tree))
        found |= {name for name in _looked_up(tree, constants) if name.isupper()}
    return {name for name in found if not name.startswith("AWS_")}


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    yield target.id, node.value.value


def _looked_up(tree: ast.Module, constants: dict[str, str]) -> Iterator[str]:
    """Yield the names behind `os.environ[...]` and `os.environ.get(...)`."""
    for node in ast.walk(tree):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and _is_environment(node.value):
            key = node.slice
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and _is_environment(node.func.value)
            and node.args
        ):
            key = node.args[0]
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value
        elif isinstance(key, ast.Name) and key.id in constants:
            yield constants[key.id]


def _is_environment(node: ast.expr) -> bool:
    return ast.unparse(node) == _ENVIRONMENT
