"""REST catalogs: every way to authorize, keys that are lent, and what stands between."""

import json
import pickle
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest

from s3_assets.connection import AccessKeyAuth, AssumeRole, S3Connection, SecretReference, ServiceEndpoints
from s3_assets.connection.adapters.obstore import store
from s3_assets.connection.adapters.polars_iceberg import scan_options
from s3_assets.connection.catalogs import RestCatalogSettings
from s3_assets.connection.redaction import redact
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.errors import (
    AccessDeniedError,
    AccessError,
    CommitConflictError,
    CredentialsMissingError,
    MissingError,
    RequestTimeoutError,
    S3AssetsError,
    ServerFailureError,
    TableMissingError,
    ThrottledError,
    UnreachableError,
)
from s3_assets.incremental.overwrite import overwrite
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.catalogs.vended import files_connection
from s3_assets.tables.iceberg_settings import IcebergSettings
from s3_assets.tables.open import open_table
from tests.conftest import boto_client
from tests.connection.recorder import recording
from tests.servers.certificates import Authority
from tests.servers.forward_proxy import OUTGOING, PASSWORD, USER, ForwardProxy
from tests.servers.identity.server import IdentityServer
from tests.servers.plugin import FrontMaker
from tests.servers.rest_catalog.server import RestCatalogs, RestCatalogServer
from tests.tables.catalogs.conftest import StartRest, create, find, live, load, numbers, rows
from tests.tables.formats import Place

SECRET = "s3cr:t/of the+client"
TOKEN = "bearer-0123456789abcdef"


def rest(server: RestCatalogServer, **fields: Any) -> dict[str, Any]:
    return {"type": "rest", "uri": server.endpoint, **fields}


def test_a_table_lives_in_an_open_catalog(place: Place, start_rest: StartRest) -> None:
    live(place.connection(catalog=rest(start_rest(prefix="main"))))


def test_a_table_lives_behind_a_bearer_token(place: Place, start_rest: StartRest, tmp_path: Path) -> None:
    server = start_rest(token=TOKEN)
    kept = tmp_path / "token"
    kept.write_text(f"{TOKEN}\n")
    connection = place.connection(catalog=rest(server, token=SecretReference(file=kept)))

    live(connection)

    server.change(token="another-token-9876")
    refused = _failure(connection, AccessError)
    assert "the catalog does not accept the credentials" in refused
    assert TOKEN not in refused
    kept.write_text("another-token-9876")
    create(connection)
    assert numbers(load(connection)) == []


@pytest.mark.parametrize("own_server", [True, False], ids=["the catalog's tokens", "another server's tokens"])
def test_a_table_lives_behind_client_credentials(
    place: Place, start_rest: StartRest, own_server: bool
) -> None:
    server = start_rest(clients={"us": SECRET})
    oauth2: dict[str, Any] = {"client_id": "us", "client_secret": SECRET, "scope": "tables"}
    if not own_server:
        oauth2["server_uri"] = f"{server.endpoint}/idp/token"
    connection = place.connection(catalog=rest(server, oauth2=oauth2))

    live(connection)

    asked = server.calls("get_token")
    assert [("client_secret=" in call.body, "authorization" in call.headers) for call in asked] == [
        (own_server, not own_server)
    ]
    assert "scope=tables" in asked[0].body
    assert {call.headers["authorization"] for call in server.calls("update_table")} == {
        f"Bearer {asked[0].issued}"
    }


def test_tokens_that_end_are_changed_in_time(place: Place, start_rest: StartRest) -> None:
    server = start_rest(clients={"us": SECRET}, token_seconds=1)
    connection = place.connection(catalog=rest(server, oauth2={"client_id": "us", "client_secret": SECRET}))
    table = create(connection)

    end = time.monotonic() + 20
    while len(server.calls("get_token")) < 3 and time.monotonic() < end:
        table.refresh()

    assert len(server.calls("get_token")) == 3
    assert server.calls("refused") == []


