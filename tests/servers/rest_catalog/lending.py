"""Keys that the REST catalog lends: real session keys of the S3 server's STS."""

import time
from dataclasses import dataclass, field
from typing import Any

from tests.servers.rest_catalog.settings import Settings


@dataclass
class Lender:
    """Asks STS once for each time that keys are wanted."""

    settings: Settings
    issued: str | None = field(default=None)

    def lend(self, location: str) -> list[dict[str, Any]]:
        """The `storage-credentials` of a table's answer; none if this catalog does not lend."""
        if self.settings.lends is None:
            return []
        import boto3

        files = self.settings.files
        sts = boto3.session.Session().client(
            "sts",
            endpoint_url=files["s3.endpoint"],
            region_name=files["s3.region"],
            aws_access_key_id=files["s3.access-key-id"],
            aws_secret_access_key=files["s3.secret-access-key"],
        )
        given = sts.assume_role(RoleArn=self.settings.lends, RoleSessionName="catalog")["Credentials"]
        self.issued = given["AccessKeyId"]
        config = {
            "s3.access-key-id": given["AccessKeyId"],
            "s3.secret-access-key": given["SecretAccessKey"],
            "s3.session-token": given["SessionToken"],
            "s3.session-token-expires-at-ms": str(int((time.time() + self.settings.lent_seconds) * 1000)),
        }
        return [{"prefix": location, "config": config}]
