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
    "ClientSideEncryption",
    "DefaultAuth",
    "Encryption",
    "IamRoleAuth",
    "ParameterSecret",
    "ProfileAuth",
    "Proxy",
    "RoleSource",
    "S3Connection",
    "Secret",
    "SecretReference",
    "SecretsManagerSecret",
    "ServiceEndpoints",
    "Tls",
    "Transport",
    "WebIdentityAuth",
]