def test_a_token_that_ends_early_is_changed(place: Place, start_rest: StartRest) -> None:
    server = start_rest(clients={"us": SECRET}, token_seconds=0)
    connection = place.connection(catalog=rest(server, oauth2={"client_id": "us", "client_secret": SECRET}))
    refused = _failure(connection, S3AssetsError)
    assert "the catalog's token has expired" in refused

    server.change(token_seconds=3600)
    create(connection)


def test_a_wrong_client_secret_is_told_without_it(place: Place, start_rest: StartRest) -> None:
    server = start_rest(clients={"us": "right"})
    connection = place.connection(catalog=rest(server, oauth2={"client_id": "us", "client_secret": SECRET}))

    refused = _failure(connection, AccessError)

    assert "gave no token (status: 401, invalid_client" in refused
    assert "Check client_id, client_secret and scope" in refused


def test_requests_are_signed_with_keys_that_refresh(
    place: Place, start_rest: StartRest, identity: IdentityServer
) -> None:
    identity.add_user("AKIABASE", "base-secret")
    role = identity.add_role("catalog")
    identity.change(lifetime=2.0)
    server = start_rest(signers={"AKIABASE": "base-secret"})
    connection = place.connection(
        catalog=rest(server, sigv4=True),
        auth=AccessKeyAuth(access_key_id="AKIABASE", secret_access_key="base-secret"),
        assume_role=(AssumeRole(role_arn=role),),
        service_endpoints=ServiceEndpoints(sts=identity.endpoint),
    )
    assert "The signature is not right" in _failure(connection, AccessDeniedError)
    server.change(session_keys=True)

    # What separates the parts of a nested name has to be encoded, and once more in what is signed.
    table = create(connection, "db.inner.orders")
    end = time.monotonic() + 20
    while len(identity.issued()) < 3 and time.monotonic() < end:
        table.refresh()

    asked = server.calls("load_table")
    assert {call.status for call in asked} == {200}
    assert "%1F" in asked[0].path
    assert len({call.headers["authorization"].split("/")[0] for call in asked}) >= 2


def test_an_anonymous_connection_cannot_sign(place: Place, start_rest: StartRest) -> None:
    connection = place.connection(catalog=rest(start_rest(), sigv4=True), auth={"type": "anonymous"})

    assert "the connection is anonymous" in _failure(connection, CredentialsMissingError)


ROLE = "arn:aws:iam::000000000000:role/reader"


@pytest.mark.parametrize("by_endpoint", [True, False], ids=["credentials endpoint", "with the table"])
def test_files_are_reached_with_lent_keys(
    place: Place,
    start_rest: StartRest,
    tmp_path: Path,
    by_endpoint: bool,
) -> None:
    server = start_rest(lends=ROLE, lends_by_endpoint=by_endpoint, lent_seconds=4)
    with recording(place.server.endpoint_url, tmp_path) as recorder:
        connection = place.connection(
            catalog=rest(server, vended_credentials=True),
            endpoint=recorder.endpoint,
            auth=AccessKeyAuth(access_key_id="AKIAOWN", secret_access_key="own-secret"),
        )
        table = create(connection)
        table.append(rows(1, 2))
        reader = files_connection(load(connection), connection)
        assert numbers(load(connection)) == [1, 2]

        # The keys end while their engine is open: others are fetched, and used. The first may be those that
        # came with the table when it was loaded last.
        opened = store(reader)
        listed = [item["path"] for chunk in opened.list() for item in chunk]
        before, end = recorder.key_ids(), time.monotonic() + 20
        while len(recorder.key_ids() - before) < 2 and time.monotonic() < end:
            opened.get(listed[0])
        issued = {call.issued for call in server.calls() if call.issued}
        assert before < recorder.key_ids() <= issued
        assert "AKIAOWN" not in issued
        assert {seen.token is not None for seen in recorder.seen} == {True}
        assert {call.operation for call in server.calls() if call.issued} == {
            "create_table",
            "load_table",
            *(["load_credentials"] if by_endpoint else []),
        }

    assert reader.location == connection.location
    assert not any(
        secret_name in table.io.properties for secret_name in ("s3.secret-access-key", "s3.session-token")
    )


