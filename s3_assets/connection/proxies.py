"""Which proxy a request goes through: decided once, here, so that every engine is told the same.

The engines read NO_PROXY, wildcards and lower-case variables each in its own way, and boto3 ignores
exclusions once it is given a proxy. A connection talks to hosts that are known beforehand, so no engine has
to decide.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from s3_assets.connection.ambient import with_variables_held_still
from s3_assets.connection.secrets import read_secret
from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from s3_assets.connection.settings import S3Connection
    from s3_assets.connection.transport import Proxy

_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


def proxy_url(connection: S3Connection, url: str) -> str | None:
    """Return the proxy for a request to that URL, with its user and password, or None for the direct way.

    Raises `SecretMissingError` if the proxy's password is not where the connection says.
    """
    proxy = connection.proxy
    if proxy is None:
        return _of_environment(url)
    host = (urlsplit(url).hostname or "").lower()
    if any(fnmatchcase(host, pattern.lower().strip("[]")) for pattern in proxy.non_proxy_hosts):
        return None
    try:
        return f"{proxy.protocol}://{_user(proxy)}{proxy.host}:{proxy.port}"
    except S3AssetsError as error:
        raise error.at(connection=connection.name) from error.__cause__


def environment_has_proxies() -> bool:
    """Tell whether a library that reads the environment by itself would find a proxy there."""
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in _VARIABLES)


def _of_environment(url: str) -> str | None:
    from botocore.utils import get_environ_proxies

    # botocore walks through all variables, and other threads hide AWS's from their engines meanwhile.
    with with_variables_held_still():
        proxies = get_environ_proxies(url)
    found = proxies.get(urlsplit(url).scheme) or proxies.get("all")
    return found if not found or "://" in found else f"http://{found}"


def _user(proxy: Proxy) -> str:
    if proxy.username is None:
        return ""
    user = quote(read_secret(proxy.username), safe="")
    password = f":{quote(read_secret(proxy.password), safe='')}" if proxy.password is not None else ""
    return f"{user}{password}@"
