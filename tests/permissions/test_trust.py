"""Trust policies of roles, against documents written by hand."""

from typing import Any

import pytest

from s3_assets import S3Connection
from s3_assets.errors import SettingError
from s3_assets.permissions import trust_policies

ROLE, HOP = "arn:aws:iam::444455556666:role/lake", "arn:aws:iam::111122223333:role/hop"
USER = "arn:aws:iam::111122223333:user/etl"
PROVIDER = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC"


def connection(**settings: Any) -> S3Connection:
    return S3Connection(**{"name": "lake", "url": "s3://lake/", **settings})


def statements(*arguments: Any, **options: Any) -> dict[str, Any]:
    found = trust_policies(*arguments, **options)
    return {each.holder: each.as_json()["Statement"] for each in found}


def test_a_role_of_another_account_with_an_external_id() -> None:
    here = connection(assume_role={"role_arn": ROLE, "external_id": "abc-123"})

    assert statements(here, USER) == {
        ROLE: [
            {
                "Sid": "AssumeRole",
                "Effect": "Allow",
                "Principal": {"AWS": USER},
                "Action": ["sts:AssumeRole"],
                "Condition": {"StringEquals": {"sts:ExternalId": "abc-123"}},
            }
        ]
    }


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ({"env": "EXTERNAL_ID"}, "<external id: the value of EXTERNAL_ID>"),
        ({"file": "/run/secrets/id"}, "<external id: the value of /run/secrets/id>"),
        ({"secrets_manager": {"name": "lake/id"}}, "<external id: the value of lake/id>"),
    ],
)
def test_an_external_id_that_is_kept_elsewhere_is_not_read(
    reference: dict[str, Any], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTERNAL_ID", "planted-secret")
    here = connection(assume_role={"role_arn": ROLE, "external_id": reference})

    (document,) = trust_policies(here, USER)

    (statement,) = document.as_json()["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": shown}}
    assert document.notes == ("Replace the external id by the secret's value: it is not read here.",)


def test_each_role_of_a_chain_trusts_the_one_before() -> None:
    here = connection(
        assume_role=[
            {"role_arn": HOP, "source_identity": "etl"},
            {"role_arn": ROLE, "external_id": "abc-123"},
        ]
    )

    source = {"sts:SourceIdentity": "etl"}
    assert statements(here, "111122223333") == {
        HOP: [
            {
                "Sid": "AssumeRole",
                "Effect": "Allow",
                "Principal": {"AWS": "111122223333"},
                "Action": ["sts:AssumeRole"],
                "Condition": {"StringEquals": source},
            },
            {
                "Sid": "SetSourceIdentity",
                "Effect": "Allow",
                "Principal": {"AWS": "111122223333"},
                "Action": ["sts:SetSourceIdentity"],
                "Condition": {"StringEquals": source},
            },
        ],
        ROLE: [
            {
                "Sid": "AssumeRole",
                "Effect": "Allow",
                "Principal": {"AWS": HOP},
                "Action": ["sts:AssumeRole"],
                "Condition": {"StringEquals": {"sts:ExternalId": "abc-123", **source}},
            },
            {
                "Sid": "SetSourceIdentity",
                "Effect": "Allow",
                "Principal": {"AWS": HOP},
                "Action": ["sts:SetSourceIdentity"],
                "Condition": {"StringEquals": source},
            },
        ],
    }


def test_a_web_identity_trusts_the_provider_of_its_tokens() -> None:
    auth = {"type": "web_identity", "role_arn": HOP, "token_file": "/var/run/token"}
    here = connection(auth=auth, assume_role={"role_arn": ROLE})

    found = statements(here, PROVIDER, subject="system:serviceaccount:etl:runner")

    issuer = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"
    assert found[HOP] == [
        {
            "Sid": "AssumeWithToken",
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": ["sts:AssumeRoleWithWebIdentity"],
            "Condition": {
                "StringEquals": {
                    f"{issuer}:aud": "sts.amazonaws.com",
                    f"{issuer}:sub": "system:serviceaccount:etl:runner",
                }
            },
        }
    ]
    assert found[ROLE][0]["Principal"] == {"AWS": HOP}


def test_a_web_identity_without_a_subject_lets_nobody_in() -> None:
    here = connection(auth={"type": "web_identity", "role_arn": HOP, "token_file": "/var/run/token"})

    (document,) = trust_policies(here, PROVIDER)

    condition = document.as_json()["Statement"][0]["Condition"]["StringEquals"]
    assert condition["oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub"].startswith("<subject")
    assert document.notes != ()


@pytest.mark.parametrize("principal", [None, "somebody", "arn:aws:s3:::bucket", "*"])
def test_who_assumes_the_first_role_must_be_named(principal: str | None) -> None:
    with pytest.raises(SettingError, match="is not"):
        trust_policies(connection(assume_role={"role_arn": ROLE}), principal)


@pytest.mark.parametrize("principal", [None, USER])
def test_the_provider_must_be_named(principal: str | None) -> None:
    here = connection(auth={"type": "web_identity", "role_arn": HOP, "token_file": "/var/run/token"})

    with pytest.raises(SettingError, match="--principal"):
        trust_policies(here, principal)


def test_without_roles_there_is_nothing_to_trust() -> None:
    assert trust_policies(connection(), USER) == []
