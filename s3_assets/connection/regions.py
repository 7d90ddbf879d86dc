"""Regions: checked against botocore's list, and read from an endpoint's name."""

from __future__ import annotations

import re
from functools import cache

# Amazon Simple Storage Service endpoints and quotas, AWS General Reference.
_ENDPOINT = re.compile(
    r"(?:^|\.)s3(?:-fips|-accesspoint)?[.-](?:dualstack\.)?(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com"
)
# Backblaze B2, Wasabi, DigitalOcean and others name it in the same place: s3.<region>.<provider>.
_OTHER = re.compile(r"^(?:[^.]+\.)*s3[.-](?P<region>[a-z]{2,}-[a-z0-9-]+-?\d+)\.[^.]+\.[a-z]+$")


@cache
def known_regions() -> frozenset[str]:
    """Every region that botocore knows for S3, in all partitions."""
    import botocore.session

    session = botocore.session.Session()
    return frozenset(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("s3", partition, allow_non_regional=True)
    )


def region_of_endpoint(host: str) -> str | None:
    """Return the region that the endpoint's host name carries, if any."""
    match = _ENDPOINT.search(host) or _OTHER.match(host)
    return match["region"] if match else None


def check_region(region: str, host: str | None) -> list[str]:
    """Return warnings: an unknown region, or one that contradicts the endpoint's."""
    warnings = []
    in_endpoint = region_of_endpoint(host) if host else None
    if in_endpoint and in_endpoint != region:
        warnings.append(f"region '{region}' contradicts the endpoint {host}, which is in '{in_endpoint}'")
    elif host is None and region not in known_regions():
        warnings.append(f"region '{region}' is not one that AWS has; requests are signed for it all the same")
    return warnings
