"""Where things are on S3: a bucket and a key or prefix inside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from s3_assets.errors import SettingError

# Amazon S3 User Guide, "General purpose bucket naming rules".
_BUCKET = re.compile(r"^[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]$")


@dataclass(frozen=True, order=True)
class Location:
    """A bucket and a key: `key` of a folder ends with `/`, the bucket's root is the empty key."""

    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, url: str) -> Location:
        """Read `s3://bucket/base/path/`; `s3a://` and `s3n://` are accepted; a folder is assumed.

        Raises `SettingError` for another scheme, a bad bucket name or a leading slash in the prefix.
        """
        match = re.match(r"^(?P<scheme>[A-Za-z0-9]+)://(?P<bucket>[^/]*)(?:/(?P<key>.*))?$", url)
        if match is None or match["scheme"].lower() not in {"s3", "s3a", "s3n"}:
            raise SettingError(f"'{url}' is not an S3 URL", remedy="Write s3://bucket/ or s3://bucket/path/.")
        bucket, key = match["bucket"], match["key"] or ""
        if "@" in bucket:
            # Not quoted: what stands there may be a key and its secret.
            raise SettingError(
                "the S3 URL carries a user before the bucket", remedy="Give keys as the connection's auth."
            )
        if not _BUCKET.match(bucket):
            raise SettingError(
                f"'{bucket}' in '{url}' is not a bucket name",
                remedy="Bucket names have 3 to 63 lower-case letters, digits, dots and hyphens.",
            )
        if key.startswith("/"):
            raise SettingError(
                f"the prefix in '{url}' starts with a slash", remedy=f"Write s3://{bucket}/{key.lstrip('/')}"
            )
        if any(segment in {"", ".", ".."} for segment in key.rstrip("/").split("/")) and key.strip("/"):
            raise SettingError(
                f"the prefix in '{url}' has a segment that is empty, '.' or '..'", remedy="Write it without."
            )
        return cls(bucket, folder_key(key.rstrip("/")))

    @property
    def url(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"

    def folder(self, path: str) -> Location:
        """The folder `path` below this one.

        Raises `SettingError` if `path` starts with a slash or leaves this folder.
        """
        return Location(self.bucket, self.key + folder_key(relative_path(path)))

    def object(self, path: str) -> Location:
        """The object `path` below this folder."""
        return Location(self.bucket, self.key + path)


def folder_key(key: str) -> str:
    """Add the slash that ends a folder's key."""
    return key if not key or key.endswith("/") else f"{key}/"


def relative_path(path: str) -> str:
    """Return `path` if it stays inside the folder that it is resolved against.

    Raises `SettingError` with the corrected value for a leading slash, and for `..` or a whole URL.
    """
    if "://" in path:
        raise SettingError(f"'{path}' is a URL", remedy="Give the path below the connection's url.")
    if path.startswith("/"):
        raise SettingError(f"the path '{path}' starts with a slash", remedy=f"Write '{path.lstrip('/')}'.")
    if ".." in path.split("/"):
        raise SettingError(f"the path '{path}' leaves its folder", remedy="Write it without '..'.")
    if path.strip("/") and any(segment in {"", "."} for segment in path.rstrip("/").split("/")):
        # The engines take keys apart at slashes, and can address no empty segment.
        raise SettingError(
            f"the path '{path}' has an empty segment",
            remedy=f"Write '{'/'.join(part for part in path.split('/') if part not in {'', '.'})}'.",
        )
    return path
