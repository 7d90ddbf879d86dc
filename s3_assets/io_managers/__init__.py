"""One IO manager for every table of the registry, in both directions."""

from s3_assets.io_managers.manager import S3TableIOManager

__all__ = ["S3TableIOManager"]
