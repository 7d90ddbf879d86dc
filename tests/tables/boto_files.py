"""PyIceberg's files over boto3, whole objects at a time: PyArrow's own uploads are not taken by Ceph 16.2."""

import io
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pyiceberg.io import FileIO, InputFile, OutputFile


class BotoFileIO(FileIO):
    """Files by path-style requests, without trailing checksums."""

    @cached_property
    def _client(self) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.properties["s3.endpoint"],
            region_name=self.properties["s3.region"],
            aws_access_key_id=self.properties["s3.access-key-id"],
            aws_secret_access_key=self.properties["s3.secret-access-key"],
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )

    def new_input(self, location: str) -> "BotoFile":
        return BotoFile(self._client, location)

    def new_output(self, location: str) -> "BotoFile":
        return BotoFile(self._client, location)

    def delete(self, location: Any) -> None:
        place = location if isinstance(location, str) else location.location
        self._client.delete_object(**_place(place))


class BotoFile(InputFile, OutputFile):
    def __init__(self, client: Any, location: str) -> None:
        super().__init__(location)
        self._client = client

    def __len__(self) -> int:
        return int(self._client.head_object(**_place(self.location))["ContentLength"])

    def exists(self) -> bool:
        try:
            len(self)
        except ClientError:
            return False
        return True

    def open(self, seekable: bool = True) -> Any:
        del seekable
        try:
            return io.BytesIO(self._client.get_object(**_place(self.location))["Body"].read())
        except self._client.exceptions.NoSuchKey as error:
            raise FileNotFoundError(self.location) from error

    def create(self, overwrite: bool = False) -> Any:
        del overwrite
        return _Upload(self._client, self.location)

    def to_input_file(self) -> "BotoFile":
        return self


class _Upload(io.BytesIO):
    def __init__(self, client: Any, location: str) -> None:
        super().__init__()
        self._client = client
        self._location = location

    def close(self) -> None:
        if not self.closed:
            self._client.put_object(**_place(self._location), Body=self.getvalue())
        super().close()


def _place(location: str) -> dict[str, str]:
    bucket, _, key = location.partition("://")[2].partition("/")
    return {"Bucket": bucket, "Key": key}
