"""The check of a connection: every permission that the registry needs, one finding after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s3_assets.permissions.folder_probes import FolderProbes
from s3_assets.permissions.folders import folders_of
from s3_assets.permissions.further_probes import further_probes
from s3_assets.permissions.identity_probes import caller_probe, role_probes, secret_probes
from s3_assets.permissions.queues import queue_probes
from s3_assets.permissions.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from s3_assets.permissions.findings import Finding
    from s3_assets.permissions.service import Service
    from s3_assets.registry.models import Registry


def check_connection(
    registry: Registry,
    connection: str,
    service: Service,
    *,
    written: Collection[str] = (),
    further: bool = False,
    show: Callable[[str], None] | None = None,
) -> Iterator[Finding]:
    """Yield a finding for each permission that the connection's tables need; no failure ends it.

    `written` names the tables that the user's own assets write; `further` tries what no table needs, too.
    `show` is told what is tried next.
    """
    here = registry.connections[connection]
    requests = Requests(here, show)
    yield from secret_probes(here)
    yield from role_probes(here, requests)
    caller = caller_probe(here, service, requests)
    if caller is not None:
        yield caller
    for folder in folders_of(registry, connection, written):
        yield from FolderProbes(here, folder, service, requests).run()
    yield from queue_probes(registry, connection, service, show)
    if further:
        yield from further_probes(here, service, requests)
