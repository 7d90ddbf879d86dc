"""A secret that is planted in any field of a connection stands in no error, however an engine spells it."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from pydantic import BaseModel

from s3_assets.connection import AccessKeyAuth, AssumeRole, S3Connection, Transport
from s3_assets.connection.auth import WebIdentityAuth
from s3_assets.connection.catalogs import OAuth2, RestCatalogSettings, SqlCatalogSettings
from s3_assets.connection.credentials import credential_source
from s3_assets.connection.diagnosis import diagnose
from s3_assets.connection.proxies import proxy_url
from s3_assets.connection.redaction import redact, secrets_of
from s3_assets.connection.secrets import SecretReference, is_secret, read_secret
from s3_assets.connection.transport import Proxy
from s3_assets.errors import S3AssetsError
from tests.connection.engines import Engine
from tests.servers.gateway import Gateway
from tests.servers.identity.server import IdentityServer

ODD = 'pla/nted+se%cr"et&<x>='


def connection(auth: AccessKeyAuth | WebIdentityAuth, **fields: Any) -> S3Connection:
    return S3Connection(name="lake", url="s3://some-bucket/", region="us-east-1", auth=auth, **fields)


def rest(oauth2: OAuth2) -> S3Connection:
    keys = AccessKeyAuth(access_key_id="A", secret_access_key="other")
    return connection(keys, catalog=RestCatalogSettings(uri="https://catalog.example.com", oauth2=oauth2))


PLANTED: dict[str, Callable[[Any], S3Connection]] = {
    "access_key_id": lambda secret: connection(
        AccessKeyAuth(access_key_id=secret, secret_access_key="other")
    ),
    "secret_access_key": lambda secret: connection(
        AccessKeyAuth(access_key_id="A", secret_access_key=secret)
    ),
    "session_token": lambda secret: connection(
        AccessKeyAuth(access_key_id="A", secret_access_key="other", session_token=secret)
    ),
    "token": lambda secret: connection(
        WebIdentityAuth(role_arn="arn:aws:iam::123456789012:role/r", token=secret)
    ),
    "external_id": lambda secret: connection(
        AccessKeyAuth(access_key_id="A", secret_access_key="other"),
        assume_role=(
            AssumeRole(role_arn="arn:aws:iam::123456789012:role/q"),
            AssumeRole(role_arn="arn:aws:iam::123456789012:role/r", external_id=secret),
        ),
    ),
    "username": lambda secret: connection(
        AccessKeyAuth(access_key_id="A", secret_access_key="other"),
        proxy=Proxy(host="proxy.example.com", port=3128, username=secret),
    ),
    "password": lambda secret: connection(
        AccessKeyAuth(access_key_id="A", secret_access_key="other"),
        proxy=Proxy(host="proxy.example.com", port=3128, username="px", password=secret),
    ),
    "uri": lambda secret: connection(
        AccessKeyAuth(access_key_id="A", secret_access_key="other"), catalog=SqlCatalogSettings(uri=secret)
    ),
    "client_id": lambda secret: rest(OAuth2(client_id=secret, client_secret="other")),
    "client_secret": lambda secret: rest(OAuth2(client_id="other", client_secret=secret)),
}


def declared(model: type[BaseModel]) -> Iterator[str]:
    """Every field that is declared as a secret, anywhere below the model."""
    pending, seen = [model], set()
    while pending:
        each = pending.pop()
        if each in seen or each is SecretReference:
            continue
        seen.add(each)
        for name, field in each.model_fields.items():
            if is_secret(field.annotation):
                yield name
            pending += inner_models(field.annotation)


def inner_models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    parts = getattr(annotation, "__args__", ())
    return [model for part in parts for model in inner_models(part)]


def test_every_declared_secret_is_planted() -> None:
    assert {*declared(S3Connection)} == {*PLANTED}


@pytest.mark.parametrize("place", PLANTED)
@pytest.mark.parametrize(
    "spelled",
    [
        str,
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(secret, safe="").lower(),
        quote,
        quote_plus,
        escape,
        lambda secret: json.dumps({"key": secret}),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: f"https://s3.example.com/some-bucket/k?token={quote(secret)}&x=1",
    ],
    ids=["plain", "percent", "lower", "path", "form", "xml", "json", "base64", "url"],
)
def test_planted(place: str, spelled: Callable[[str], str]) -> None:
    lake = PLANTED[place](ODD)
    text = f"strange thing: '{spelled(ODD)}' was sent"

    error = diagnose(RuntimeError(text), lake, "s3://some-bucket/")

    assert "strange thing" in str(error)
    assert "***" in str(error)
    assert spelled(ODD) not in str(error)
    assert "nted" not in str(error)


@pytest.mark.parametrize("place", PLANTED)
def test_planted_behind_a_reference(place: str, tmp_path: Path) -> None:
    kept = tmp_path / "secret"
    kept.write_text(f"{ODD}\n")
    reference = SecretReference(file=kept)
    lake = PLANTED[place](reference)
    read_secret(reference)
    # Replaced in the meantime: the engine still has the old one.
    kept.write_text("the next one")
    read_secret(reference)

    assert {ODD, "the next one"} <= {*secrets_of(lake)}
    assert redact(f"<{ODD}> <the next one>", lake) == "<***> <***>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("via http://user:pass@host:3128/x", "via http://***@host:3128/x"),
        ("via socks5h://u%40:p%2Fw@[::1]:1", "via socks5h://***@[::1]:1"),
        ("https://host/a@b", "https://host/a@b"),
        ("proxy-authorization: Basic cHg6cHhzZWNyZXQ=", "proxy-authorization: Basic ***"),
        ("authorization: Bearer abcdef", "authorization: Bearer ***"),
        ("x-amz-security-token: IQoJb3JpZ2lu", "x-amz-security-token: ***"),
        ('"x-amz-security-token": "IQoJb3JpZ2lu"', '"x-amz-security-token": "***"'),
        ("?X-Amz-Security-Token=IQo%2F&b=1", "?X-Amz-Security-Token=***&b=1"),
        ("<SessionToken>abc</SessionToken>", "<SessionToken>***</SessionToken>"),
        ("token eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", "token ***"),
    ],
)
def test_shapes_are_blanked_without_a_connection(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_short_secrets_leave_other_words_alone() -> None:
    lake = PLANTED["secret_access_key"]("test")

    assert redact("the latest test of testing: 'test'", lake) == "the latest *** of testing: '***'"


def test_the_credentials_that_are_held(identity: IdentityServer) -> None:
    """They are of STS, and stand in no field."""
    identity.add_user("AKIABASE", "base-secret")
    lake = connection(
        AccessKeyAuth(access_key_id="AKIABASE", secret_access_key="base-secret"),
        assume_role=(AssumeRole(role_arn=identity.add_role("reader")),),
        service_endpoints={"sts": identity.endpoint},
    )
    found = credential_source(lake).current()

    assert found is not None
    assert redact(f"<{found.secret_access_key}> <{found.session_token}>", lake) == "<***> <***>"


def test_a_proxy_that_repeats_its_password(engine: Engine, rgw: Gateway) -> None:
    """Whatever the engine says of a proxy that it cannot reach."""
    proxy = Proxy(host="127.0.0.1", port=9, protocol="http", username="px", password=ODD)
    lake = S3Connection(
        url="s3://some-bucket/",
        endpoint=rgw.endpoint,
        region="us-east-1",
        auth=AccessKeyAuth(access_key_id="A", secret_access_key="other"),
        proxy=proxy,
        transport=Transport(max_retries=0),
    )
    told = proxy_url(lake, rgw.endpoint) or ""
    assert quote(ODD, safe="") in told

    with pytest.raises(S3AssetsError) as caught:
        engine.diagnosed_read(lake)

    assert "nted" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
