"""The rows of authentication: who a request says that it is from."""

import time
from pathlib import Path
from typing import Any

from s3_assets.connection import (
    AccessKeyAuth,
    AnonymousAuth,
    AssumeRole,
    DefaultAuth,
    IamRoleAuth,
    ParameterSecret,
    ProfileAuth,
    RoleSource,
    S3Connection,
    SecretReference,
    SecretsManagerSecret,
    ServiceEndpoints,
    WebIdentityAuth,
)
from tests.connection.engines import Engine
from tests.connection.matrix.cells import EXPIRING, KEY_ID, SECRET, Bench, How, Row
from tests.connection.matrix.sign_on import single_sign_on
from tests.servers.identity.server import IdentityServer
from tests.servers.identity.settings import Role
from tests.servers.session_keys import token_of

DECOY = {"AWS_ACCESS_KEY_ID": "AKIADECOY", "AWS_SECRET_ACCESS_KEY": "decoy", "AWS_SESSION_TOKEN": "decoy"}
SHORT_LIFE = 4.0


def _assert_issued(bench: Bench, engine: Engine, connection: S3Connection) -> None:
    """Every request is signed with a key that the identity server handed out, and carries its token."""
    identity: IdentityServer = bench.server("identity")
    seen = {(each.key_id, each.token) for each in bench.round_trip(engine, connection)}
    assert seen <= {(key_id, token_of(key_id)) for key_id in identity.issued()}
    assert seen


# One identity for as long as it takes


def environment(bench: Bench, engine: Engine) -> None:
    bench.set_environment(
        AWS_ACCESS_KEY_ID="ASIAENV", AWS_SECRET_ACCESS_KEY="secret", AWS_SESSION_TOKEN="env-token"
    )
    bench.assert_identity(engine, bench.connect(auth=DefaultAuth()), "ASIAENV", "env-token")


def shared_files(bench: Bench, engine: Engine) -> None:
    bench.write_shared_files(
        credentials="[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = secret\n"
    )
    bench.assert_identity(engine, bench.connect(auth=DefaultAuth()), "AKIAFILE")


def role_auto(bench: Bench, engine: Engine) -> None:
    bench.set_environment(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY="secret")
    bench.assert_identity(engine, bench.connect(auth=IamRoleAuth()), "AKIAENV")


def role_env(bench: Bench, engine: Engine) -> None:
    identity: IdentityServer = bench.server("identity")
    bench.set_environment(**identity.container_environment(), **identity.instance_environment())
    bench.set_environment(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY="secret")
    bench.assert_identity(engine, bench.connect(auth=IamRoleAuth(source=RoleSource.ENV)), "AKIAENV")
    assert identity.calls() == []


def _metadata(bench: Bench, engine: Engine, **environment: str) -> None:
    """Keys of the environment and of a profile are there as decoys, and not used."""
    profile = "[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = decoy\n"
    bench.write_shared_files(credentials=profile)
    bench.set_environment(**DECOY, **environment)
    _assert_issued(bench, engine, bench.connect(auth=IamRoleAuth(source=RoleSource.METADATA)))


def role_of_instance(bench: Bench, engine: Engine) -> None:
    _metadata(bench, engine, **bench.server("identity").instance_environment())


def role_of_container(bench: Bench, engine: Engine) -> None:
    _metadata(bench, engine, **bench.server("identity").container_environment())


def role_of_service_account(bench: Bench, engine: Engine) -> None:
    identity: IdentityServer = bench.server("identity")
    role = identity.add_role("pod", Role(web_identity_token="pod-token"))
    _metadata(bench, engine, **identity.web_identity_environment(role, "pod-token"))


def access_key(bench: Bench, engine: Engine) -> None:
    bench.set_environment(**DECOY)
    bench.assert_identity(engine, bench.connect(), KEY_ID)


def session_token(bench: Bench, engine: Engine) -> None:
    bench.set_environment(**DECOY)
    auth = AccessKeyAuth(access_key_id="ASIAOWN", secret_access_key=SECRET, session_token="own-token")
    bench.assert_identity(engine, bench.connect(auth=auth), "ASIAOWN", "own-token")


