"""Endpoints: what may be written, and the one way in which it is kept."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def whole_endpoint(endpoint: str) -> str:
    """Return the endpoint as a URL.

    Raises `ValueError` if it is none, or says more than scheme, host and port.
    """
    whole = endpoint if "://" in endpoint else f"https://{endpoint}"
    parts = urlsplit(whole)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_sound_port(parts):
        shown = endpoint.rpartition("@")[2]
        raise ValueError(f"'{shown}' is not an endpoint; write https://host:port or a host name")
    if parts.path.strip("/") or parts.query or parts.username:
        raise ValueError(
            f"the endpoint '{parts.hostname}' carries a path, a query or a user; write {parts.scheme}://"
            f"{parts.hostname}{f':{parts.port}' if parts.port else ''} and put the bucket into url"
        )
    return whole.rstrip("/")


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False
