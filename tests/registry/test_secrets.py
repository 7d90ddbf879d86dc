"""No message, repr or chained error repeats a secret, wherever it was put."""

import traceback
from pathlib import Path
from typing import Any

import pytest

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.errors import RegistryError
from s3_assets.registry import Registry
from s3_assets.registry.loading import parse_registry

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE3Ky"  # of the shape that AWS gives them
KEY = "AKIAIOSFODNN7EXAMPLE"
AUTH = "connections:\n  lake:\n    url: s3://bucket/\n    auth:\n      type: access_key\n"
WRONG_PLACES = {
    "a misspelt field": AUTH + f"      access_key_id: {KEY}\n      secret_acess_key: {SECRET}\n",
    "no space before it": "connections:\n  lake: { url: s3://bucket/, auth: { type: access_key, "
    f"secret_access_key:{SECRET} }} }}\n",
    "as a field": AUTH + f"      {SECRET}: x\n",
    "as the type": f"connections:\n  lake: {{ url: s3://bucket/, auth: {{ type: {SECRET} }} }}\n",
    "as the auth": f"connections:\n  lake: {{ url: s3://bucket/, auth: {SECRET} }}\n",
    "as the URL": f"connections:\n  lake: {{ url: {SECRET} }}\n",
    "in the URL": f"connections:\n  lake: {{ url: 's3://{KEY}:{SECRET}@bucket/' }}\n",
    "in the endpoint": "connections:\n  lake: { url: s3://bucket/, endpoint: "
    f"'https://{KEY}:{SECRET}@host:9000' }}\n",
    "in an endpoint that is none": "connections:\n  lake: { url: s3://bucket/, endpoint: "
    f"'ftp://{KEY}:{SECRET}@host' }}\n",
    "as a variable's name": AUTH
    + f"      access_key_id: {KEY}\n      secret_access_key: {{ env: {SECRET} }}\n",
    "as a connection's name": f"tables:\n  a: {{ connection: {SECRET}, path: a, format: delta }}\n",
    "as an alias": AUTH + f"      secret_access_key: *{SECRET.replace('/', '')}\n",
    "as a tag": AUTH + f"      secret_access_key: !{SECRET}\n",
    "as an anchor": f"connections: {{ lake: {{ url: &{SECRET} }} }}\n",
    "beside a duplicate": AUTH + f"      secret_access_key: {SECRET}\n      secret_access_key: {SECRET}\n",
    "as a list": AUTH + f"      secret_access_key: [{SECRET}]\n",
    "with an unknown neighbour": AUTH
    + f"      access_key_id: {KEY}\n      secret_access_key: {SECRET}\n      x: 1\n",
    "an open quote": AUTH + f'      secret_access_key: "{SECRET}\n',
    "a colon inside": AUTH + f"      secret_access_key: a: {SECRET}\n",
}


@pytest.mark.parametrize("text", WRONG_PLACES.values(), ids=list(WRONG_PLACES))
def test_errors_do_not_repeat_it(text: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parse_registry(text, Path("registry.yaml"), {})

    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "registry.yaml:" in shown
    assert SECRET not in shown
    assert SECRET.replace("/", "") not in shown
    assert SECRET.lower() not in shown.lower()
    assert KEY not in shown


def test_a_secret_that_stands_right_is_not_repeated_by_another_field() -> None:
    """It has no shape that gives it away: the file says that it is one."""
    text = AUTH + "      access_key_id: some\n      secret_access_key: hunter-two\n    region: 5\n"
    text += "tables:\n  a: { connection: hunter-two, path: a, format: delta }\n"

    with pytest.raises(RegistryError) as caught:
        parse_registry(text, Path("registry.yaml"), {})

    assert "hunter-two" not in str(caught.value)


def test_python_errors_do_not_repeat_it() -> None:
    auth = {"type": "access_key", "secret": SECRET}
    connections: Any = {"lake": {"url": "s3://bucket/", "auth": auth}}

    with pytest.raises(RegistryError) as caught:
        Registry(connections=connections)

    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert "connections.lake.auth.secret: there is no such field" in shown


def test_repr_does_not_show_it() -> None:
    auth = AccessKeyAuth(access_key_id=KEY, secret_access_key=SECRET, session_token=SECRET)
    registry = Registry(connections={"lake": S3Connection(url="s3://bucket/", auth=auth)})

    for shown in (repr(registry), str(registry), repr(registry.connections["lake"])):
        assert SECRET not in shown
        assert KEY not in shown


@pytest.mark.parametrize("secret", ["12345678", "2026-01-01", "true", "0x1F", "1e3", "null_"])
def test_secrets_are_text(secret: str) -> None:
    text = AUTH + f"      access_key_id: {secret}\n      secret_access_key: {secret}\n"

    auth = parse_registry(text, Path("registry.yaml"), {}).connections["lake"].auth

    assert auth == AccessKeyAuth(access_key_id=secret, secret_access_key=secret)
