"""The effects of a connection's catalog: what a REST catalog is asked, what a database or Glue is."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from s3_assets.errors import S3AssetsError
from s3_assets.tables.catalogs import catalog_of, open_catalog
from s3_assets.tables.catalogs.failures import catalog_errors
from s3_assets.tables.iceberg_settings import IcebergSettings
from tests.connection.matrix.cells import Bench
from tests.servers.rest_catalog.server import RestCatalogServer
from tests.servers.rest_catalog.settings import Call

Effect = Callable[[Bench], tuple[object, object]]
Fields = Mapping[str, Any]

_CLIENT = {"client_id": "us", "client_secret": "secret-of-us"}


def _told(call: Call) -> tuple[object, ...]:
    """What a request says of the catalog's settings."""
    authorization = call.headers.get("authorization", "")
    if authorization.startswith("Bearer token-"):
        authorization = "a token of this server"
    asks_for_keys = call.headers.get("x-iceberg-access-delegation")
    path = call.path.split("/", 2)[2]
    return (
        call.operation,
        path,
        call.query,
        authorization.split(",")[0],
        asks_for_keys,
        call.body,
        call.status,
    )


def _look(bench: Bench, servers: list[RestCatalogServer], catalog: Fields | None, table: str) -> object:
    """What the catalogs are asked when a table is opened, and how that ends."""
    connection = bench.connect(catalog=catalog)
    before = [len(server.calls()) for server in servers]
    ended: object = "found"
    try:
        with catalog_errors(connection, "orders"):
            found, name = catalog_of(connection, IcebergSettings(connection="any", table=table))
            found.load_table(name)
    except S3AssetsError as error:
        ended = type(error)
    return ended, [
        [_told(call) for call in server.calls()[count:]]
        for server, count in zip(servers, before, strict=True)
    ]


def _rest(
    before: Fields, after: Fields, *, table: str = "db.orders", kind: str = "rest", **settings: Any
) -> Effect:
    """Two settings of a catalog; `uri` is a number, of one of two servers with these settings."""

    def effect(bench: Bench) -> tuple[object, object]:
        catalogs = bench.server("rest_catalogs")
        s3 = bench.server("s3_server").endpoint_url
        servers = [catalogs.start(s3, f"s3://{bench.bucket}", **settings) for _ in range(2)]

        def look(fields: Fields) -> object:
            told = {"type": kind, "uri": 0, **fields}
            return _look(bench, servers, {**told, "uri": servers[told["uri"]].endpoint}, table)

        return look(before), look(after)

    return effect


def _oauth2(field: str, other: str) -> Effect:
    return _rest({"oauth2": _CLIENT}, {"oauth2": {**_CLIENT, field: other}}, clients={"us": "secret-of-us"})


def _server_uri(bench: Bench) -> tuple[object, object]:
    server = bench.server("rest_catalogs").start(
        "http://127.0.0.1:9", "s3://any", clients={"us": "secret-of-us"}
    )

    def look(oauth2: Fields) -> object:
        return _look(bench, [server], {"type": "rest", "uri": server.endpoint, "oauth2": oauth2}, "db.orders")

    return look(_CLIENT), look({**_CLIENT, "server_uri": f"{server.endpoint}/idp/token"})


def _catalog(bench: Bench) -> tuple[object, object]:
    server = bench.server("rest_catalogs").start("http://127.0.0.1:9", "s3://any")
    told = {"type": "rest", "uri": server.endpoint}
    return _look(bench, [server], None, "db.orders"), _look(bench, [server], told, "db.orders")


def _unity(before: Fields, after: Fields) -> Effect:
    told = {"token": "right"}
    return _rest(
        {**told, **before},
        {**told, **after},
        table="main.db.orders",
        kind="unity",
        token="right",
        warehouses=("main",),
    )


def _sql(field: str) -> Effect:
    def effect(bench: Bench) -> tuple[object, object]:
        told = {"type": "sql", "uri": f"sqlite:///{bench.folder}/one.db", "catalog_name": "one"}
        other = {"uri": f"sqlite:///{bench.folder}/two.db", "catalog_name": "two"}[field]
        one, two = (bench.connect(catalog=each) for each in (told, {**told, field: other}))
        open_catalog(one).create_namespace("db")
        return open_catalog(one).list_namespaces(), open_catalog(two).list_namespaces()

    return effect


def _catalog_id(bench: Bench) -> tuple[object, object]:
    endpoint = bench.server("aws_server").endpoint_url

    def look(catalog_id: str | None) -> object:
        catalog = {"type": "glue", "catalog_id": catalog_id}
        connection = bench.connect(catalog=catalog, service_endpoints={"glue": endpoint})
        opened: Any = open_catalog(connection)
        seen: list[object] = []
        opened.glue.meta.events.register(
            "before-parameter-build.glue", lambda params, **_: seen.append(params.get("CatalogId"))
        )
        # What it answers does not matter, only what it is asked.
        with suppress(S3AssetsError), catalog_errors(connection, "orders"):
            opened.list_namespaces()
        return seen

    return look(None), look("123456789012")


_SIGNED = {"sigv4": True}

CATALOG_EFFECTS: dict[str, Effect] = {
    "S3Connection.catalog": _catalog,
    "GlueCatalogSettings.catalog_id": _catalog_id,
    "RestCatalogSettings.uri": _rest({"uri": 0}, {"uri": 1}),
    "RestCatalogSettings.warehouse": _rest({"warehouse": "one"}, {"warehouse": "two"}),
    "RestCatalogSettings.token": _rest({"token": "right"}, {"token": "wrong"}, token="right"),
    "RestCatalogSettings.oauth2": _rest({}, {"oauth2": _CLIENT}, clients={"us": "secret-of-us"}),
    "RestCatalogSettings.sigv4": _rest({}, _SIGNED),
    "RestCatalogSettings.signing_name": _rest(_SIGNED, {**_SIGNED, "signing_name": "s3tables"}),
    "RestCatalogSettings.vended_credentials": _rest({}, {"vended_credentials": True}),
    "OAuth2.client_id": _oauth2("client_id", "them"),
    "OAuth2.client_secret": _oauth2("client_secret", "wrong"),
    "OAuth2.server_uri": _server_uri,
    "OAuth2.scope": _oauth2("scope", "tables"),
    "UnityCatalogSettings.uri": _unity({"uri": 0}, {"uri": 1}),
    "UnityCatalogSettings.token": _unity({}, {"token": "wrong"}),
    "UnityCatalogSettings.vended_credentials": _unity({}, {"vended_credentials": True}),
    "SqlCatalogSettings.uri": _sql("uri"),
    "SqlCatalogSettings.catalog_name": _sql("catalog_name"),
}
"""By model and field, as in `EFFECTS`."""
