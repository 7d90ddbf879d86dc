"""A connection has one catalog or none: what a registry says of Iceberg tables that do not fit, and where."""

from pathlib import Path

import pytest

from s3_assets.connection.catalogs import RestCatalogSettings
from s3_assets.connection.secrets import SecretReference
from s3_assets.errors import RegistryError
from s3_assets.registry.loading import parse_registry

HEAD = """\
connections:
  bare: { url: s3://bucket/bare/ }
  glue: { url: s3://bucket/glue/, catalog: { type: glue } }
  unity:
    url: s3://bucket/unity/
    catalog: { type: unity, uri: https://workspace.example.com, token: { env: TOKEN } }
  rest:
    url: s3://bucket/rest/
    catalog: { type: rest, uri: https://catalog.example.com, token: { file: secrets/token } }
tables:
  raw: { connection: bare, path: raw, format: parquet }
  good: { connection: glue, table: db.good, format: iceberg }
  fine: { connection: unity, table: main.sales.fine, format: iceberg }
  nested: { connection: rest, table: a.b.nested, format: iceberg }
  files: { connection: bare, warehouse_path: files, format: iceberg }
"""
IMPORT = "imports:\n  one: { source: raw, target: more }\n"
CASES = {
    "a table without its catalog": (
        "  more: { connection: bare, table: db.t, format: iceberg }\n",
        "16:29: tables.more.table: the connection of 'more' is 'bare': ",
        "the table is called 'db.t' in a catalog, and its connection has none; add 'catalog' to it",
    ),
    "files beside a catalog": (
        "  more: { connection: glue, warehouse_path: t, format: iceberg }\n",
        "16:29: tables.more.warehouse_path: the connection of 'more' is 'glue': ",
        "the table has a 'warehouse_path', and its connection has a catalog; the Iceberg tables",
    ),
    "two parts in Unity": (
        "  more: { connection: unity, table: sales.t, format: iceberg }\n",
        "16:30: tables.more.table: the connection of 'more' is 'unity': ",
        "'sales.t' is no name in Unity Catalog; write catalog.schema.table",
    ),
    "three parts in Glue": (
        "  more: { connection: glue, table: a.b.t, format: iceberg }\n",
        "16:29: tables.more.table: the connection of 'more' is 'glue': ",
        "'a.b.t' is no name in Glue, whose databases are not nested; write database.table",
    ),
    "one name twice, and written": (
        "  more: { connection: glue, table: db.good, path: elsewhere, format: iceberg, "
        "partitions: { column: day, start: 2026-01-01 } }\n" + IMPORT,
        "16:29: tables.more.table: ",
        "'good' and 'more' are one table of the catalog, and it is written; declare it once",
    ),
    "both": (
        "  more: { connection: glue, table: db.t, warehouse_path: t, format: iceberg }\n",
        "16:3: tables.more: ",
        "give 'table' (its name in the connection's catalog) or 'warehouse_path' (no catalog)",
    ),
}


@pytest.mark.parametrize(("more", "place", "text"), CASES.values(), ids=CASES)
def test_what_does_not_fit_is_told_with_its_place(more: str, place: str, text: str) -> None:
    with pytest.raises(RegistryError) as failure:
        parse_registry(HEAD + more, Path("s3_assets.yaml"), {})

    assert any(f"{place}{text}" in problem for problem in failure.value.problems), failure.value.problems


def test_tables_of_one_name_may_both_be_read() -> None:
    twice = "  more: { connection: glue, table: db.good, path: elsewhere, format: iceberg }\n"

    assert len(parse_registry(HEAD + twice, Path("s3_assets.yaml"), {}).tables) == 6


def test_signed_requests_need_credentials() -> None:
    anonymous = HEAD.replace("catalog: { type: glue }", "catalog: { type: glue }, auth: { type: anonymous }")

    with pytest.raises(RegistryError, match=r"3:35: connections\.glue\.catalog: .*its auth is anonymous"):
        parse_registry(anonymous, Path("s3_assets.yaml"), {})


def test_a_catalogs_secret_file_lies_beside_the_registry(tmp_path: Path) -> None:
    (tmp_path / "s3_assets.yaml").write_text(HEAD)

    catalog = parse_registry(HEAD, tmp_path / "s3_assets.yaml", {}).connections["rest"].catalog

    assert isinstance(catalog, RestCatalogSettings)
    assert catalog.token == SecretReference(file=tmp_path / "secrets" / "token")


def test_what_is_wrong_in_a_catalog_is_told_without_its_secrets() -> None:
    wrong = HEAD.replace(
        "catalog: { type: glue }", "catalog: { type: sql, url: 'postgresql://us:hidden@host' }"
    )

    with pytest.raises(RegistryError) as failure:
        parse_registry(wrong, Path("s3_assets.yaml"), {})

    assert "connections.glue.catalog.url: there is no such field; did you mean 'uri'?" in str(failure.value)
    assert "hidden" not in str(failure.value)
