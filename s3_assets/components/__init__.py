"""The registry as a component of Dagster: `dg list components` and `dg scaffold defs` find it here."""

from s3_assets.components.component import S3AssetsComponent

__all__ = ["S3AssetsComponent"]
