"""Policies of small registries, against documents written by hand."""

from typing import Any

import pytest

from s3_assets import Registry, S3Connection
from s3_assets.permissions import Kind, Service, policies

AWS = Service("eu-central-1")
CEPH = Service("us-east-1", amazon=False)
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DAILY = {"column": "date", "start": "2026-01-05"}
TABLES = {
    "raw": {"connection": "lake", "path": "landing/raw", "format": "parquet"},
    "clean": {"connection": "lake", "path": "lake/clean/", "format": "delta"},
}
IMPORTS = {"clean": {"source": "raw", "target": "clean"}}


def made(
    connection: dict[str, Any], tables: Any = TABLES, imports: Any = IMPORTS, **further: Any
) -> Registry:
    sections: dict[str, Any] = {"tables": tables, "imports": imports, **further}
    return Registry(connections={"lake": S3Connection(**{"url": "s3://lake/", **connection})}, **sections)


def printed(registry: Registry, service: Service = AWS, **options: Any) -> dict[str, Any]:
    """The statements of each identity's policy."""
    found = policies(registry, "lake", service, **options)
    assert all(each.as_json()["Version"] == "2012-10-17" for each in found)
    return {each.holder: each.as_json()["Statement"] for each in found}


def test_an_import_reads_its_source_and_writes_its_target() -> None:
    registry = made({"region": "eu-central-1", "auth": {"type": "profile", "profile": "etl"}})

    assert printed(registry) == {
        "the identity of the profile 'etl'": [
            {
                "Sid": "ListTables",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": ["arn:aws:s3:::lake"],
                "Condition": {
                    "StringLike": {
                        "s3:prefix": ["landing/raw/", "landing/raw/*", "lake/clean/", "lake/clean/*"]
                    }
                },
            },
            {
                "Sid": "ReadTables",
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": ["arn:aws:s3:::lake/landing/raw/*", "arn:aws:s3:::lake/lake/clean/*"],
            },
            {
                "Sid": "WriteTables",
                "Effect": "Allow",
                "Action": ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
                "Resource": ["arn:aws:s3:::lake/lake/clean/*"],
            },
        ]
    }


def test_an_export_writes_its_prefix_and_finds_its_uploads() -> None:
    files = {"source": "raw", "connection": "lake", "path_prefix": "out", "format": "csv"}
    tagged = {**files, "path_prefix": "tagged", "object": {"tags": {"team": "data"}}}
    acls = {**tagged, "path_prefix": "shared", "object": {"canned_acl": "bucket-owner-full-control"}}
    exports = {"files": files, "tagged": tagged, "shared": acls}
    registry = made({}, {"raw": TABLES["raw"]}, {}, exports=exports)

    found = printed(registry)["the identity that the AWS chain finds"]

    roots = [f"arn:aws:s3:::lake/{name}/*" for name in ("out", "tagged", "shared")]
    by_sid = {each["Sid"]: (each["Action"], each["Resource"]) for each in found}
    assert by_sid == {
        "ListTables": (["s3:ListBucket"], ["arn:aws:s3:::lake"]),
        "ReadTables": (["s3:GetObject"], ["arn:aws:s3:::lake/landing/raw/*", *roots]),
        "WriteTables": (["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], roots),
        "ListUploads": (["s3:ListBucketMultipartUploads"], ["arn:aws:s3:::lake"]),
        "DescribeFiles": (["s3:PutObjectTagging"], roots[1:2]),
        "DescribeFiles2": (["s3:PutObjectAcl"], roots[2:]),
    }


@pytest.mark.parametrize("url", ["s3://lake/base", "s3://lake/base/"])
def test_a_base_path_is_part_of_every_prefix(url: str) -> None:
    registry = made({"url": url}, {"raw": TABLES["raw"]}, {})

    statements = printed(registry)["the identity that the AWS chain finds"]

    assert statements == [
        {
            "Sid": "ListTables",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::lake"],
            "Condition": {"StringLike": {"s3:prefix": ["base/landing/raw/", "base/landing/raw/*"]}},
        },
        {
            "Sid": "ReadTables",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::lake/base/landing/raw/*"],
        },
    ]


def test_a_table_that_is_the_whole_bucket_has_no_condition() -> None:
    tables = {**TABLES, "all": {"connection": "lake", "path": "", "format": "parquet"}}

    statements = printed(made({}, tables, {}), written={"clean"})["the identity that the AWS chain finds"]

    assert [(each["Action"][0], each["Resource"], each.get("Condition")) for each in statements] == [
        ("s3:ListBucket", ["arn:aws:s3:::lake"], None),
        ("s3:GetObject", ["arn:aws:s3:::lake/*"], None),
        ("s3:PutObject", ["arn:aws:s3:::lake/lake/clean/*"], None),
    ]


def test_folders_inside_another_need_no_line_of_their_own() -> None:
    tables = {
        "outer": {"connection": "lake", "path": "a/b", "format": "parquet"},
        "inner": {"connection": "lake", "path": "a/b/c", "format": "parquet"},
        "beside": {"connection": "lake", "path": "a/bc", "format": "parquet"},
    }

    statements = printed(made({}, tables, {}))["the identity that the AWS chain finds"]

    assert statements[0]["Condition"] == {"StringLike": {"s3:prefix": ["a/b/", "a/b/*", "a/bc/", "a/bc/*"]}}
    assert statements[1]["Resource"] == ["arn:aws:s3:::lake/a/b/*", "arn:aws:s3:::lake/a/bc/*"]


def test_folders_that_begin_alike_are_found_from_above() -> None:
    registry = made({"match_subfolder_exactly": False})

    statements = printed(registry)["the identity that the AWS chain finds"]

    assert statements[0]["Condition"] == {
        "StringLike": {"s3:prefix": ["landing/", "landing/raw*", "lake/clean/", "lake/clean/*"]}
    }
    assert statements[1]["Resource"] == ["arn:aws:s3:::lake/landing/raw*", "arn:aws:s3:::lake/lake/clean/*"]
    assert statements[2]["Resource"] == ["arn:aws:s3:::lake/lake/clean/*"]


def test_characters_of_a_path_are_no_wildcards() -> None:
    tables = {"odd": {"connection": "lake", "path": "a*b/${c}?", "format": "parquet"}}

    statements = printed(made({}, tables, {}))["the identity that the AWS chain finds"]

    assert statements[1]["Resource"] == ["arn:aws:s3:::lake/a${*}b/${$}{c}${?}/*"]


def test_a_connection_without_tables_is_read() -> None:
    statements = printed(made({"url": "s3://lake/base/"}, {}, {}))["the identity that the AWS chain finds"]

    assert [each["Sid"] for each in statements] == ["ListTables", "ReadTables"]
    assert statements[1]["Resource"] == ["arn:aws:s3:::lake/base/*"]


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("moon-1", "aws"),
    ],
)
def test_the_partition_follows_the_region(region: str, partition: str) -> None:
    statements = printed(made({}, TABLES, {}), Service(region))["the identity that the AWS chain finds"]

    assert statements[0]["Resource"] == [f"arn:{partition}:s3:::lake"]


@pytest.mark.parametrize(
    ("endpoint", "amazon"),
    [
        (None, True),
        ("https://s3.eu-central-1.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("https://vpce-1a2b.s3.eu-central-1.vpce.amazonaws.com", True),
        ("https://minio.example.com:9000", False),
        ("https://amazonaws.com.example.com", False),
        ("http://127.0.0.1:7480", False),
    ],
)
def test_whose_s3_it_is(endpoint: str | None, amazon: bool) -> None:
    assert Service.at(endpoint, "eu-central-1").amazon is amazon


def test_other_servers_get_what_they_need_besides() -> None:
    registry = made(
        {"endpoint": "http://ceph:7480", "encryption": {"server_side": "sse-kms", "kms_key_id": "k"}}
    )

    (document,) = policies(registry, "lake", CEPH)

    statements = document.as_json()["Statement"]
    assert statements[0]["Condition"].keys() == {"StringLikeIfExists"}
    assert statements[3] == {
        "Sid": "DeleteSeveralAtOnce",
        "Effect": "Allow",
        "Action": ["s3:DeleteObject"],
        "Resource": ["arn:aws:s3:::lake"],
    }
    assert [note.partition(" ")[0] for note in document.notes] == ["This", "The"]
    assert not any(action.startswith("kms:") for action in document.actions)


@pytest.mark.parametrize(
    ("key", "resource", "condition"),
    [
        (KEY, KEY, {}),
        (
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:eu-central-1:*:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            {},
        ),
        (
            "mrk-1234abcd12ab34cd56ef1234567890ab",
            "arn:aws:kms:eu-central-1:*:key/mrk-1234abcd12ab34cd56ef1234567890ab",
            {},
        ),
        (
            "alias/lake",
            "arn:aws:kms:eu-central-1:*:key/*",
            {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/lake"}},
        ),
        (
            "arn:aws:kms:eu-central-1:111122223333:alias/lake",
            "arn:aws:kms:eu-central-1:111122223333:key/*",
            {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/lake"}},
        ),
    ],
)
def test_a_key_of_ones_own(key: str, resource: str, condition: dict[str, Any]) -> None:
    registry = made({"encryption": {"server_side": "sse-kms", "kms_key_id": key}})

    statement = printed(registry)["the identity that the AWS chain finds"][-1]

    through_s3 = {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}
    assert statement == {
        "Sid": "EncryptTables",
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": [resource],
        "Condition": {"StringEquals": through_s3, **condition},
    }


def test_what_is_only_read_is_only_decrypted() -> None:
    registry = made({"encryption": {"server_side": "sse-kms", "kms_key_id": KEY}}, TABLES, {})

    statement = printed(registry)["the identity that the AWS chain finds"][-1]

    assert (statement["Sid"], statement["Action"]) == ("DecryptTables", ["kms:Decrypt"])


@pytest.mark.parametrize("encryption", [{"server_side": "sse-s3"}, {"server_side": "sse-kms"}])
def test_keys_of_s3_itself_need_nothing(encryption: dict[str, str]) -> None:
    statements = printed(made({"encryption": encryption}))["the identity that the AWS chain finds"]

    assert [each["Sid"] for each in statements] == ["ListTables", "ReadTables", "WriteTables"]


def test_the_client_side_asks_for_its_key_itself() -> None:
    registry = made({"encryption": {"client_side": {"kms_key_id": KEY, "kms_region": "eu-west-1"}}}, {}, {})

    assert printed(registry)["the identity that the AWS chain finds"][-1] == {
        "Sid": "EncryptRawObjects",
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": [KEY],
    }


def test_each_role_of_a_chain_has_a_policy_of_its_own() -> None:
    hop, last = "arn:aws:iam::111122223333:role/hop", "arn:aws:iam::444455556666:role/lake"
    roles = [{"role_arn": hop, "source_identity": "etl"}, {"role_arn": last, "external_id": "abc-123"}]

    found = printed(made({"assume_role": roles}, {"raw": TABLES["raw"]}, {}))

    both = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    assert found["the identity that the AWS chain finds"] == [
        {"Sid": "AssumeRole", "Effect": "Allow", "Action": both, "Resource": [hop]}
    ]
    # The source identity stays with the session, and has to be allowed at each further step.
    assert found[hop] == [{"Sid": "AssumeRole", "Effect": "Allow", "Action": both, "Resource": [last]}]
    assert [each["Action"] for each in found[last]] == [["s3:ListBucket"], ["s3:GetObject"]]


def test_a_web_identity_is_its_role() -> None:
    role = "arn:aws:iam::111122223333:role/pod"
    auth = {"type": "web_identity", "role_arn": role, "token_file": "/var/run/token"}

    found = printed(made({"auth": auth}))

    assert [*found] == [role]
    assert [each["Sid"] for each in found[role]] == ["ListTables", "ReadTables", "WriteTables"]


def test_what_is_anonymous_is_the_buckets_own_policy() -> None:
    registry = made({"auth": {"type": "anonymous"}}, {"raw": TABLES["raw"]}, {})

    (document,) = policies(registry, "lake", AWS)

    assert document.kind is Kind.BUCKET
    assert [each["Principal"] for each in document.as_json()["Statement"]] == ["*", "*"]


def test_secrets_are_read_by_the_chain_or_a_profile() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:lake-AbCdEf"
    auth = {
        "type": "access_key",
        "access_key_id": {"ssm": {"name": "/lake/key", "region": "eu-west-1"}},
        "secret_access_key": {"secrets_manager": {"name": "lake/secret"}},
        "session_token": {"secrets_manager": {"name": arn, "profile": "vault"}},
    }

    found = printed(made({"auth": auth, "proxy": {"host": "p", "port": 1, "username": {"env": "NAME"}}}))

    assert [*found] == [
        "the user of the access key",
        "the identity that the AWS chain finds",
        "the identity of the profile 'vault'",
    ]
    assert found["the identity that the AWS chain finds"] == [
        {
            "Sid": "ReadParameter",
            "Effect": "Allow",
            "Action": ["ssm:GetParameter"],
            "Resource": ["arn:aws:ssm:eu-west-1:*:parameter/lake/key"],
        },
        {
            "Sid": "ReadSecret",
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue"],
            "Resource": ["arn:aws:secretsmanager:eu-central-1:*:secret:lake/secret-??????"],
        },
    ]
    assert found["the identity of the profile 'vault'"][0]["Resource"] == [arn]


def test_the_salt_of_an_import_is_read_where_its_target_is_written() -> None:
    salt = {"secrets_manager": {"name": "lake/salt"}}
    imports = {"clean": {**IMPORTS["clean"], "filters": {"digest": {"email": {"salt": salt}}}}}
    registry = made(
        {"auth": {"type": "profile", "profile": "etl"}, "region": "eu-central-1"}, TABLES, imports
    )

    (statement,) = printed(registry)["the identity that the AWS chain finds"]

    assert statement["Action"] == ["secretsmanager:GetSecretValue"]
    assert statement["Resource"] == ["arn:aws:secretsmanager:eu-central-1:*:secret:lake/salt-??????"]


def test_statements_of_one_name_are_numbered() -> None:
    auth = {
        "type": "access_key",
        "access_key_id": {"ssm": {"name": "a"}},
        "secret_access_key": {"ssm": {"name": "b"}},
    }

    found = printed(made({"auth": auth}))["the identity that the AWS chain finds"]

    assert [each["Sid"] for each in found] == ["ReadParameter", "ReadParameter2"]


def test_a_policy_that_is_too_long_says_so() -> None:
    tables = {
        f"t{n}": {"connection": "lake", "path": f"some/folder/{n}", "format": "delta"} for n in range(100)
    }

    (document,) = policies(made({}, tables, {}), "lake", AWS)

    assert "6,144" in document.notes[-1]


def test_sizes_of_buckets_where_they_are_asked_for() -> None:
    def sids(connection: dict[str, Any], service: Service, **options: Any) -> dict[str, list[str]]:
        (statements,) = printed(made(connection, {}, {}), service, **options).values()
        return {each["Sid"]: each["Action"] for each in statements}

    buckets = {"ListBuckets": ["s3:ListAllMyBuckets"]}
    metrics = {"ReadSizes": ["cloudwatch:ListMetrics", "cloudwatch:GetMetricData"]}
    server = {"endpoint": "http://127.0.0.1:9"}
    plain = sids({}, AWS)
    assert not plain.keys() & {"ListBuckets", "ReadSizes"}
    assert sids({}, AWS, sizes=True) == plain | buckets | metrics
    assert sids(server, CEPH, sizes=True) == sids(server, CEPH) | buckets
    told = {**server, "service_endpoints": {"cloudwatch": "http://127.0.0.1:9"}}
    assert sids(told, CEPH, sizes=True).keys() >= metrics.keys()
    public = {"auth": {"type": "anonymous"}}
    assert sids(public, AWS, sizes=True) == sids(public, AWS)
