"""What botocore logs at DEBUG, without the credentials in it.

It writes down whole requests and answers, so that a program with logs at DEBUG would keep the keys that STS
handed out, session tokens, external ids, and secrets that AWS keeps.
"""

from __future__ import annotations

import logging
import re

_LIBRARIES = ("botocore", "boto3", "urllib3", "s3transfer")
_BLANK = "***"
# Names as headers, XML, JSON and forms write them, what stands between, and the value.
_VALUES = re.compile(
    r"(?i)\b(x-amz-security-token|proxy-authorization|authorization|secretaccesskey|secret_?access_?key|"
    r"session_?token|externalid|webidentitytoken|accesskeyid|token|value|credential)"
    r"""([\\"']*\s*[:=>]\s*(?:b(?=[\\"']))?[\\"']*(?:(?:AWS4-HMAC-SHA256|Basic|Bearer)\s+(?:Credential=)?)?)"""
    r"""[^<>&\\"'\s,]+"""
)
# Answers of stores and of KMS: a text of any shape, to the end of what is logged.
_BODIES = re.compile(r"(?is)\b(SecretString|SecretBinary|Plaintext|CiphertextBlob)\b.*")
_USERS = re.compile(r"(://)[^\s/@\"']+@")


class _Discreet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        blanked = without_credentials(text)
        if blanked != text:
            record.msg, record.args = blanked, ()
        return True


_filter = _Discreet()


def without_credentials(text: str) -> str:
    """Return a log's text with the values of everything that may be a credential blanked out."""
    text = _BODIES.sub(rf"\1 {_BLANK}", text)
    text = _VALUES.sub(rf"\1\2{_BLANK}", text)
    return _USERS.sub(rf"\1{_BLANK}@", text)


def keep_logs_discreet() -> None:
    """Blank out credentials in the logs of botocore and what it stands on; call it once these are imported.

    Only records that somebody wants to have are looked at: without DEBUG it costs nothing.
    """
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _LIBRARIES]:
        logger = logging.getLogger(name)
        if _filter not in logger.filters:
            logger.addFilter(_filter)
