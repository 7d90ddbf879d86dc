"""One effect for each field of a connection: two that differ in it, and what a server sees of each."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from s3_assets.connection import S3Connection
from s3_assets.connection.adapters import boto, boto_queues
from s3_assets.connection.adapters.pyiceberg import glue_catalog
from s3_assets.errors import S3AssetsError, ServerFailureError
from s3_assets.objects import Objects
from s3_assets.tables.open import open_table
from s3_assets.tables.settings import ParquetSettings
from tests.connection.matrix.catalog_effects import CATALOG_EFFECTS
from tests.connection.matrix.cells import Bench
from tests.connection.matrix.options import full_queue, silent_server
from tests.connection.recorder import Seen, recording
from tests.servers.forward_proxy import SPECIAL_PASSWORD, SPECIAL_USER
from tests.servers.front import CLIENT_HEADER
from tests.servers.identity.server import IdentityServer
from tests.servers.identity.settings import Role
from tests.support.proxy import RequestProxy

Fields = Mapping[str, Any]
Look = Callable[[Bench, S3Connection], object]
Effect = Callable[[Bench], tuple[object, object]]
BASE_KEY = {"type": "access_key", "access_key_id": "AKIABASE", "secret_access_key": "base-secret"}


def _told(seen: Seen) -> tuple[object, ...]:
    """What a request says of the connection that it came through."""
    encryption = {name: value for name, value in seen.headers.items() if "encryption" in name}
    return (
        seen.method,
        seen.host,
        seen.path.partition("?")[0],
        seen.key_id,
        seen.token,
        seen.region,
        seen.headers.get(CLIENT_HEADER),
        "x-amz-trailer" in seen.headers,
        tuple(sorted(encryption.items())),
    )


def requests(bench: Bench, connection: S3Connection) -> object:
    """What the server sees of one write and one read, or how that ends."""
    before = len(bench.recorder.seen)
    objects = Objects(connection)
    try:
        objects.put("folder/object", b"123")
        objects.get("folder/object")
    except S3AssetsError as error:
        # What has no kind of its own quotes the engine, with its times and ids.
        return type(error).__name__, "" if isinstance(error, ServerFailureError) else error.found
    return [_told(seen) for seen in bench.recorder.seen[before:]]


def boto_requests(bench: Bench, connection: S3Connection) -> object:
    before = len(bench.recorder.seen)
    boto.client(connection).put_object(Bucket=bench.bucket, Key="folder/boto", Body=b"123")
    return [_told(seen) for seen in bench.recorder.seen[before:]]


def seconds(bench: Bench, connection: S3Connection) -> object:
    """How long it takes to fail, to a second."""
    begin = time.monotonic()
    ended = requests(bench, connection)
    return round(time.monotonic() - begin), type(ended)


def of(before: Fields, after: Fields, *, look: Look = requests) -> Effect:
    """Look at two connections of the bench, and at the first a second time: nothing may change by itself."""

    def effect(bench: Bench) -> tuple[object, object]:
        # Names of their own, so that none takes another's credentials out of a cache.
        first, again = (look(bench, bench.connect(**{"name": name, **before})) for name in ("one", "two"))
        assert first == again, f"What is seen changes by itself: {first} {again}"
        return first, look(bench, bench.connect(**{"name": "three", **after}))

    return effect


def one(field: str, before: object, after: object, *, look: Look = requests) -> Effect:
    """Look at two connections that differ in that field alone."""
    return of({field: before}, {field: after}, look=look)


def name(bench: Bench) -> tuple[object, object]:
    def told(bench: Bench, connection: S3Connection) -> object:
        try:
            Objects(connection).get("no-such-object")
        except S3AssetsError as error:
            return str(error)
        return None

    return of({"name": "ours"}, {"name": "theirs"}, look=told)(bench)


def url(bench: Bench) -> tuple[object, object]:
    bench.server("s3_client").create_bucket(Bucket=f"{bench.bucket}-other")
    return one("url", f"s3://{bench.bucket}/", f"s3://{bench.bucket}-other/")(bench)


def endpoint(bench: Bench) -> tuple[object, object]:
    port = bench.recorder.port
    return one("endpoint", f"http://127.0.0.1:{port}", f"http://localhost:{port}")(bench)


def addressing_style(bench: Bench) -> tuple[object, object]:
    through = {"proxy": _recorder(bench), "endpoint": "http://s3.test"}
    return of({**through, "addressing_style": "path"}, {**through, "addressing_style": "virtual"})(bench)


def match_subfolder_exactly(bench: Bench) -> tuple[object, object]:
    for folder in ("sales", "sales_old"):
        connection = bench.connect(name=folder)
        Objects(connection).put(f"{folder}/rows.parquet", _parquet())

    def rows(bench: Bench, connection: S3Connection) -> object:
        settings = ParquetSettings(connection="any", path="sales")
        frame = open_table("sales", settings, connection).scan()
        return frame.select(pl.len()).collect().item()

    return one("match_subfolder_exactly", True, False, look=rows)(bench)  # noqa: FBT003 - the field's values


def checksums(bench: Bench) -> tuple[object, object]:
    door = bench.front()
    secure = {"endpoint": door.endpoint, "tls": {"ca_bundle": door.ca_file}}
    told = ({**secure, "checksums": when} for when in ("when_supported", "when_required"))
    return of(*told, look=boto_requests)(bench)


# Authentication


def auth_type(bench: Bench) -> tuple[object, object]:
    return one("auth", BASE_KEY, {"type": "anonymous"})(bench)


def role_source(bench: Bench) -> tuple[object, object]:
    bench.set_environment(AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY="s")
    bench.set_environment(**bench.server("identity").container_environment())
    return one("auth", *({"type": "iam_role", "source": source} for source in ("env", "metadata")))(bench)


def _key(field: str, other: str) -> Effect:
    return one("auth", BASE_KEY, {**BASE_KEY, field: other})


def profile(bench: Bench) -> tuple[object, object]:
    keys = "[{0}]\naws_access_key_id = AKIA{0}\naws_secret_access_key = s\n"
    bench.write_shared_files(credentials=keys.format("ONE") + keys.format("TWO"))
    return one("auth", *({"type": "profile", "profile": name} for name in ("ONE", "TWO")))(bench)


def secret_access_key(bench: Bench) -> tuple[object, object]:
    """Only a server that checks signatures sees it."""
    server = bench.server("identity")
    server.add_user("AKIABASE", "base-secret")
    role = {
        "assume_role": {"role_arn": server.add_role("any")},
        "service_endpoints": {"sts": server.endpoint},
    }
    wrong = {**BASE_KEY, "secret_access_key": "wrong-secret"}

    def kind(bench: Bench, connection: S3Connection) -> object:
        return type(requests(bench, connection))

    return of({**role, "auth": BASE_KEY}, {**role, "auth": wrong}, look=kind)(bench)


def _sts(action: str, make: Callable[[IdentityServer, Bench], tuple[Fields, Fields]]) -> Effect:
    """Look at what STS was asked."""

    def effect(bench: Bench) -> tuple[object, object]:
        server: IdentityServer = bench.server("identity")
        server.add_user("AKIABASE", "base-secret")

        def calls(bench: Bench, connection: S3Connection) -> object:
            before = len(server.calls("sts", action))
            ended = requests(bench, connection)
            asked = [dict(call.parameters) for call in server.calls("sts", action)[before:]]
            return asked, ended if isinstance(ended, tuple) else "done"

        told = ({"service_endpoints": {"sts": server.endpoint}, **each} for each in make(server, bench))
        return of(*told, look=calls)(bench)

    return effect


def _role(field: str, before: object, after: object) -> Effect:
    def make(server: IdentityServer, bench: Bench) -> tuple[Fields, Fields]:
        role = {"role_arn": server.add_role("writer")}
        if field == "role_arn":
            return _with_role(role), _with_role({"role_arn": server.add_role("reader")})
        return _with_role({**role, field: before}), _with_role({**role, field: after})

    return _sts("AssumeRole", make)


def _with_role(*roles: Fields) -> Fields:
    return {"auth": BASE_KEY, "assume_role": [dict(role) for role in roles]}


def _web_identity(field: str, before: object, after: object) -> Effect:
    def make(server: IdentityServer, bench: Bench) -> tuple[Fields, Fields]:
        for text in ("jwt-one", "jwt-two"):
            (bench.folder / text).write_text(text)
        arn = server.add_role("federated", Role(web_identity_token="jwt-one"))
        other = server.add_role("other", Role(web_identity_token="jwt-one"))
        told = {"type": "web_identity", "role_arn": arn, "token": "jwt-one"}
        if field == "role_arn":
            return {"auth": told}, {"auth": {**told, "role_arn": other}}
        if field == "token_file":
            without = {name: value for name, value in told.items() if name != "token"}
            one_file, other_file = (
                {"auth": {**without, field: bench.folder / text}} for text in ("jwt-one", "jwt-two")
            )
            return one_file, other_file
        return {"auth": {**told, field: before}}, {"auth": {**told, field: after}}

    return _sts("AssumeRoleWithWebIdentity", make)


# Transport, proxy, TLS


def connect_timeout(bench: Bench) -> tuple[object, object]:
    with full_queue() as server:
        told = ({"connect_timeout": limit, "read_timeout": 30, "max_retries": 0} for limit in (0.3, 2.3))
        return of(*({"endpoint": server, "transport": each} for each in told), look=seconds)(bench)


def read_timeout(bench: Bench) -> tuple[object, object]:
    with silent_server() as server:
        told = ({"connect_timeout": 30, "read_timeout": limit, "max_retries": 0} for limit in (0.3, 2.3))
        return of(*({"endpoint": server, "transport": each} for each in told), look=seconds)(bench)


def max_retries(bench: Bench) -> tuple[object, object]:
    with RequestProxy(bench.recorder.endpoint) as server:

        def tries(bench: Bench, connection: S3Connection) -> object:
            server.reset()
            server.arm("status", 1, times=100)
            requests(bench, connection)
            return server.count()

        told = ({"endpoint": server.endpoint, "transport": {"max_retries": limit}} for limit in (0, 2))
        return of(*told, look=tries)(bench)


def max_connections(bench: Bench) -> tuple[object, object]:
    def at_once(bench: Bench, connection: S3Connection) -> object:
        before = len(bench.recorder.seen)
        objects = Objects(connection)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: objects.put(f"folder/{number}", bytes(200_000)), range(40)))
        return max(seen.at_once for seen in bench.recorder.seen[before:]) <= 1

    return one("transport", {"max_connections": 50}, {"max_connections": 1}, look=at_once)(bench)


def _recorder(bench: Bench) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": bench.recorder.port, "protocol": "http"}


def proxy(bench: Bench) -> tuple[object, object]:
    nowhere = {"endpoint": "http://storage.test", "transport": {"max_retries": 0, "connect_timeout": 3}}
    return of(nowhere, {**nowhere, "proxy": _recorder(bench)})(bench)


def _proxy(field: str, other: object) -> Effect:
    """One field of the way through the recorder, which is a proxy as well."""

    def effect(bench: Bench) -> tuple[object, object]:
        once = {"transport": {"max_retries": 0, "connect_timeout": 3, "read_timeout": 3}}
        changed = {**_recorder(bench), field: other}
        endpoint = bench.recorder.endpoint if field == "non_proxy_hosts" else "http://storage.test"
        target = {**once, "endpoint": endpoint}
        if field == "non_proxy_hosts":
            nowhere = {**_recorder(bench), "port": 9}
            return of({**target, "proxy": nowhere}, {**target, "proxy": {**nowhere, field: other}})(bench)
        return of({**target, "proxy": _recorder(bench)}, {**target, "proxy": changed})(bench)

    return effect


def _password(field: str) -> Effect:
    def effect(bench: Bench) -> tuple[object, object]:
        door = bench.server("forward_proxy").special
        told = {
            "host": urlsplit(door.endpoint).hostname,
            "port": door.port,
            "protocol": "http",
            "username": SPECIAL_USER,
            "password": SPECIAL_PASSWORD,
        }
        return of({"proxy": told}, {"proxy": {**told, field: "wrong"}})(bench)

    return effect


def ca_bundle(bench: Bench) -> tuple[object, object]:
    door = bench.front()
    secure = {"endpoint": door.endpoint, "transport": {"max_retries": 0}}
    return of(secure, {**secure, "tls": {"ca_bundle": door.ca_file}})(bench)


def client_certificate(bench: Bench) -> tuple[object, object]:
    door = bench.front(demand_certificate=True)
    shown = (bench.server("authority").client(who).both for who in ("ada", "bob"))
    tls = ({"ca_bundle": door.ca_file, "client_certificate": each} for each in shown)
    return of(*({"endpoint": door.endpoint, "tls": each} for each in tls))(bench)


def client_key(bench: Bench) -> tuple[object, object]:
    door = bench.front(demand_certificate=True)
    shown = bench.server("authority").client("ada")
    tls = {"ca_bundle": door.ca_file, "client_certificate": shown.certificate}
    changed = {**tls, "client_key": shown.key}
    once = {"endpoint": door.endpoint, "transport": {"max_retries": 0}}
    return of({**once, "tls": tls}, {**once, "tls": changed})(bench)


# Encryption


def _encryption(before: Fields, after: Fields) -> Effect:
    return one("encryption", before, after)


def _kms(field: str) -> Effect:
    """What KMS is asked when an object is encrypted on the client, and in which region."""

    def effect(bench: Bench) -> tuple[object, object]:
        kms = bench.aws("kms")
        keys = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
        folder = bench.folder / "kms"
        folder.mkdir()
        with recording(bench.server("aws_server").endpoint_url, folder) as seen_by_kms:

            def asked(bench: Bench, connection: S3Connection) -> object:
                before = len(seen_by_kms.seen)
                try:
                    Objects(connection).put("folder/secret", b"123")
                    Objects(connection).get("folder/secret")
                except S3AssetsError as error:
                    return type(error)
                return [(seen.region, seen.headers["content-length"]) for seen in seen_by_kms.seen[before:]]

            told = {"kms_key_id": keys[0], "kms_region": "us-east-1"}
            other = {"kms_key_id": "no-such-key", "kms_region": "eu-west-1"}[field]
            base = {"service_endpoints": {"kms": seen_by_kms.endpoint}, "auth": _TEST_KEY}
            return of(
                {**base, "encryption": {"client_side": told}},
                {**base, "encryption": {"client_side": {**told, field: other}}},
                look=asked,
            )(bench)

    return effect


def client_side(bench: Bench) -> tuple[object, object]:
    key = bench.aws("kms").create_key()["KeyMetadata"]["KeyId"]
    base = {"service_endpoints": {"kms": bench.server("aws_server").endpoint_url}, "auth": _TEST_KEY}
    told = {"client_side": {"kms_key_id": key, "kms_region": "us-east-1"}}

    def stored(bench: Bench, connection: S3Connection) -> object:
        Objects(connection).put("folder/secret", b"123")
        return bench.server("s3_client").get_object(Bucket=bench.bucket, Key="folder/secret")["Body"].read()

    return of(base, {**base, "encryption": told}, look=stored)(bench)


_KMS = {"server_side": "sse-kms", "kms_key_id": "own"}
_TEST_KEY = {"type": "access_key", "access_key_id": "test", "secret_access_key": "test"}


# Other services


def _service(service: str, ask: Callable[[S3Connection], object]) -> Effect:
    """Whether the recorder is asked for that service."""

    def effect(bench: Bench) -> tuple[object, object]:
        def heard(bench: Bench, connection: S3Connection) -> object:
            before = len(bench.recorder.seen)
            try:
                ask(connection)
            except Exception as error:  # noqa: BLE001 - whatever the service says, it was asked
                return type(error).__name__, len(bench.recorder.seen) > before
            return len(bench.recorder.seen) > before

        nowhere = "http://127.0.0.1:9"
        told = ({service: each} for each in (nowhere, bench.recorder.endpoint))
        base = {"transport": {"max_retries": 0, "connect_timeout": 3}}
        return of(*({**base, "service_endpoints": each} for each in told), look=heard)(bench)

    return effect


def _glue(connection: S3Connection) -> object:
    return glue_catalog(connection, "glue").list_namespaces()


def _cloudwatch(connection: S3Connection) -> object:
    return boto.client(connection, "cloudwatch").list_metrics()


def _sqs(connection: S3Connection) -> object:
    return boto_queues.waiting(connection, "https://sqs.eu-central-1.amazonaws.com/111122223333/lake")


# Secrets


def secret_env(bench: Bench) -> tuple[object, object]:
    bench.set_environment(ONE="AKIAONE", TWO="AKIATWO")
    return one("auth", *({**BASE_KEY, "access_key_id": {"env": name}} for name in ("ONE", "TWO")))(bench)


def secret_file(bench: Bench) -> tuple[object, object]:
    for text in ("AKIAONE", "AKIATWO"):
        (bench.folder / text).write_text(text)
    files = (bench.folder / text for text in ("AKIAONE", "AKIATWO"))
    return one("auth", *({**BASE_KEY, "access_key_id": {"file": file}} for file in files))(bench)


def _kept(store: str, field: str) -> Effect:
    """One field of where a secret is kept; what stands there is the key id that the server sees."""

    def effect(bench: Bench) -> tuple[object, object]:
        bench.set_environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
        keys = "[{0}]\naws_access_key_id = {1}\naws_secret_access_key = test\nregion = us-east-1\n"
        bench.write_shared_files(credentials=keys.format("one", "test") + keys.format("two", "000000000001"))
        name = f"/{bench.bucket}/key"
        _keep(bench, store, name, '{"one": "AKIAONE", "two": "AKIATWO"}')
        _keep(bench, store, f"{name}/other", '{"one": "AKIAOTHER"}')
        base = {
            "name": name,
            "key": "one",
            "region": "us-east-1",
            "endpoint": bench.server("aws_server").endpoint_url,
            "profile": "one",
        }
        other = {
            "name": f"{name}/other",
            "key": "two",
            "region": "eu-west-1",
            "endpoint": "http://127.0.0.1:9",
            "profile": "two",
            "version_stage": "AWSPREVIOUS",
        }[field]
        told = ({**BASE_KEY, "access_key_id": {store: each}} for each in (base, {**base, field: other}))
        return one("auth", *told)(bench)

    return effect


def _tries(store: str) -> Effect:
    """How often a store is asked that has no time."""

    def effect(bench: Bench) -> tuple[object, object]:
        bench.set_environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
        with RequestProxy(bench.server("aws_server").endpoint_url) as server:

            def tries(bench: Bench, connection: S3Connection) -> object:
                server.reset()
                server.arm("status", 1, times=100)
                requests(bench, connection)
                return server.count()

            told = (
                {
                    store: {
                        "name": "any",
                        "region": "us-east-1",
                        "endpoint": server.endpoint,
                        "max_retries": limit,
                    }
                }
                for limit in (0, 1)
            )
            return one("auth", *({**BASE_KEY, "access_key_id": each} for each in told), look=tries)(bench)

    return effect


def _keep(bench: Bench, store: str, name: str, text: str) -> None:
    if store == "ssm":
        bench.aws("ssm").put_parameter(Name=name, Value=text, Type="SecureString")
        return
    client = bench.aws("secretsmanager")
    client.create_secret(Name=name, SecretString='{"one": "AKIABEFORE"}')
    client.put_secret_value(SecretId=name, SecretString=text)


def _parquet() -> bytes:
    from io import BytesIO

    file = BytesIO()
    pl.DataFrame({"number": [1, 2, 3]}).write_parquet(file)
    return file.getvalue()


EFFECTS: dict[str, Effect] = {
    "S3Connection.name": name,
    "S3Connection.url": url,
    "S3Connection.endpoint": endpoint,
    "S3Connection.region": one("region", "eu-west-1", "eu-west-2"),
    "S3Connection.addressing_style": addressing_style,
    "S3Connection.auth": auth_type,
    "S3Connection.assume_role": _sts(
        "AssumeRole", lambda server, _: (_with_role(), _with_role({"role_arn": server.add_role("any")}))
    ),
    "S3Connection.transport": max_retries,
    "S3Connection.proxy": proxy,
    "S3Connection.tls": ca_bundle,
    "S3Connection.encryption": _encryption({}, {"server_side": "sse-s3"}),
    "S3Connection.service_endpoints": _service("glue", _glue),
    "S3Connection.match_subfolder_exactly": match_subfolder_exactly,
    "S3Connection.checksums": checksums,
    "IamRoleAuth.source": role_source,
    "AccessKeyAuth.access_key_id": _key("access_key_id", "AKIAOTHER"),
    "AccessKeyAuth.secret_access_key": secret_access_key,
    "AccessKeyAuth.session_token": _key("session_token", "own-token"),
    "ProfileAuth.profile": profile,
    "WebIdentityAuth.role_arn": _web_identity("role_arn", None, None),
    "WebIdentityAuth.token_file": _web_identity("token_file", None, None),
    "WebIdentityAuth.token": _web_identity("token", "jwt-one", "jwt-two"),
    "WebIdentityAuth.session_name": _web_identity("session_name", "one", "two"),
    "WebIdentityAuth.duration_seconds": _web_identity("duration_seconds", 900, 901),
    "AssumeRole.role_arn": _role("role_arn", None, None),
    "AssumeRole.session_name": _role("session_name", "one", "two"),
    "AssumeRole.duration_seconds": _role("duration_seconds", 900, 901),
    "AssumeRole.external_id": _role("external_id", "one", "two"),
    "AssumeRole.source_identity": _role("source_identity", "ada", "bob"),
    "Transport.connect_timeout": connect_timeout,
    "Transport.read_timeout": read_timeout,
    "Transport.max_connections": max_connections,
    "Transport.max_retries": max_retries,
    "Proxy.host": _proxy("host", "127.0.0.2"),
    "Proxy.port": _proxy("port", 9),
    "Proxy.protocol": _proxy("protocol", "https"),
    "Proxy.non_proxy_hosts": _proxy("non_proxy_hosts", ["127.*"]),
    "Proxy.username": _password("username"),
    "Proxy.password": _password("password"),
    "Tls.ca_bundle": ca_bundle,
    "Tls.client_certificate": client_certificate,
    "Tls.client_key": client_key,
    "Encryption.server_side": _encryption({"server_side": "sse-s3"}, _KMS),
    "Encryption.kms_key_id": _encryption(_KMS, {**_KMS, "kms_key_id": "other"}),
    "Encryption.bucket_key": _encryption(_KMS, {**_KMS, "bucket_key": True}),
    "Encryption.client_side": client_side,
    "ClientSideEncryption.kms_key_id": _kms("kms_key_id"),
    "ClientSideEncryption.kms_region": _kms("kms_region"),
    "ServiceEndpoints.sts": _sts(
        "AssumeRole",
        lambda server, _: (
            {
                **_with_role({"role_arn": server.add_role("any")}),
                "service_endpoints": {"sts": "http://127.0.0.1:9"},
            },
            _with_role({"role_arn": server.add_role("any")}),
        ),
    ),
    "ServiceEndpoints.kms": _service("kms", lambda connection: boto.client(connection, "kms").list_keys()),
    "ServiceEndpoints.glue": _service("glue", _glue),
    "ServiceEndpoints.cloudwatch": _service("cloudwatch", _cloudwatch),
    "ServiceEndpoints.sqs": _service("sqs", _sqs),
    **CATALOG_EFFECTS,
    "SecretReference.env": secret_env,
    "SecretReference.file": secret_file,
    "SecretReference.secrets_manager": _kept("secrets_manager", "name"),
    "SecretReference.ssm": _kept("ssm", "name"),
    "SecretsManagerSecret.max_retries": _tries("secrets_manager"),
    "ParameterSecret.max_retries": _tries("ssm"),
    **{
        f"SecretsManagerSecret.{field}": _kept("secrets_manager", field)
        for field in ("name", "key", "region", "profile", "endpoint", "version_stage")
    },
    **{
        f"ParameterSecret.{field}": _kept("ssm", field)
        for field in ("name", "key", "region", "profile", "endpoint")
    },
}
