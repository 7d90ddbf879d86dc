"""How one bucket, or one base path in it, is reached."""

from s3_assets.connection.auth import (
    AccessKeyAuth,
    AnonymousAuth,
    AssumeRole,
    Auth,
    DefaultAuth,
    IamRoleAuth,
    ProfileAuth,
    RoleSource,
    WebIdentityAuth,
)
from s3_assets.connection.catalogs import (
    Catalog,
    GlueCatalogSettings,
    OAuth2,
    RestCatalogSettings,
    SqlCatalogSettings,
    UnityCatalogSettings,
)
from s3_assets.connection.secret_stores import ParameterSecret, SecretsManagerSecret
from s3_assets.connection.secrets import Secret, SecretReference
from s3_assets.connection.settings import AddressingStyle, S3Connection, ServiceEndpoints
from s3_assets.connection.transport import ClientSideEncryption, Encryption, Proxy, Tls, Transport

__all__ = [
    "AccessKeyAuth",
    "AddressingStyle",
    "AnonymousAuth",
    "AssumeRole",
    "Auth",
    "Catalog",
    "ClientSideEncryption",
    "DefaultAuth",
    "Encryption",
    "GlueCatalogSettings",
    "IamRoleAuth",
    "OAuth2",
    "ParameterSecret",
    "ProfileAuth",
    "Proxy",
    "RestCatalogSettings",
    "RoleSource",
    "S3Connection",
    "Secret",
    "SecretReference",
    "SecretsManagerSecret",
    "ServiceEndpoints",
    "SqlCatalogSettings",
    "Tls",
    "Transport",
    "UnityCatalogSettings",
    "WebIdentityAuth",
]
