"""What a connection accepts, and what it makes of it."""

import warnings
from typing import Any

import pytest
from pydantic import ValidationError

from s3_assets.connection import AddressingStyle, DefaultAuth, S3Connection
from s3_assets.connection.environment import address
from s3_assets.connection.regions import region_of_endpoint


def make(**fields: Any) -> S3Connection:
    return S3Connection(**{"name": "lake", "url": "s3://bucket/", **fields})


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("s3://bucket", "s3://bucket/"),
        ("s3://bucket/", "s3://bucket/"),
        ("s3://bucket/base/path", "s3://bucket/base/path/"),
        ("s3a://bucket/base/", "s3://bucket/base/"),
        ("s3n://bucket", "s3://bucket/"),
        ("S3://bucket/x", "s3://bucket/x/"),
    ],
)
def test_url(written: str, url: str) -> None:
    assert make(url=written).url == url


def test_leading_slash_is_refused_with_the_corrected_value() -> None:
    with pytest.raises(ValidationError, match=r"Write s3://bucket/base/path/"):
        make(url="s3://bucket//base/path/")


@pytest.mark.parametrize("url", ["bucket/path", "https://bucket/", "s3://", "s3://Bucket/", "s3://b/", ""])
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        make(url=url)


@pytest.mark.parametrize(
    ("written", "endpoint"),
    [
        ("s3.eu-central-1.amazonaws.com", "https://s3.eu-central-1.amazonaws.com"),
        ("https://minio.example:9000/", "https://minio.example:9000"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("minio.example:9000", "https://minio.example:9000"),
        ("[::1]:9000", "https://[::1]:9000"),
    ],
)
def test_endpoint(written: str, endpoint: str) -> None:
    assert make(endpoint=written).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint", ["ftp://host", "https://host/bucket", "https://", "host:port", "https://u:hunter2@host"]
)
def test_endpoints_that_are_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="endpoint") as caught:
        make(endpoint=endpoint)

    assert "hunter2" not in str(caught.value)


def test_region_is_lowered_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="'EU-WEST-1' is written 'eu-west-1'"):
        assert make(region="EU-WEST-1").region == "eu-west-1"


def test_unknown_region_warns_and_goes_on() -> None:
    with pytest.warns(UserWarning, match=r"connection 'lake': region 'moon-west-1'"):
        assert make(region="moon-west-1").region == "moon-west-1"


def test_region_that_contradicts_the_endpoint_warns() -> None:
    with pytest.warns(UserWarning, match="contradicts the endpoint .*'eu-central-1'"):
        make(endpoint="s3.eu-central-1.amazonaws.com", region="us-east-1")


def test_known_regions_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for region in ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "ap-southeast-4"):
            make(region=region)
        make(endpoint="http://minio:9000", region="garage")


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("s3.eu-central-1.amazonaws.com", "eu-central-1"),
        ("s3-eu-west-1.amazonaws.com", "eu-west-1"),
        ("s3.dualstack.us-west-2.amazonaws.com", "us-west-2"),
        ("s3-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("bucket.s3.ap-southeast-2.amazonaws.com", "ap-southeast-2"),
        ("s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("s3.us-west-004.backblazeb2.com", "us-west-004"),
        ("s3.eu-central-1.wasabisys.com", "eu-central-1"),
        ("s3.amazonaws.com", None),
        ("minio.example", None),
        ("127.0.0.1", None),
    ],
)
def test_region_in_the_endpoint(host: str, region: str | None) -> None:
    assert region_of_endpoint(host) == region


def test_region_is_resolved_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    regional = "s3.eu-central-1.amazonaws.com"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    with pytest.warns(UserWarning, match="contradicts"):
        told = make(endpoint=regional, region="us-west-2")

    assert address(told).region == "us-west-2"
    assert address(make(endpoint=regional)).region == "eu-central-1"
    assert address(make()).region == "sa-east-1"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert address(make()).region == "us-east-1"


@pytest.mark.parametrize(
    ("fields", "virtual"),
    [
        ({}, True),
        ({"url": "s3://dotted.bucket/"}, False),
        ({"endpoint": "http://minio:9000"}, False),
        ({"addressing_style": "path"}, False),
        ({"endpoint": "http://minio:9000", "addressing_style": "virtual"}, True),
        ({"url": "s3://dotted.bucket/", "addressing_style": "virtual"}, True),
    ],
)
def test_addressing_style(fields: dict[str, Any], virtual: bool) -> None:
    assert address(make(**fields)).virtual_hosted is virtual


def test_defaults() -> None:
    connection = make()

    assert connection.auth == DefaultAuth()
    assert connection.addressing_style is AddressingStyle.AUTO
    assert connection.match_subfolder_exactly
    assert connection.transport.model_dump() == {
        "connect_timeout": 50.0,
        "read_timeout": 50.0,
        "max_connections": 50,
        "max_retries": 3,
    }


@pytest.mark.parametrize(
    "transport", [{"connect_timeout": 0}, {"read_timeout": -1}, {"max_connections": 0}, {"max_retries": -1}]
)
def test_transport_out_of_range(transport: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(transport))):
        make(transport=transport)
