"""The metadata services: what botocore gets from them, what they refuse, and how their keys end."""

import os
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import botocore.session
import pytest

from tests.servers.identity.server import IdentityServer
from tests.servers.session_keys import expired, expiry_of, issue


def use(patch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        patch.setenv(name, value)


def resolved() -> Any:
    """What botocore finds in the environment."""
    return botocore.session.Session().get_credentials()


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urlopen(Request(url, method=method, headers=named)) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_botocore_gets_the_keys_of_the_instance(
    identity: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, identity.instance_environment())

    credentials = resolved()

    assert credentials.method == "iam-role"
    assert identity.issued() == [credentials.access_key]
    assert [call.action for call in identity.calls("imds")][:2] == ["token", "security-credentials"]


def test_botocore_gets_the_keys_of_the_container(
    identity: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, identity.container_environment())

    credentials = resolved()
    frozen = credentials.get_frozen_credentials()

    assert credentials.method == "container-role"
    assert identity.issued() == [frozen.access_key]
    assert expiry_of(frozen.access_key) == pytest.approx(time.time() + 3600, abs=5)


def test_botocore_gets_keys_from_a_process(
    identity: IdentityServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[profile tests]\ncredential_process = {identity.credential_process()}\n")
    use(monkeypatch, {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "tests"})

    credentials = resolved()

    assert credentials.method == "custom-process"
    assert identity.issued() == [credentials.access_key]


def test_the_instance_wants_a_token_first(identity: IdentityServer) -> None:
    url = f"{identity.endpoint}/latest/meta-data/iam/security-credentials/"

    without = ask(url)
    with_another = ask(url, x_aws_ec2_metadata_token="another")
    no_seconds = ask(f"{identity.endpoint}/latest/api/token", "PUT")
    _, token = ask(f"{identity.endpoint}/latest/api/token", "PUT", x_aws_ec2_metadata_token_ttl_seconds="1")
    with_it = ask(url, x_aws_ec2_metadata_token=token)
    time.sleep(1.1)
    too_late = ask(url, x_aws_ec2_metadata_token=token)

    assert [without[0], with_another[0], no_seconds[0], too_late[0]] == [401, 401, 400, 401]
    assert with_it == (200, "instance-role")
    assert identity.issued() == []


def test_the_container_wants_its_present_token(identity: IdentityServer) -> None:
    old = identity.use_container_token("old").read_text()
    before = ask(identity.container_url, Authorization=old)
    new = identity.use_container_token("new").read_text()

    assert before[0] == 200
    assert ask(identity.container_url)[0] == 401
    assert ask(identity.container_url, Authorization=old)[0] == 401
    assert ask(identity.container_url, Authorization=new)[0] == 200


def test_its_token_is_for_the_owner_alone(identity: IdentityServer) -> None:
    mode = os.stat(identity.use_container_token("secret")).st_mode  # noqa: PTH116 - the mode alone

    assert mode & 0o077 == 0


def test_the_same_key_until_it_nears_its_end(
    identity: IdentityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity.change(lifetime=3, renew_before=1)
    use(monkeypatch, identity.container_environment())
    credentials = resolved()

    at_once = {credentials.get_frozen_credentials().access_key for _ in range(3)}
    time.sleep(2.1)
    later = credentials.get_frozen_credentials().access_key

    assert len(at_once) == 1
    assert later not in at_once
    assert not any(map(expired, [*at_once, later]))
    time.sleep(1)
    assert [expired(key) for key in identity.issued()] == [True, False]


def test_it_can_fail(identity: IdentityServer) -> None:
    identity.change(failing={"container": 503})

    assert ask(identity.container_url, Authorization="container-token")[0] == 503
    assert identity.calls("container")[-1].status == 503


@pytest.mark.parametrize("key_id", ["AKIAIOSFODNN7EXAMPLE", "ASIA", "test", "ASIAIOSFODNN7EXAMPLE"])
def test_keys_of_others_have_no_known_end(key_id: str) -> None:
    assert expiry_of(key_id) is None
    assert not expired(key_id)


def test_a_key_says_when_it_ends() -> None:
    keys = [issue(20) for _ in range(100)]

    assert len({key.key_id for key in keys}) == 100
    assert {len(key.key_id) for key in keys} == {20}
    assert keys[0].expires_at == pytest.approx(time.time() + 20, abs=1)
    assert expired(issue(0).key_id)
