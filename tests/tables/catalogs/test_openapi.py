"""What goes over the line to and from a REST catalog is what Apache Iceberg's OpenAPI description says."""

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from pyiceberg.catalog.rest import RestCatalog

from s3_assets.connection import S3Connection
from s3_assets.errors import S3AssetsError
from s3_assets.tables.catalogs.failures import catalog_errors
from tests.servers.rest_catalog.process import UNITY
from tests.servers.rest_catalog.server import RestCatalogServer
from tests.servers.rest_catalog.settings import Call
from tests.tables.catalogs.conftest import COLUMNS, StartRest, create, find, load, rows
from tests.tables.catalogs.test_rest import ROLE, SECRET, TOKEN
from tests.tables.formats import Place

DESCRIPTION = Path(__file__).parents[2] / "data" / "iceberg" / "rest-catalog-open-api.yaml"


@cache
def description() -> OpenAPI:
    # Through JSON: the statuses are numbers in the file, and names in a description.
    told = json.loads(json.dumps(yaml.load(DESCRIPTION.read_text(), yaml.CSafeLoader)))
    # Where the server is does not matter, nor does how it knows who asks: that is checked by the server.
    del told["servers"], told["security"]
    return OpenAPI.from_dict(told, config=Config(spec_validator_cls=None))


def validated(server: RestCatalogServer, calls: list[Call]) -> tuple[int, int]:
    """How many requests and answers are as described; the others raise."""
    requests = answers = 0
    for call in calls:
        path = call.path.removeprefix(urlsplit(server.endpoint).path).removeprefix(UNITY)
        # A prefix of several parts is one parameter there.
        path = path.replace("/catalogs/main/", "/main/")
        request = MockRequest(
            "http://catalog",
            call.method.lower(),
            path,
            args=dict(parse_qsl(call.query)),
            headers=dict(call.headers),
            data=call.body.encode() or None,
            content_type=call.headers.get("content-type", "application/json").partition(";")[0],
        )
        description().validate_request(request)
        requests += 1
        if call.method == "HEAD" and call.status == 404:
            # It has no body, which the description forgets.
            continue
        answer = MockResponse(call.answer.encode(), status_code=call.status, content_type="application/json")
        description().validate_response(request, answer)
        answers += 1
    return requests, answers


def every_operation(connection: S3Connection, table: str) -> None:
    """Every operation once, and answers that are refusals."""
    create(connection, table).append(rows(1, 2))
    load(connection, table).overwrite(rows(3), overwrite_filter="number = 2")
    catalog, name = find(connection, table)
    other = (*name[:-1], "other")
    catalog.rename_table(name, other)
    catalog.create_table_transaction(name, COLUMNS, f"{connection.url}staged").commit_transaction()
    assert isinstance(catalog, RestCatalog)
    catalog.load_credentials(name, f"{connection.url}staged")
    assert catalog.list_namespaces(name[:-2]) == [name[:-1]]
    assert catalog.load_namespace_properties(name[:-1]) == {"exists": "true"}
    for act in (
        lambda: catalog.create_namespace(name[:-1]),
        lambda: catalog.create_table(name, COLUMNS),
        lambda: catalog.drop_namespace(name[:-1]),
        lambda: catalog.load_table((*name[:-1], "missing")),
    ):
        with pytest.raises(S3AssetsError), catalog_errors(connection, "orders"):
            act()  # type: ignore[no-untyped-call] # a decorator hides its types
    for each in (name, other):
        catalog.drop_table(each)
    catalog.drop_namespace(name[:-1])
    assert not catalog.namespace_exists(name[:-1])


def test_all_that_is_said_is_as_described(place: Place, start_rest: StartRest) -> None:
    oauth2 = {"client_id": "us", "client_secret": SECRET}
    counts, operations = [], set[str]()
    lending: dict[str, Any] = {"lends": ROLE, "lent_seconds": 0.5}
    for settings, catalog, table in (
        ({"prefix": "main", "clients": {"us": SECRET}}, {"type": "rest", "oauth2": oauth2}, "db.orders"),
        ({"prefix": "main", "token": TOKEN}, {"type": "rest", "token": TOKEN}, "db.inner.orders"),
        (
            {"warehouses": ["main"], "token": TOKEN, **lending},
            {"type": "unity", "token": TOKEN, "vended_credentials": True},
            "main.db.orders",
        ),
    ):
        server = start_rest(**settings)
        connection = place.connection(catalog={**catalog, "uri": server.endpoint})
        every_operation(connection, table)
        if "token" in catalog:
            server.change(token="another")
            with pytest.raises(S3AssetsError):
                load(connection, table)
        counts.append(validated(server, server.calls()))
        operations |= {call.operation for call in server.calls()}

    requests, answers = (sum(each) for each in zip(*counts, strict=True))
    print(f"validated: {requests} requests, {answers} answers")  # noqa: T201 - for the record
    assert requests > 60
    assert {"load_credentials", "get_token", "rename_table", "drop_namespace", "refused"} <= operations
    assert requests - answers <= 6


def test_the_description_is_looked_at(place: Place, start_rest: StartRest) -> None:
    """A request or an answer that is not as described is not taken for one."""
    server = start_rest(prefix="main")
    create(place.connection(catalog={"type": "rest", "uri": server.endpoint}))
    (call,) = server.calls("create_table")

    assert validated(server, [call]) == (1, 1)
    for field, wrong in (("body", '{"name": 1}'), ("answer", '{"metadata": {}}')):
        changed = Call(**{**vars(call), field: wrong})
        with pytest.raises(Exception, match=r"validation error|not valid for schema"):
            validated(server, [changed])
