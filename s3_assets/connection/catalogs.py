"""The Iceberg catalog of a connection: one for all its Iceberg tables, or none."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from s3_assets.connection.secrets import Secret, shown


class _Catalog(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, hide_input_in_errors=True)


class GlueCatalogSettings(_Catalog):
    """AWS Glue; tables are called `database.table`. Reached with the connection's own credentials."""

    type: Literal["glue"] = "glue"
    catalog_id: str | None = Field(
        default=None,
        pattern=r"^[0-9]{12}$",
        description="Account that owns it; left out: the credentials' own.",
    )


class OAuth2(_Catalog):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

    client_id: Secret = Field(repr=False, description="Who asks for tokens.")
    client_secret: Secret = Field(repr=False, description="The secret that goes with it.")
    server_uri: str | None = Field(
        default=None, description="Where tokens are given; left out: the catalog's own /v1/oauth/tokens."
    )
    scope: str = Field(default="catalog", description="What the token is asked for.")

    @field_serializer("client_id", "client_secret")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)


class RestCatalogSettings(_Catalog):
    """An Iceberg REST catalog; tables are called `namespace.table`.

    At most one of `token`, `oauth2` and `sigv4`; with none of them requests carry no authorization.
    """

    type: Literal["rest"] = "rest"
    uri: str = Field(description="URL of the catalog, without /v1.")
    warehouse: str | None = Field(default=None, description="Which of the server's warehouses.")
    token: Secret | None = Field(default=None, repr=False, description="A bearer token.")
    oauth2: OAuth2 | None = Field(default=None, description="Client credentials that are changed for tokens.")
    sigv4: bool = Field(default=False, description="Sign requests with the connection's own credentials.")
    signing_name: str = Field(default="glue", description="The service that a signature is for.")
    vended_credentials: bool = Field(
        default=False, description="Reach files with the keys that the catalog gives, not the connection's."
    )

    @field_validator("uri")
    @classmethod
    def _whole_uri(cls, uri: str) -> str:
        return _web_address(uri)

    @field_serializer("token")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)

    @model_validator(mode="after")
    def _one_way(self) -> RestCatalogSettings:
        if sum((self.token is not None, self.oauth2 is not None, self.sigv4)) > 1:
            raise ValueError("give at most one of 'token', 'oauth2' and 'sigv4'")
        return self


class UnityCatalogSettings(_Catalog):
    """Databricks' Unity Catalog by its Iceberg REST endpoint; tables are called `catalog.schema.table`."""

    type: Literal["unity"] = "unity"
    uri: str = Field(description="URL of the workspace.")
    token: Secret = Field(repr=False, description="A personal access token.")
    vended_credentials: bool = Field(
        default=False, description="Reach files with the keys that the catalog gives, not the connection's."
    )

    @field_validator("uri")
    @classmethod
    def _whole_uri(cls, uri: str) -> str:
        return _web_address(uri)

    @field_serializer("token")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)


class SqlCatalogSettings(_Catalog):
    """A catalog in tables of PostgreSQL or SQLite; tables are called `namespace.table`."""

    type: Literal["sql"] = "sql"
    uri: Secret = Field(
        repr=False, description="postgresql+psycopg://user:password@host/database or sqlite:////path/file.db"
    )
    catalog_name: str = Field(
        default="default", min_length=1, description="Catalogs of other names in the same tables are apart."
    )

    @field_serializer("uri")
    def _named_or_blank(self, secret: Secret | None) -> object:
        return shown(secret)


Catalog = Annotated[
    GlueCatalogSettings | RestCatalogSettings | UnityCatalogSettings | SqlCatalogSettings,
    Field(discriminator="type"),
]


def _web_address(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("a catalog's uri begins with https:// (or http:// on loopback)")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("a catalog's uri has no credentials, query or fragment; use the fields for them")
    return uri.rstrip("/")
