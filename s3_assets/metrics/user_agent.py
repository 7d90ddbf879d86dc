"""Who asks, as the server is told: in the User-Agent, which access logs and CloudTrail keep."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from s3_assets.made_once import made_once

# RFC 9110, 5.6.2: what a token may hold besides letters and digits; quote() encodes '%' as the others.
_ALLOWED = "!#$&'*+-.^_`|~"
_LONGEST = 128


class Asker(NamedTuple):
    """On whose behalf requests are sent; what is not known is empty."""

    run: str = ""
    step: str = ""
    asset: str = ""
    sensor: str = ""


def user_agent(asker: Asker) -> str:
    """Return products of RFC 9110, 10.1.5: `s3-assets/0.1.0 run/... step/... asset/sales%2Forders`.

    What a token must not hold is percent-encoded, and names are cut at 128 characters.
    """
    told = [f"{kind}/{_token(name)}" for kind, name in asker._asdict().items() if name]
    return " ".join([f"s3-assets/{_version()}", *told])


def _token(name: str) -> str:
    encoded = quote(name, safe=_ALLOWED)
    if len(encoded) <= _LONGEST:
        return encoded
    cut = encoded[:_LONGEST]
    # Not in the middle of an encoded byte.
    return cut[: cut.rindex("%")] if "%" in cut[-2:] else cut


@made_once(1)
def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return _token(version("s3-assets"))
    except PackageNotFoundError:
        return "0"
