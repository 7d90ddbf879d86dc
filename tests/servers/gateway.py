"""A Ceph RADOS gateway, which checks signatures and enforces policies, and what tests do with it."""

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

REGION = "us-east-1"
PROGRAMS = (
    *("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin"),
    *("curl", "openssl"),
)
_POLICY = "tests"

_ACCESS = re.compile(r'beast: \S+ \S+ - (\S+) \[[^]]*\] "(\S+) (\S+) HTTP/[\d.]+" (\d+) ')

Policy = Mapping[str, Any]


class Keys(NamedTuple):
    """A pair of keys, with the token that a session's pair has besides."""

    key_id: str
    secret: str
    token: str | None = None


class GatewayRequest(NamedTuple):
    """A line of the gateway's access log."""

    user: str
    """Whose key it was signed with, or who assumed the role of its session; `-` if the keys were refused."""
    method: str
    target: str
    status: int


@dataclass(frozen=True)
class Gateway:
    """The gateway of this test run; all workers share it, so take fresh names for buckets, users, roles.

    S3, STS and IAM answer on the same endpoints. What release 16.2 does and does not:

    - Users begin with no rights on others' buckets, and the owner of a bucket may do everything with it: let
      `admin` own the bucket, and grant by policies. ListBucket is enforced with its `s3:prefix` condition.
    - A GET of a missing key is refused with 403 unless ListBucket is allowed without condition, as with AWS.
    - A policy that names an action that it does not know (any of `kms:`) is refused as a whole.
    - Trust policies say who may assume a role, and a condition on `sts:ExternalId` refuses the right id, too.
      Sessions last 900 s at least. The STS server of `tests.servers.identity` knows external ids and seconds.
    - A wrong secret is `SignatureDoesNotMatch`, an unknown key `InvalidAccessKeyId`, as with AWS; both are
      the latter for sessions. A token beside a user's own keys is ignored, which AWS would refuse.
    - Its errors carry a code, but no message; those of IAM and STS not even a code that botocore finds.
    - It does not take trailing checksums: set `request_checksum_calculation` to `when_required`.
    """

    endpoint: str
    tls_endpoint: str
    ca_file: Path
    admin: Keys
    log: Path

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """The gateway that a keeper tells of."""
        return cls(
            endpoint=told["endpoint"],
            tls_endpoint=told["tls_endpoint"],
            ca_file=Path(told["ca_file"]),
            admin=Keys(**told["admin"]),
            log=Path(told["log"]),
        )

    @property
    def sts_endpoint(self) -> str:
        """Where AssumeRole is answered."""
        return self.endpoint

    def client(self, service: str = "s3", keys: Keys | None = None, *, tls: bool = False) -> Any:
        """A boto3 client of the service, for the admin unless other keys are given."""
        import boto3
        from botocore.config import Config

        key_id, secret, token = keys or self.admin
        return boto3.session.Session().client(
            service,
            endpoint_url=self.tls_endpoint if tls else self.endpoint,
            verify=str(self.ca_file) if tls else None,
            region_name=REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
            ),
        )

    def create_user(self, name: str) -> Keys:
        """Make a user without any rights on what others own."""
        keys = Keys(f"USER{secrets.token_hex(8).upper()}", secrets.token_hex(20))
        query = {"uid": name, "display-name": name, "access-key": keys.key_id, "secret-key": keys.secret}
        self._administer("PUT", "user", query)
        return keys

    def delete_user(self, name: str) -> None:
        """Remove a user, with the buckets that it owns."""
        self._administer("DELETE", "user", {"uid": name, "purge-data": "true"})

    def put_user_policy(self, user: str, policy: Policy) -> None:
        """Let the user do what the policy says, and nothing else with what others own."""
        self.client("iam").put_user_policy(UserName=user, PolicyName=_POLICY, PolicyDocument=_compact(policy))

    def delete_user_policy(self, user: str) -> None:
        """Take the user's policy away."""
        self.client("iam").delete_user_policy(UserName=user, PolicyName=_POLICY)

    def put_bucket_policy(self, bucket: str, policy: Policy) -> None:
        """Set the policy of a bucket that the admin owns; `arn_of_user` names principals."""
        self.client().put_bucket_policy(Bucket=bucket, Policy=_compact(policy))

    def delete_bucket_policy(self, bucket: str) -> None:
        """Take the bucket's policy away."""
        self.client().delete_bucket_policy(Bucket=bucket)

    def create_role(self, name: str, *, trusted_user: str, policy: Policy) -> str:
        """Make a role that one user may assume, with what it may do; returns its ARN."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": [arn_of_user(trusted_user)]},
                    "Action": ["sts:AssumeRole"],
                }
            ],
        }
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_compact(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=_compact(policy))
        return str(role["Arn"])

    def delete_role(self, name: str) -> None:
        """Remove a role that `create_role` made."""
        iam = self.client("iam")
        iam.delete_role_policy(RoleName=name, PolicyName=_POLICY)
        iam.delete_role(RoleName=name)

    def assume_role(self, keys: Keys, arn: str, session: str = "tests", **parameters: Any) -> Keys:
        """The keys of a session; further parameters go to AssumeRole as they are."""
        answer = self.client("sts", keys).assume_role(RoleArn=arn, RoleSessionName=session, **parameters)
        found = answer["Credentials"]
        return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def requests(self, user: str, at_least: int = 0, deadline: float = 5.0) -> list[GatewayRequest]:
        """What it was asked with a user's keys: written a moment after the answer, so say how many."""
        end = time.monotonic() + deadline
        while True:
            lines = (
                GatewayRequest(user, method, target, int(status))
                for user, method, target, status in _ACCESS.findall(self.log.read_text(errors="replace"))
            )
            found = [line for line in lines if line.user == user]
            if len(found) >= at_least or time.monotonic() > end:
                return found
            time.sleep(0.02)

    def _administer(self, method: str, what: str, query: Mapping[str, str]) -> None:
        # IAM's CreateUser is answered with 405; the gateway's own administration does it.
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        from botocore.httpsession import URLLib3Session

        request = AWSRequest(method, f"{self.endpoint}/admin/{what}?{urlencode(query)}")
        S3SigV4Auth(Credentials(self.admin.key_id, self.admin.secret), "s3", REGION).add_auth(request)
        answer = URLLib3Session().send(request.prepare())
        if answer.status_code != 200:
            raise RuntimeError(f"{method} {what} {query['uid']}: {answer.status_code} {answer.text}")


def arn_of_user(name: str) -> str:
    """The user as policies name it."""
    return f"arn:aws:iam:::user/{name}"


def _compact(policy: Policy) -> str:
    # The gateway takes a policy with spaces between its tokens for users, not for roles.
    return json.dumps(policy, separators=(",", ":"))
