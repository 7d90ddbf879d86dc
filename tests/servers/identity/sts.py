"""The security token service: who may become which role, answered to the letter of AWS's query protocol."""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from tests.servers.identity.answers import Answer, Request
from tests.servers.identity.settings import Role, Settings
from tests.servers.identity.signature import key_id_of, signed_with, skewed
from tests.servers.session_keys import expired, expiry_of, issue, secret_of, token_of

ACCOUNT = "123456789012"
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_REQUEST_ID = "11111111-2222-3333-4444-555555555555"
# What AWS's reference of AssumeRole says of each parameter.
_PATTERNS = {
    "RoleArn": re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+"),
    "RoleSessionName": re.compile(r"[\w+=,.@-]{2,64}"),
    "ExternalId": re.compile(r"[\w+=,.@:/-]{2,1224}"),
    "SourceIdentity": re.compile(r"[\w+=,.@-]{2,64}"),
    "DurationSeconds": re.compile(r"\d{1,6}"),
}
_REQUIRED = ("RoleArn", "RoleSessionName")
_LONGEST_CHAINED = 3600


class RefusedError(Exception):
    """STS says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def answer(request: Request, settings: Settings) -> Answer:
    """Answer a call, refused or not."""
    text = request.body.decode() if request.method == "POST" else request.query
    parameters = dict(parse_qsl(text, keep_blank_values=True))
    action = parameters.get("Action", "")
    base = key_id_of(request)
    issued: str | None = None
    try:
        match action:
            case "AssumeRole":
                _authenticate(request, base, settings)
                _validate(parameters, chained=base is not None and expiry_of(base) is not None)
                _authorize(parameters, base, settings)
                issued, content = _session(action, parameters, settings)
            case "AssumeRoleWithWebIdentity":
                _validate(parameters, chained=False)
                _recognize(parameters, settings)
                issued, content = _session(action, parameters, settings)
            case "GetCallerIdentity":
                _authenticate(request, base, settings)
                content = _result(action, _caller(base))
            case _:
                raise RefusedError(400, "InvalidAction", f"Could not find operation {action}.")  # noqa: TRY301
    except RefusedError as refused:
        return Answer(
            refused.status, _error(refused), action, "text/xml", base_key_id=base, parameters=parameters
        )
    return Answer(200, content, action, "text/xml", base_key_id=base, issued=issued, parameters=parameters)


def _authenticate(request: Request, base: str | None, settings: Settings) -> None:
    if base is None:
        raise RefusedError(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    session = expiry_of(base) is not None
    secret = secret_of(base) if session else settings.users.get(base)
    shown = request.headers.get("x-amz-security-token")
    if secret is None or shown != (token_of(base) if session else None):
        message = "The security token included in the request is invalid."
        raise RefusedError(403, "InvalidClientTokenId", message)
    if expired(base):
        message = "The security token included in the request is expired"
        raise RefusedError(403, "ExpiredToken", message)
    if skewed(request):
        message = f"Signature expired: {request.headers.get('x-amz-date')} is too far from the present"
        raise RefusedError(403, "SignatureDoesNotMatch", message)
    if not signed_with(request, secret):
        message = (
            "The request signature we calculated does not match the signature you provided. Check your AWS "
            "Secret Access Key and signing method. Consult the service documentation for details."
        )
        raise RefusedError(403, "SignatureDoesNotMatch", message)


def _validate(parameters: Mapping[str, str], *, chained: bool) -> None:
    for name, pattern in _PATTERNS.items():
        value = parameters.get(name)
        if (value is None and name in _REQUIRED) or (value is not None and not pattern.fullmatch(value)):
            message = f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint"
            raise RefusedError(400, "ValidationError", message)
    seconds = int(parameters.get("DurationSeconds", _LONGEST_CHAINED))
    if not 900 <= seconds <= 43200:
        message = f"1 validation error detected: Value '{seconds}' at 'durationSeconds' is out of bounds"
        raise RefusedError(400, "ValidationError", message)
    if chained and seconds > _LONGEST_CHAINED:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for chained roles"
        raise RefusedError(400, "ValidationError", message)


def _authorize(parameters: Mapping[str, str], base: str | None, settings: Settings) -> None:
    arn = parameters["RoleArn"]
    role = settings.roles.get(arn)
    if (
        role is None
        or (role.trusted_key_ids is not None and base not in role.trusted_key_ids)
        or (role.external_id is not None and parameters.get("ExternalId") != role.external_id)
    ):
        caller = _caller(base)["Arn"]
        message = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        raise RefusedError(403, "AccessDenied", message)


def _recognize(parameters: Mapping[str, str], settings: Settings) -> None:
    role = settings.roles.get(parameters["RoleArn"], Role())
    if role.web_identity_token is None:
        message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        raise RefusedError(403, "AccessDenied", message)
    shown = parameters.get("WebIdentityToken", "")
    if not hmac.compare_digest(shown.encode(), role.web_identity_token.encode()):
        message = "Couldn't retrieve verification key from your identity provider"
        raise RefusedError(400, "InvalidIdentityToken", message)


def _session(action: str, parameters: Mapping[str, str], settings: Settings) -> tuple[str, str]:
    key = issue(min(settings.lifetime, float(parameters.get("DurationSeconds", 3600))))
    name = parameters["RoleSessionName"]
    role = parameters["RoleArn"].rpartition("/")[2]
    inner = {
        "Credentials": {
            "AccessKeyId": key.key_id,
            "SecretAccessKey": key.secret,
            "SessionToken": key.token,
            "Expiration": key.expiration,
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"AROATESTS:{name}",
            "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}",
        },
    }
    identity = {name: parameters[name] for name in ("SourceIdentity",) if name in parameters}
    return key.key_id, _result(action, {**inner, **identity})


def _caller(base: str | None) -> dict[str, str]:
    return {"Arn": f"arn:aws:iam::{ACCOUNT}:user/{base}", "UserId": f"{base}", "Account": ACCOUNT}


def _result(action: str, content: Mapping[str, str | Mapping[str, str]]) -> str:
    return (
        f'<{action}Response xmlns="{_NAMESPACE}"><{action}Result>{_xml(content)}</{action}Result>'
        f"<ResponseMetadata><RequestId>{_REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>"
    )


def _error(refused: RefusedError) -> str:
    content = {"Type": "Sender", "Code": refused.code, "Message": str(refused)}
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error>{_xml(content)}</Error>'
        f"<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>"
    )


def _xml(content: Mapping[str, str | Mapping[str, str]]) -> str:
    return "".join(
        f"<{name}>{escape(value) if isinstance(value, str) else _xml(value)}</{name}>"
        for name, value in content.items()
    )
