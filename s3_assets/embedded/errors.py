"""What can go wrong with the embedded server."""

from s3_assets.errors import S3AssetsError


class EmbeddedServerError(S3AssetsError, RuntimeError):
    """The embedded server, or the environment that it runs in, cannot be had; the message says why."""