def profile(bench: Bench, engine: Engine) -> None:
    bench.set_environment(**DECOY)
    bench.write_shared_files(
        config="[profile team]\nregion = ap-south-1\n",
        credentials="[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n"
        "[team]\naws_access_key_id = ASIATEAM\naws_secret_access_key = s\naws_session_token = team-token\n",
    )
    connection = bench.connect(auth=ProfileAuth(profile="team"), region=None)
    bench.assert_identity(engine, connection, "ASIATEAM", "team-token")
    assert {each.region for each in bench.recorder.seen} == {"ap-south-1"}


def profile_with_process(bench: Bench, engine: Engine) -> None:
    command = bench.server("identity").credential_process()
    bench.write_shared_files(config=f"[profile made]\ncredential_process = {command}\n")
    _assert_issued(bench, engine, bench.connect(auth=ProfileAuth(profile="made")))


def profile_with_role(bench: Bench, engine: Engine) -> None:
    identity: IdentityServer = bench.server("identity")
    identity.add_user("AKIABASE", "base-secret")
    role = identity.add_role("reader")
    bench.write_shared_files(
        config=f"[profile base]\n[profile reader]\nrole_arn = {role}\nsource_profile = base\n",
        credentials="[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base-secret\n",
    )
    bench.set_environment(**identity.sts_environment())
    _assert_issued(bench, engine, bench.connect(auth=ProfileAuth(profile="reader")))
    assert {call.base_key_id for call in identity.calls("sts", "AssumeRole")} == {"AKIABASE"}


def profile_with_sign_on(bench: Bench, engine: Engine) -> None:
    with single_sign_on(bench.folder) as portal:
        bench.write_shared_files(config=portal.config("staff"))
        bench.set_environment(**portal.environment())
        connection = bench.connect(auth=ProfileAuth(profile="staff"))
        # In a process of its own: botocore looks for the home folder once, when it is imported.
        bench.seen_how = How(portal.round_trip(engine, connection))
    assert {each.key_id for each in bench.recorder.seen} == {portal.key_id}


def _from_web_identity(bench: Bench, engine: Engine, **token: Any) -> None:
    identity: IdentityServer = bench.server("identity")
    role = identity.add_role("federated", Role(web_identity_token="own-jwt"))
    auth = WebIdentityAuth(role_arn=role, session_name="own-session", duration_seconds=1200, **token)
    endpoints = ServiceEndpoints(sts=identity.endpoint)
    _assert_issued(bench, engine, bench.connect(auth=auth, service_endpoints=endpoints))
    call = identity.calls("sts", "AssumeRoleWithWebIdentity")[0]
    assert call.parameters["RoleArn"] == role
    assert call.parameters["RoleSessionName"] == "own-session"
    assert call.parameters["DurationSeconds"] == "1200"


def web_identity_file(bench: Bench, engine: Engine) -> None:
    (bench.folder / "token").write_text("own-jwt\n")
    _from_web_identity(bench, engine, token_file=bench.folder / "token")


def web_identity_token(bench: Bench, engine: Engine) -> None:
    bench.set_environment(OWN_TOKEN="own-jwt")
    _from_web_identity(bench, engine, token=SecretReference(env="OWN_TOKEN"))


def anonymous(bench: Bench, engine: Engine) -> None:
    bench.set_environment(**DECOY)
    seen = bench.round_trip(engine, bench.connect(auth=AnonymousAuth()))
    assert {each.headers.get("authorization") for each in seen} == {None}


# Roles on top


def _base(identity: IdentityServer) -> AccessKeyAuth:
    identity.add_user("AKIABASE", "base-secret")
    return AccessKeyAuth(access_key_id="AKIABASE", secret_access_key="base-secret")


