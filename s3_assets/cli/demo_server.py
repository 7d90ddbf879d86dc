"""The embedded server at the address that the demo's registry names."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from s3_assets.connection.settings import S3Connection
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import RegistryError
from s3_assets.registry.loading import load_registry
from s3_assets.registry.models import Registry

VARIABLE = "S3_ASSETS_DEMO_ENDPOINT"
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class DemoServer:
    """A running server, and the registry that reaches it."""

    server: EmbeddedServer
    registry: Registry
    moved_from: int | None
    """The port that the registry names, if another program has it."""


def local_connection(registry: Registry) -> S3Connection | None:
    """Return the first connection whose endpoint is on this machine."""
    for connection in registry.connections.values():
        if connection.endpoint and urlsplit(connection.endpoint).hostname in _LOOPBACK:
            return connection
    return None


def start_server(folder: Path, registry_file: Path, *, port: int | None, keep: bool) -> DemoServer:
    """Start the folder's server where the registry expects it, or use the one that runs already.

    The registry's port gives way to a free one if another program has it: this process and those that it
    starts are told through the environment.
    """
    connection = local_connection(load_registry(registry_file))
    if connection is None:
        raise RegistryError(
            f"no connection of {registry_file} has an endpoint on this machine",
            remedy=f"Give one  endpoint: {{ env: {VARIABLE}, default: http://127.0.0.1:9445 }}",
        )
    named = urlsplit(connection.endpoint or "").port or 0
    wanted = named if port is None else port
    server = EmbeddedServer(folder, keep=keep)
    moved = None
    if not server.running():
        if port is None and taken(wanted):
            moved, wanted = named, 0
        server = EmbeddedServer(folder, port=wanted, keep=keep).start()
    os.environ[VARIABLE] = server.endpoint_url
    without_proxy()
    registry = load_registry(registry_file)
    found = local_connection(registry)
    if found is None or found.endpoint != server.endpoint_url:
        raise RegistryError(
            f"the connection '{connection.name}' of {registry_file} stays at {connection.endpoint}, "
            f"and the embedded server is at {server.endpoint_url}",
            remedy=f"Write its endpoint as {{ env: {VARIABLE}, default: {connection.endpoint} }}",
        )
    return DemoServer(server, registry, moved)


def without_proxy() -> None:
    """Keep this machine's proxy, if it has one, out of the way to the loopback."""
    for name in ("NO_PROXY", "no_proxy"):
        parts = [part for part in os.environ.get(name, "").split(",") if part]
        os.environ[name] = ",".join(dict.fromkeys([*parts, *_LOOPBACK]))


def taken(port: int) -> bool:
    """Tell whether a program listens on that port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
