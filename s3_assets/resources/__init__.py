"""A connection as a Dagster resource, for users who write Python instead of a registry."""

from s3_assets.resources.connection import S3ConnectionResource
from s3_assets.resources.parts import (
    AccessKeyAuthConfig,
    AnonymousAuthConfig,
    AssumeRoleConfig,
    ClientSideEncryptionConfig,
    DefaultAuthConfig,
    EncryptionConfig,
    IamRoleAuthConfig,
    ParameterSecretConfig,
    ProfileAuthConfig,
    ProxyConfig,
    SecretReferenceConfig,
    SecretsManagerSecretConfig,
    ServiceEndpointsConfig,
    TlsConfig,
    TransportConfig,
    WebIdentityAuthConfig,
)

__all__ = [
    "AccessKeyAuthConfig",
    "AnonymousAuthConfig",
    "AssumeRoleConfig",
    "ClientSideEncryptionConfig",
    "DefaultAuthConfig",
    "EncryptionConfig",
    "IamRoleAuthConfig",
    "ParameterSecretConfig",
    "ProfileAuthConfig",
    "ProxyConfig",
    "S3ConnectionResource",
    "SecretReferenceConfig",
    "SecretsManagerSecretConfig",
    "ServiceEndpointsConfig",
    "TlsConfig",
    "TransportConfig",
    "WebIdentityAuthConfig",
]
