"""Whose S3 it is: that decides how resources are named, and what a condition may rely on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from s3_assets.location import Location

_AMAZON = re.compile(
    r"(?:^|\.)(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)$"
)
# IAM User Guide, "IAM policy elements: Variables": the characters that a pattern would take for others.
_SPECIAL = {"*": "${*}", "?": "${?}", "$": "${$}"}


@dataclass(frozen=True)
class Service:
    """The S3 of a connection: its region, and whether it is Amazon's own."""

    region: str = "us-east-1"
    amazon: bool = True

    @classmethod
    def at(cls, endpoint: str | None, region: str) -> Service:
        """Return the service of an endpoint; none is Amazon's."""
        host = (urlsplit(endpoint).hostname or "") if endpoint else ""
        return cls(region, amazon=not endpoint or _AMAZON.search(host) is not None)

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov`: of the region; other servers know `aws` alone."""
        return _partition(self.region) if self.amazon else "aws"

    @property
    def domain(self) -> str:
        """The suffix of the services' names, as conditions on `kms:ViaService` have it."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def bucket(self, name: str) -> str:
        """Return the ARN of a bucket."""
        return f"arn:{self.partition}:s3:::{name}"

    def objects(self, folder: Location, *, exactly: bool = True) -> str:
        """Return the ARN of all objects of a folder, or of all whose keys begin with its name."""
        return f"{self.bucket(folder.bucket)}/{literal(folder.key if exactly else folder.key.rstrip('/'))}*"

    def of(self, name: str, resource: str, region: str | None = None, *, account: str | None = None) -> str:
        """Return the ARN of another service's resource, left out in whatever account it is."""
        return f"arn:{self.partition}:{name}:{region or self.region}:{account or '*'}:{resource}"


def literal(text: str) -> str:
    """Write a key so that IAM takes none of its characters for a wildcard or a variable."""
    return "".join(_SPECIAL.get(character, character) for character in text)


@cache
def _partition(region: str) -> str:
    import botocore.session
    from botocore.exceptions import UnknownRegionError

    try:
        return str(botocore.session.Session().get_partition_for_region(region))
    except UnknownRegionError:
        return "aws"
