"""The server that all contestants work on, and how each of them is told of it."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import obstore
from obstore.store import S3Store

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.connection.catalogs import SqlCatalogSettings
from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY

BUCKET = "benchmark"


@dataclass(frozen=True)
class Ground:
    endpoint: str
    key_id: str = ACCESS_KEY_ID
    secret: str = SECRET_ACCESS_KEY
    catalog: str = ""
    """The SQLite file that is the catalog of the Iceberg tables."""

    @property
    def place(self) -> dict[str, str]:
        """What a contestant in another process is told."""
        return asdict(self)

    def through(self, endpoint: str) -> Self:
        """The same server, reached through a proxy."""
        return replace(self, endpoint=endpoint)

    @property
    def connection(self) -> S3Connection:
        catalog = SqlCatalogSettings(uri=f"sqlite:///{self.catalog}") if self.catalog else None
        return S3Connection(
            name="s3",
            url=f"s3://{BUCKET}/",
            endpoint=self.endpoint,
            region=REGION,
            auth=AccessKeyAuth(access_key_id=self.key_id, secret_access_key=self.secret),
            catalog=catalog,
        )

    @property
    def options(self) -> dict[str, str]:
        """For Polars and delta-rs."""
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": self.key_id,
            "aws_secret_access_key": self.secret,
            "aws_region": REGION,
            "aws_allow_http": "true",
        }

    @property
    def iceberg(self) -> dict[str, str]:
        """For PyIceberg: its own catalog's properties."""
        return {
            "type": "sql",
            "uri": f"sqlite:///{self.catalog}",
            "warehouse": f"s3://{BUCKET}/iceberg",
            "s3.endpoint": self.endpoint,
            "s3.access-key-id": self.key_id,
            "s3.secret-access-key": self.secret,
            "s3.region": REGION,
            "s3.request-timeout": "120",
        }

    @property
    def store(self) -> S3Store:
        return S3Store(
            BUCKET,
            endpoint=self.endpoint,
            region=REGION,
            access_key_id=self.key_id,
            secret_access_key=self.secret,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def make_bucket(self) -> None:
        import boto3

        client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
        )
        client.create_bucket(Bucket=BUCKET)

    def clear(self, prefix: str) -> int:
        """Delete everything below a prefix; return the bytes that were there."""
        items = [item for chunk in obstore.list(self.store, prefix) for item in chunk]
        for start in range(0, len(items), 1000):
            obstore.delete(self.store, [item["path"] for item in items[start : start + 1000]])
        return sum(int(item["size"]) for item in items)
