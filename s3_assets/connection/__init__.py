"""How one bucket, or one base path in it, is reached."""

from s3_assets.connection.auth import AccessKeyAuth, AnonymousAuth, Auth, DefaultAuth, ProfileAuth
from s3_assets.connection.secrets import Secret, SecretReference
from s3_assets.connection.settings import AddressingStyle, S3Connection, Transport

__all__ = [
    "AccessKeyAuth",
    "AddressingStyle",
    "AnonymousAuth",
    "Auth",
    "DefaultAuth",
    "ProfileAuth",
    "S3Connection",
    "Secret",
    "SecretReference",
    "Transport",
]