def test_lent_keys_reach_what_the_connection_cannot(
    monkeypatch: pytest.MonkeyPatch, strict_s3_server: EmbeddedServer, rest_catalogs: RestCatalogs
) -> None:
    """A server that refuses unknown keys lets in those that its own STS gave to the catalog."""
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")
    client = boto_client(strict_s3_server)
    client.create_bucket(Bucket="lent-bucket")
    iam = boto_client(strict_s3_server, "iam")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(_anybody()))
    iam.put_role_policy(RoleName="reader", PolicyName="all", PolicyDocument=json.dumps(_everything()))
    server = rest_catalogs.start(strict_s3_server.endpoint_url, "s3://lent-bucket/warehouse", lends=ROLE)
    connection = Place(strict_s3_server, client, "lent-bucket").connection(
        auth=AccessKeyAuth(access_key_id="AKIASTRANGER", secret_access_key="none"),
        catalog=rest(server, vended_credentials=True),
    )

    create(connection).append(rows(1, 2))
    assert numbers(load(connection)) == [1, 2]
    reader = files_connection(load(connection), connection)
    seen = pl.scan_iceberg(load(connection), storage_options=scan_options(reader), reader_override="native")
    assert seen.collect()["number"].sort().to_list() == [1, 2]

    # The whole protocol: cursor and parts, audit, commit, sweep.
    settings = IcebergSettings(connection="lake", table="db.orders")
    ours = open_table("orders", settings, connection)
    overwrite(ours, pl.LazyFrame({"number": [3], "word": ["odd"]}), window=None)
    assert ours.scan().collect().rows() == [(3, "odd")]

    own = connection.model_copy(update={"catalog": RestCatalogSettings(uri=server.endpoint)})
    with pytest.raises(AccessError):
        numbers(load(own))


def test_a_catalog_that_lends_nothing_is_told(place: Place, start_rest: StartRest) -> None:
    server = start_rest()
    create(place.connection(catalog=rest(server)))

    lending = place.connection(catalog=rest(server, vended_credentials=True))
    assert "lends no keys for db.orders" in _failure(lending, CredentialsMissingError)
    asked = [call.headers.get("x-iceberg-access-delegation") for call in server.calls("load_table")]
    assert asked == ["vended-credentials"]
    asked = [call.headers.get("x-iceberg-access-delegation") for call in server.calls("create_table")]
    assert asked == [None]


def test_requests_travel_as_the_connection_says(
    place: Place,
    start_rest: StartRest,
    mutual_tls: FrontMaker,
    authority: Authority,
    forward_proxy: ForwardProxy,
) -> None:
    server = start_rest(token=TOKEN)
    address = urlsplit(server.endpoint)
    certificate = authority.client("reader")
    with mutual_tls(f"http://{address.netloc}") as front:
        catalog = {"type": "rest", "uri": f"{front.endpoint}{address.path}", "token": TOKEN}
        fields: dict[str, Any] = {
            "proxy": {
                "host": "127.0.0.1",
                "port": urlsplit(forward_proxy.url).port,
                "protocol": "http",
                "username": USER,
                "password": PASSWORD,
                "non_proxy_hosts": ["127.0.0.1"],
            }
        }
        trusted = {
            "ca_bundle": authority.ca_file,
            "client_certificate": certificate.certificate,
            "client_key": certificate.key,
        }
        create(place.connection(catalog=catalog, tls=trusted, **fields))

        assert {request.client for request in front.requests(3)} == {"reader"}
        assert {request.peer for request in front.requests(3)} == {OUTGOING}
        unknown = _failure(place.connection(catalog=catalog, **fields), UnreachableError)
        assert "signed by an authority that is not trusted here" in unknown
        stranger = _failure(
            place.connection(catalog=catalog, tls={"ca_bundle": authority.ca_file}, **fields),
            UnreachableError,
        )
        assert "client certificate" in stranger
    proxy = {**fields["proxy"], "password": SECRET}
    assert "the proxy" in _failure(
        place.connection(catalog=catalog, tls=trusted, proxy=proxy), UnreachableError
    )


