"""What a symptom means for this connection: the endpoint, region, proxy or clock that it is about."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from s3_assets.connection import clock
from s3_assets.connection.auth import AnonymousAuth
from s3_assets.connection.environment import Address, address
from s3_assets.connection.network_symptoms import (
    CUT_OFF,
    NO_SUCH_HOST,
    OTHER_HOST,
    PROXY_PASSWORD,
    PROXY_REFUSED,
    PROXY_UNREACHABLE,
    UNREACHABLE,
)
from s3_assets.connection.proxies import proxy_url
from s3_assets.connection.symptoms import (
    BAD_REQUEST,
    DENIED,
    NO_BUCKET,
    OTHER_REGION,
    REFUSED,
    SIGNATURE,
    SKEWED,
    UNKNOWN_KEY,
    UNSIGNED,
)
from s3_assets.errors import S3AssetsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3_assets.connection.answers import Answer
    from s3_assets.connection.settings import S3Connection
    from s3_assets.connection.symptom import Symptom

    Refinement = Callable[[Symptom, Answer, S3Connection], Symptom]

# Amazon S3 API Reference, "Error responses": the message of AuthorizationHeaderMalformed, and its field.
_REGION = re.compile(r"expecting '(?P<said>[a-z0-9-]+)'|<Region>(?P<field>[a-z0-9-]+)</Region>")
_TIMES = re.compile(
    r"<RequestTime>(?P<here>\d{8}T\d{6}Z)</RequestTime>.*?<ServerTime>(?P<there>[^<]+)</ServerTime>",
    re.DOTALL,
)
# botocore's words for a request that reached nobody: those of SQS, STS and others go to other servers.
_ASKED = re.compile(r'endpoint URL: "(?P<server>https?://[^/"\s]+)')
_AMAZON_S3 = re.compile(r"(?:^|\.)s3[.-](?:[\w-]+\.)*amazonaws\.com(?:\.cn)?$")
_FOREIGN = (
    "Without an endpoint, requests go to AWS: set endpoint and region if another server has the bucket."
)


def refined(symptom: Symptom, answer: Answer, connection: S3Connection) -> Symptom:
    """Return the symptom with what is known of the connection in its sentences."""
    refine = _REFINEMENTS.get(symptom)
    return refine(symptom, answer, connection) if refine is not None else symptom


def _unreachable(symptom: Symptom, answer: Answer, connection: S3Connection) -> Symptom:
    """Name the proxy if one was asked: who connects to a server through a proxy connects to the proxy."""
    where = _address(connection)
    other = _other_server(answer, where)
    proxy = _proxy(connection, other or (where.url if where else None))
    if proxy is not None:
        return _named(PROXY_UNREACHABLE, proxy)
    if other is not None:
        return _other_unreachable(symptom, other)
    endpoint = connection.endpoint or (where.endpoint if where else None)
    if symptom == UNREACHABLE:
        return symptom._replace(found=f"{symptom.found} {endpoint}") if endpoint else symptom
    if where is None:
        return symptom
    host = urlsplit(where.url).hostname
    remedy = symptom.remedy
    if where.virtual_hosted:
        remedy = "Set addressing_style: path, or have the name server know the endpoint's subdomains."
    return symptom._replace(found=f"the host name {host} is unknown", remedy=remedy)


def _other_server(answer: Answer, where: Address | None) -> str | None:
    """Return the server that was asked, if it is none of the bucket's."""
    asked = _ASKED.search(answer.message)
    if asked is None or where is None:
        return None
    # botocore leaves the bucket out of the host where the request is of none; AWS has several names for S3.
    there, here = urlsplit(asked["server"]), urlsplit(where.url)
    if there.netloc in {here.netloc, here.netloc.removeprefix(f"{where.bucket}.")}:
        return None
    return None if where.amazon and _AMAZON_S3.search(there.hostname or "") else asked["server"]


def _other_unreachable(symptom: Symptom, server: str) -> Symptom:
    remedy = "Check service_endpoints and the region, and for a queue its queue_url."
    if symptom == UNREACHABLE:
        return symptom._replace(found=f"nobody answers at {server}", remedy=remedy)
    found = f"the host name {urlsplit(server).hostname} is unknown"
    return symptom._replace(found=found, remedy=f"{remedy[:-1]}; and this machine's name server.")


def _proxy_failure(symptom: Symptom, _: Answer, connection: S3Connection) -> Symptom:
    proxy = _proxy(connection, _url(connection))
    return _named(symptom, proxy) if proxy is not None else symptom


