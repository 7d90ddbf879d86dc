"""Checks version 4 signatures, written from AWS's description of them and not from botocore."""

import hashlib
import hmac
import re
import time
from calendar import timegm
from urllib.parse import parse_qsl, quote

from tests.servers.identity.answers import Request

SKEW = 300
"""Seconds that a client's clock may be wrong."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key_id>[^/]+)/"
    r"(?P<scope>(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request), ?"
    r"SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def key_id_of(request: Request) -> str | None:
    """The key that the request says it is signed with."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    return match["key_id"] if match else None


def signed_with(request: Request, secret: str) -> bool:
    """Whether the signature is the one that this secret gives."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        return False
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in match["signed"].split(";")
    )
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(request.query, keep_blank_values=True)
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    body = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join([request.method, request.path, query, headers, match["signed"], body])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    date = request.headers.get("x-amz-date", "")
    key = f"AWS4{secret}".encode()
    for part in (match["day"], match["region"], match["service"], "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{date}\n{match['scope']}\n{digest}"
    return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), match["signature"])


def skewed(request: Request) -> bool:
    """Whether the client's clock is too far from ours."""
    try:
        told = timegm(time.strptime(request.headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return True
    return abs(told - time.time()) > SKEW