def test_a_catalog_that_is_silent_is_given_up(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = place.connection(
            catalog={"type": "rest", "uri": f"http://127.0.0.1:{silent.getsockname()[1]}"},
            transport={"read_timeout": 0.2, "max_retries": 0},
        )
        assert "did not answer in time" in _failure(connection, RequestTimeoutError)

    assert "nobody answers" in _failure(connection, UnreachableError)


def test_reads_are_tried_again_and_commits_are_not(place: Place, start_rest: StartRest) -> None:
    server = start_rest()
    connection = place.connection(catalog=rest(server), transport={"max_retries": 2})
    table = create(connection)

    server.change(failing={"load_table": 503, "update_table": 503})
    assert "the catalog is not available" in _failure(connection, ThrottledError)
    assert len(server.calls("load_table")) == 3
    for status, kind in ((503, ThrottledError), (500, ServerFailureError), (409, CommitConflictError)):
        server.change(failing={"update_table": status})
        update = table.transaction().set_properties(status=str(status))
        with pytest.raises(kind), catalog_errors(connection, "orders"):
            update.commit_transaction()
    assert len(server.calls("update_table")) == 3


def test_a_table_is_missing_only_if_the_catalog_says_so(place: Place, start_rest: StartRest) -> None:
    server = start_rest()
    connection = place.connection(catalog=rest(server), transport={"max_retries": 0})
    assert "the catalog has no such table" in _failure(connection, TableMissingError)

    for status in (400, 401, 403, 429, 500, 501, 503):
        server.change(failing={"load_table": status})
        with pytest.raises(S3AssetsError) as failure:
            load(connection)
        assert not isinstance(failure.value, TableMissingError)


def test_what_pyiceberg_is_told_holds_no_secret(place: Place, start_rest: StartRest) -> None:
    server = start_rest(clients={"us": SECRET}, lends=ROLE)
    oauth2 = {"client_id": "us", "client_secret": SECRET}
    connection = place.connection(catalog=rest(server, oauth2=oauth2, vended_credentials=True))

    table = create(connection)

    issued = [call.issued for call in server.calls() if call.issued]
    told = repr(table.io.properties) + repr(find(connection)[0].properties) + repr(connection)
    pickled = pickle.dumps(table.io)
    assert len(issued) == 2
    for secret in (SECRET, *issued):
        assert secret not in told
        assert secret.encode() not in pickled
    assert redact(f"a {SECRET} b {issued[0]} c", connection) == "a *** b *** c"


def test_a_table_lives_in_unity(place: Place, start_rest: StartRest) -> None:
    server = start_rest(warehouses=("main", "other"), token=TOKEN, lends=ROLE)
    unity = {"type": "unity", "uri": server.endpoint, "token": TOKEN, "vended_credentials": True}
    connection = place.connection(catalog=unity)

    live(connection, "main.sales.orders")

    paths = {call.path.removeprefix(urlsplit(server.endpoint).path) for call in server.calls("load_table")}
    assert paths == {"/api/2.1/unity-catalog/iceberg-rest/v1/catalogs/main/namespaces/sales/tables/orders"}
    assert {call.query for call in server.calls("config")} == {"warehouse=main"}
    with pytest.raises(MissingError, match="No such catalog: nowhere"):
        load(connection, "nowhere.sales.orders")


def _failure(connection: S3Connection, kind: type[S3AssetsError]) -> str:
    with pytest.raises(kind) as failure:
        load(connection)
    assert "table 'orders', connection 'lake'" in str(failure.value)
    assert SECRET not in str(failure.value)
    assert failure.value.__cause__ is None
    assert failure.value.__context__ is None or failure.value.__suppress_context__
    return str(failure.value)


def _anybody() -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [trust]}


def _everything() -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
