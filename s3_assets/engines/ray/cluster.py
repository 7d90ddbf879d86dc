"""Ray, connected: to a cluster that runs already, or to a local one that only this machine reaches."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING

from s3_assets.engines.ray.leftovers import end_leftovers, started
from s3_assets.errors import SettingError, UnreachableError, UnsupportedError
from s3_assets.metrics import phase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from s3_assets.engines.ray.settings import RaySettings

_log = logging.getLogger(__name__)
_STARTS = 3
# Seconds for a first word from a cluster's head.
_PATIENCE = 10.0
_PAUSE = 2.0
# Objects of the store are recipes of some kilobytes: rows never pass through it.
_STORE_BYTES = 80 * 1024 * 1024
# Ray's word for clusters of more than one machine, which its components read as they are loaded: without it
# all of them listen on loopback alone. The name is from when only Windows and macOS went without.
_SEVERAL_MACHINES = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
_ADDRESS = "RAY_ADDRESS"
_TOKENS = "RAY_AUTH_MODE"
# Ray tells its makers of clusters that are started, unless it is told otherwise.
_REPORTS = "RAY_USAGE_STATS_ENABLED"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_lock = Lock()


@phase("cluster")
def connected(settings: RaySettings) -> ModuleType:
    """Return `ray`, connected: as the process is already, to the address, or to a new local cluster.

    Raises `UnsupportedError` without the extra `ray`, `UnreachableError` for a cluster that does not answer
    or start, and `SettingError` if a local one would be open to other machines.
    """
    with _lock:
        address = settings.address or os.environ.get(_ADDRESS)
        if not address or address == "local":
            return _local(settings)
        # A cluster on loopback knows its machine by that address alone.
        with _one_machine() if _names_loopback(address) else nullcontext():
            ray = _imported()
            if not ray.is_initialized():
                _join(ray, address)
        return ray


def _local(settings: RaySettings) -> ModuleType:
    loaded = "ray" in sys.modules
    os.environ.setdefault(_REPORTS, "0")
    if not loaded:
        # Ray's own choice, too; where nobody has said it, Ray tells everyone how to do without.
        os.environ.setdefault(_TOKENS, "token")
    with _one_machine():
        ray = _imported()
        if ray.is_initialized():
            return ray
        if loaded and not _on_loopback(ray):
            raise SettingError(
                "Ray was imported before, and a local cluster of it would listen to other machines",
                remedy=f"Set {_SEVERAL_MACHINES}=0 before Python starts, call ray.init by yourself, or give "
                "the address of a cluster.",
            )
        cpus = max(os.cpu_count() or 1, settings.threads)
        _start(ray, cpus)
    return ray


def _join(ray: ModuleType, address: str) -> None:
    """Join a cluster that runs."""
    _require_listening(address)
    try:
        ray.init(address, configure_logging=False, log_to_driver=False)
    except Exception as error:  # Ray raises nothing narrower
        ray.shutdown()
        raise UnreachableError(
            f"the Ray cluster at {address} cannot be joined: {error}",
            remedy="Somebody listens there. A cluster that asks for a token has to be given its own: set "
            "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN. Check that Ray and Python are "
            "of the same release there, and that the port is that of its head (6379, unless set otherwise).",
        ) from error


def _require_listening(address: str) -> None:
    """Raise `UnreachableError` where nobody listens: Ray itself would wait for minutes."""
    host, _, port = address.partition("://")[2 if "://" in address else 0].rpartition(":")
    if not (host and port.isdecimal()):
        # "auto", which Ray looks up by itself, and what it may understand besides.
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise UnreachableError(
            f"nobody answers at the Ray cluster's address, {address}: {error}",
            remedy="Check `ray.address` of the registry, or RAY_ADDRESS, and that the cluster runs; without "
            "either, one is started on this machine.",
        ) from error


def _start(ray: ModuleType, cpus: int) -> None:
    """Start a cluster, and again if that fails: on a busy machine Ray's parts give up on each other."""
    before = started(ray)
    for start in range(1, _STARTS + 1):
        try:
            ray.init(
                "local",
                num_cpus=cpus,
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                configure_logging=False,
                log_to_driver=False,
            )
        except Exception as error:  # Ray raises nothing narrower
            ray.shutdown()
            # They would be in the way of the next start, too.
            end_leftovers(ray, before)
            if start == _STARTS:
                raise UnreachableError(
                    f"no Ray cluster could be started on this machine: {error}",
                    remedy="Look at Ray's logs, by default in /tmp/ray.",
                ) from error
            _log.warning("Ray did not start, try %d of %d: %s", start, _STARTS, error)
            time.sleep(_PAUSE)
        else:
            return


def _imported() -> ModuleType:
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise UnsupportedError(
            "engine: ray needs the package 'ray', which is not installed",
            remedy="Install the extra: pip install 's3-assets[ray]'.",
        ) from None
    module: ModuleType = ray
    return module


def _on_loopback(ray: ModuleType) -> bool:
    return ray.util.get_node_ip_address() in _LOOPBACK


def _names_loopback(address: str) -> bool:
    return address.rpartition(":")[0].strip("[]") in _LOOPBACK


@contextmanager
def _one_machine() -> Iterator[None]:
    """Have Ray, as it is loaded and started, listen on loopback alone."""
    before = os.environ.get(_SEVERAL_MACHINES)
    os.environ[_SEVERAL_MACHINES] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SEVERAL_MACHINES]
        else:
            os.environ[_SEVERAL_MACHINES] = before