def _unsigned(symptom: Symptom, answer: Answer, connection: S3Connection) -> Symptom:
    """Tell the proxy's 401 from the server's, which comes with a code."""
    proxy = _proxy(connection, _url(connection))
    return symptom if proxy is None or answer.codes else _named(PROXY_PASSWORD, proxy)


def _cut_off(symptom: Symptom, _: Answer, connection: S3Connection) -> Symptom:
    """Add what the reason may be: a server that ends a connection is not always heard out."""
    where = _address(connection)
    if where is None:
        return symptom
    if where.plain_http:
        return symptom._replace(remedy=f"{symptom.remedy} If the server speaks TLS there, write https://.")
    if symptom == CUT_OFF and connection.tls.client_certificate is None:
        return symptom._replace(
            remedy=f"{symptom.remedy} If it demands a client certificate, set tls.client_certificate."
        )
    return symptom


def _other_host(symptom: Symptom, _: Answer, connection: S3Connection) -> Symptom:
    if not connection.virtual_hosted:
        return symptom
    return symptom._replace(remedy="Set addressing_style: path, or have the certificate name *.<endpoint>.")


def _other_region(symptom: Symptom, answer: Answer, _: S3Connection) -> Symptom:
    match = _REGION.search(answer.message)
    region = (match["said"] or match["field"]) if match else None
    if region is None:
        return symptom
    return symptom._replace(
        found=f"{symptom.found}, {region}", remedy=f"Set the connection's region: {region}."
    )


def _foreign(symptom: Symptom, _: Answer, connection: S3Connection) -> Symptom:
    where = _address(connection)
    if where is None or where.endpoint is not None:
        return symptom
    return symptom._replace(remedy=f"{symptom.remedy} {_FOREIGN}")


def _signature(symptom: Symptom, answer: Answer, connection: S3Connection) -> Symptom:
    return _foreign(_clock(symptom, answer, connection), answer, connection)


def _clock(symptom: Symptom, answer: Answer, connection: S3Connection) -> Symptom:
    """Say how far the clock is off, as the server's answer tells it or as it is measured."""
    skew = _skew_in(answer) or clock.clock_skew(connection)
    if skew is None or abs(skew) < clock.NOTABLE:
        return symptom
    return SKEWED._replace(error=symptom.error, found=f"{symptom.found}: {clock.told(skew)}")


def _denied(symptom: Symptom, answer: Answer, connection: S3Connection) -> Symptom:
    if isinstance(connection.auth, AnonymousAuth):
        return DENIED._replace(
            found="access is denied to unsigned requests", remedy="Set the connection's auth."
        )
    if symptom != REFUSED:
        return symptom
    if answer.codes:
        return DENIED._replace(found=f"access is denied ({answer.codes[0]})")
    return _clock(symptom, answer, connection)


def _skew_in(answer: Answer) -> timedelta | None:
    match = _TIMES.search(answer.message)
    if match is None:
        return None
    try:
        here = datetime.strptime(match["here"], "%Y%m%dT%H%M%S%z")
        return here - datetime.fromisoformat(match["there"]).astimezone(UTC)
    except ValueError:
        return None


def _named(symptom: Symptom, proxy: str) -> Symptom:
    return symptom._replace(found=symptom.found.replace("the proxy", f"the proxy {proxy}", 1))


def _address(connection: S3Connection) -> Address | None:
    """Return where requests go; what may go wrong with that has been told before a request was made."""
    with suppress(S3AssetsError):
        return address(connection)
    return None


def _url(connection: S3Connection) -> str | None:
    where = _address(connection)
    return where.url if where else None


def _proxy(connection: S3Connection, server: str | None) -> str | None:
    """Return the proxy of the connection's requests to a server, without its user."""
    if server is None:
        return None
    with suppress(S3AssetsError, ValueError):
        if url := proxy_url(connection, server):
            parts = urlsplit(url)
            return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    return None


_REFINEMENTS: dict[Symptom, Refinement] = {
    UNREACHABLE: _unreachable,
    NO_SUCH_HOST: _unreachable,
    CUT_OFF: _cut_off,
    BAD_REQUEST: _cut_off,
    UNSIGNED: _unsigned,
    OTHER_HOST: _other_host,
    PROXY_PASSWORD: _proxy_failure,
    PROXY_REFUSED: _proxy_failure,
    PROXY_UNREACHABLE: _proxy_failure,
    OTHER_REGION: _other_region,
    UNKNOWN_KEY: _foreign,
    NO_BUCKET: _foreign,
    SIGNATURE: _signature,
    SKEWED: _clock,
    DENIED: _denied,
    REFUSED: _denied,
}
