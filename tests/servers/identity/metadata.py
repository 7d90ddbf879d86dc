"""The two protocols by which machines and containers get keys: IMDSv2, and the one of ECS and EKS."""

import hmac
import secrets
import threading
import time

from tests.servers.identity.answers import Answer, Request, json_answer
from tests.servers.identity.settings import Settings
from tests.servers.session_keys import SessionKey, issue

CREDENTIALS = "/latest/meta-data/iam/security-credentials/"
CONTAINER = "/container/credentials"
REGION = "eu-west-3"

_TOKEN_HEADER = "x-aws-ec2-metadata-token"
_MAXIMUM_TOKEN_SECONDS = 21600


class Dispenser:
    """Hands the same key out until it nears its end, and then a new one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: SessionKey | None = None

    def key(self, settings: Settings) -> SessionKey:
        """The key of now."""
        with self._lock:
            if self._key is None or self._key.expires_at - time.time() <= settings.renew_before:
                self._key = issue(settings.lifetime)
            return self._key


class InstanceMetadata:
    """IMDSv2: nothing without a session token, which has to be asked for with PUT."""

    def __init__(self) -> None:
        self._tokens: dict[str, float] = {}
        self._dispenser = Dispenser()

    def answer(self, request: Request, settings: Settings) -> Answer:
        """Answer a request below ``/latest/``."""
        if request.path == "/latest/api/token":
            return self._token(request)
        if time.time() >= self._tokens.get(request.headers.get(_TOKEN_HEADER, ""), 0.0):
            return Answer(401, "Unauthorized", "refused")
        found = {
            "/latest/meta-data/placement/region": REGION,
            "/latest/meta-data/placement/availability-zone": f"{REGION}a",
            CREDENTIALS.rstrip("/"): settings.instance_role,
        }.get(request.path.rstrip("/"))
        if found is not None:
            return Answer(200, found, request.path.rstrip("/").rpartition("/")[2])
        if request.path == CREDENTIALS + settings.instance_role:
            key = self._dispenser.key(settings)
            content = {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": _now(), **_document(key)}
            return json_answer(200, content, "credentials", key.key_id)
        return Answer(404, "Not Found", "unknown")

    def _token(self, request: Request) -> Answer:
        seconds = request.headers.get(f"{_TOKEN_HEADER}-ttl-seconds", "")
        if request.method != "PUT":
            return Answer(405, "Method Not Allowed", "token")
        if not seconds.isdecimal() or not 1 <= int(seconds) <= _MAXIMUM_TOKEN_SECONDS:
            return Answer(400, "Bad Request", "token")
        token = secrets.token_urlsafe(40)
        self._tokens[token] = time.time() + int(seconds)
        return Answer(200, token, "token", headers={f"{_TOKEN_HEADER}-ttl-seconds": seconds})


class ContainerMetadata:
    """One document with keys, for whoever shows the container's token."""

    def __init__(self) -> None:
        self._dispenser = Dispenser()

    def answer(self, request: Request, settings: Settings) -> Answer:
        """Answer a request for the document."""
        shown = request.headers.get("authorization", "")
        if not hmac.compare_digest(shown.encode(), settings.container_token.encode()):
            refusal = {"code": "AccessDenied", "message": "The authorization token is wrong."}
            return json_answer(401, refusal, "refused")
        key = self._dispenser.key(settings)
        return json_answer(200, _document(key), "credentials", key.key_id)


def _document(key: SessionKey) -> dict[str, str]:
    return {
        "AccessKeyId": key.key_id,
        "SecretAccessKey": key.secret,
        "Token": key.token,
        "Expiration": key.expiration,
    }


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