def assume_role(bench: Bench, engine: Engine) -> None:
    identity: IdentityServer = bench.server("identity")
    role = identity.add_role("writer", Role(external_id="their-id", trusted_key_ids=("AKIABASE",)))
    told = AssumeRole(
        role_arn=role,
        session_name="own-session",
        duration_seconds=1800,
        external_id="their-id",
        source_identity="ada",
    )
    connection = bench.connect(
        auth=_base(identity), assume_role=told, service_endpoints=ServiceEndpoints(sts=identity.endpoint)
    )
    _assert_issued(bench, engine, connection)
    call = identity.calls("sts", "AssumeRole")[0]
    assert call.base_key_id == "AKIABASE"
    assert {
        name: call.parameters[name]
        for name in ("RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "SourceIdentity")
    } == {
        "RoleArn": role,
        "RoleSessionName": "own-session",
        "DurationSeconds": "1800",
        "ExternalId": "their-id",
        "SourceIdentity": "ada",
    }


def role_chain(bench: Bench, engine: Engine) -> None:
    identity: IdentityServer = bench.server("identity")
    first = identity.add_role("first", Role(trusted_key_ids=("AKIABASE",)))
    second = identity.add_role("second")
    connection = bench.connect(
        auth=_base(identity),
        assume_role=[AssumeRole(role_arn=first), AssumeRole(role_arn=second)],
        service_endpoints=ServiceEndpoints(sts=identity.endpoint),
    )
    _assert_issued(bench, engine, connection)
    calls = identity.calls("sts", "AssumeRole")
    assert {call.parameters["RoleSessionName"] for call in calls} == {"s3-assets"}
    of_first = [call for call in calls if call.parameters["RoleArn"] == first]
    of_second = [call for call in calls if call.parameters["RoleArn"] == second]
    assert {call.base_key_id for call in of_first} == {"AKIABASE"}
    assert {call.base_key_id for call in of_second} <= {call.issued for call in of_first}
    assert bench.recorder.key_ids() <= {call.issued for call in of_second}


def role_from_instance(bench: Bench, engine: Engine) -> None:
    """The machine's role assumes the account's role."""
    identity: IdentityServer = bench.server("identity")
    bench.set_environment(**identity.instance_environment())
    connection = bench.connect(
        auth=IamRoleAuth(source=RoleSource.METADATA),
        assume_role={"role_arn": identity.add_role("account")},
        service_endpoints=ServiceEndpoints(sts=identity.endpoint),
    )
    _assert_issued(bench, engine, connection)
    (of_instance,) = {call.issued for call in identity.calls("imds", "credentials")}
    assert {call.base_key_id for call in identity.calls("sts", "AssumeRole")} == {of_instance}
    assert of_instance not in bench.recorder.key_ids()


# Refresh


def _changes_keys(bench: Bench, engine: Engine, connection: S3Connection) -> None:
    """The recorder refuses keys that are over, so that none of them can have been kept."""
    identity: IdentityServer = bench.server("identity")
    until = time.monotonic() + 2 * SHORT_LIFE
    while time.monotonic() < until:
        bench.round_trip(engine, connection)
        time.sleep(SHORT_LIFE / 4)
    assert len(bench.recorder.key_ids()) >= 2
    assert bench.recorder.key_ids() <= set(identity.issued())


def refresh_of_container(bench: Bench, engine: Engine) -> None:
    """Not of an instance: botocore itself prolongs the short lives that IMDS tells."""
    identity: IdentityServer = bench.server("identity")
    identity.change(lifetime=SHORT_LIFE, renew_before=SHORT_LIFE / 2)
    bench.set_environment(**identity.container_environment())
    _changes_keys(bench, engine, bench.connect(auth=IamRoleAuth(source=RoleSource.METADATA)))


def refresh_of_role(bench: Bench, engine: Engine) -> None:
    identity: IdentityServer = bench.server("identity")
    identity.change(lifetime=SHORT_LIFE)
    connection = bench.connect(
        auth=_base(identity),
        assume_role={"role_arn": identity.add_role("writer")},
        service_endpoints=ServiceEndpoints(sts=identity.endpoint),
    )
    _changes_keys(bench, engine, connection)


# Where secrets are kept


def _kept(bench: Bench, engine: Engine, secret: SecretReference) -> None:
    auth = AccessKeyAuth(access_key_id=secret, secret_access_key=SECRET)
    bench.assert_identity(engine, bench.connect(auth=auth), "AKIAKEPT")


def secret_in_variable(bench: Bench, engine: Engine) -> None:
    bench.set_environment(OWN_KEY="AKIAKEPT")
    _kept(bench, engine, SecretReference(env="OWN_KEY"))


def secret_in_file(bench: Bench, engine: Engine) -> None:
    (bench.folder / "key").write_text("AKIAKEPT\n")
    _kept(bench, engine, SecretReference(file=Path(bench.folder / "key")))


def _store(bench: Bench) -> dict[str, Any]:
    bench.set_environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    return {"region": "us-east-1", "endpoint": bench.server("aws_server").endpoint_url}


def secret_in_secrets_manager(bench: Bench, engine: Engine) -> None:
    name = bench.bucket
    bench.aws("secretsmanager").create_secret(Name=name, SecretString='{"key": "AKIAKEPT"}')
    secret = SecretsManagerSecret(name=name, key="key", **_store(bench))
    _kept(bench, engine, SecretReference(secrets_manager=secret))


def secret_in_parameter_store(bench: Bench, engine: Engine) -> None:
    name = f"/{bench.bucket}/key"
    bench.aws("ssm").put_parameter(Name=name, Value="AKIAKEPT", Type="SecureString")
    _kept(bench, engine, SecretReference(ssm=ParameterSecret(name=name, **_store(bench))))


_WAYS = "Authentication"
_ROLES = "Roles on top, and refresh"
_SECRETS = "Where secrets are kept"
ROWS = (
    Row(_WAYS, "`default`: environment", "key id and token", environment),
    Row(_WAYS, "`default`: shared files", "key id", shared_files),
    Row(_WAYS, "`iam_role`, `source: auto`", "key id", role_auto),
    Row(_WAYS, "`iam_role`, `source: env`", "key id; metadata not asked", role_env),
    Row(
        _WAYS,
        "`iam_role`, `source: metadata`: instance (IMDSv2)",
        "issued key and token",
        role_of_instance,
        EXPIRING,
    ),
    Row(
        _WAYS,
        "`iam_role`, `source: metadata`: container, EKS pod",
        "issued key and token",
        role_of_container,
        EXPIRING,
    ),
    Row(
        _WAYS,
        "`iam_role`, `source: metadata`: service account",
        "issued key and token",
        role_of_service_account,
        EXPIRING,
    ),
    Row(_WAYS, "`access_key`", "key id; none of the environment", access_key),
    Row(_WAYS, "`access_key` with `session_token`", "key id and token", session_token),
    Row(_WAYS, "`profile`: keys", "key id, token, region", profile),
    Row(_WAYS, "`profile`: `credential_process`", "issued key and token", profile_with_process, EXPIRING),
    Row(
        _WAYS,
        "`profile`: `role_arn` and `source_profile`",
        "issued key; the base key at STS",
        profile_with_role,
        EXPIRING,
    ),
    Row(_WAYS, "`profile`: single sign-on", "the portal's key", profile_with_sign_on, EXPIRING),
    Row(
        _WAYS, "`web_identity`, `token_file`", "issued key; three fields at STS", web_identity_file, EXPIRING
    ),
    Row(_WAYS, "`web_identity`, `token`", "issued key; three fields at STS", web_identity_token, EXPIRING),
    Row(_WAYS, "`anonymous`", "no signature", anonymous),
    Row(_ROLES, "`assume_role`, all five fields", "issued key; five fields at STS", assume_role, EXPIRING),
    Row(_ROLES, "`assume_role`, a chain of two", "the second role's key", role_chain, EXPIRING),
    Row(_ROLES, "`assume_role` on an instance's role", "the role's key", role_from_instance, EXPIRING),
    Row(
        _ROLES,
        "keys of a container that live 4 s",
        "new keys, none that is over",
        refresh_of_container,
        EXPIRING,
    ),
    Row(_ROLES, "keys of a role that live 4 s", "new keys, none that is over", refresh_of_role, EXPIRING),
    Row(_SECRETS, "environment", "key id", secret_in_variable),
    Row(_SECRETS, "file", "key id", secret_in_file),
    Row(_SECRETS, "AWS Secrets Manager", "key id", secret_in_secrets_manager),
    Row(_SECRETS, "SSM Parameter Store", "key id", secret_in_parameter_store),
)
