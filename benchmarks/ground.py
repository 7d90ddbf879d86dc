"""The embedded server that all contestants work on, and how each of them is told of it."""

from dataclasses import dataclass
from typing import Any

import obstore
from obstore.store import S3Store

from s3_assets.connection import AccessKeyAuth, S3Connection
from s3_assets.embedded.server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY

BUCKET = "benchmark"


@dataclass(frozen=True)
class Ground:
    endpoint: str

    @property
    def connection(self) -> S3Connection:
        return S3Connection(
            url=f"s3://{BUCKET}/",
            endpoint=self.endpoint,
            region=REGION,
            auth=AccessKeyAuth(access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY),
        )

    @property
    def options(self) -> dict[str, str]:
        """For Polars and delta-rs."""
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": ACCESS_KEY_ID,
            "aws_secret_access_key": SECRET_ACCESS_KEY,
            "aws_region": REGION,
            "aws_allow_http": "true",
        }

    @property
    def store(self) -> S3Store:
        return S3Store(
            BUCKET,
            endpoint=self.endpoint,
            region=REGION,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def make_bucket(self) -> None:
        import boto3

        client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )
        client.create_bucket(Bucket=BUCKET)

    def clear(self, prefix: str) -> int:
        """Delete everything below a prefix; return the bytes that were there."""
        items = [item for chunk in obstore.list(self.store, prefix) for item in chunk]
        for start in range(0, len(items), 1000):
            obstore.delete(self.store, [item["path"] for item in items[start : start + 1000]])
        return sum(int(item["size"]) for item in items)
