"""What an engine's error tells of a request: the server's code and status, the operation, method and URL.

Every engine reports the server's answer in its own words; all of them carry S3's error code or the HTTP
status somewhere in the text, next to keys and URLs that may read like either.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# delta-rs draws its chain of causes with colours and arrows.
_DECORATION = re.compile(r"\x1b\[[0-9;]*m|↳")
_CODE = re.compile(r"<Code>\s*(?P<xml>[\w.]+)\s*</Code>|An error occurred \((?P<boto>[\w.]+)\)")
# A bulk deletion is answered with 200 and an error for each key, of which object_store tells the first.
_BULK = re.compile(r"DeleteObjects request failed for key (?P<key>[^\n]*?): [^\n]*\(code: (?P<code>[\w.]+)\)")
_STATUS = re.compile(r"status code\W+(?P<words>\d{3})\b|\bstatus: (?P<debug>\d{3})\b")
_OPERATION = re.compile(r"\) when calling the (?P<name>\w+) operation")
_REQUEST = re.compile(r"Error performing (?P<method>[A-Z]+) (?P<url>https?://\S+) in ")
# Where engines quote a key as it is, without quotes.
_KEYS = re.compile(
    r"""\(path:\ .*?\)(?=\n|$) | with\ url:\ \S+
    | request\ failed\ for\ key\ [^\n]*?:[ ]
    | (?:at\ location|for\ path)\ .*?(?=\ not\ found|:\ Error|\n|$)""",
    re.VERBOSE,
)
# Rust quotes this one cause as if it were a key.
_QUOTED = re.compile(r'https?://\S+|"(?!dns error")(?:[^"\\]|\\.)*"')


class Answer(NamedTuple):
    """What was read from an error's text; none of it is known for sure."""

    codes: tuple[str, ...]
    """S3's error codes, in the order of the text."""
    status: int | None
    operation: str | None
    """The operation's name, if botocore tells it."""
    method: str | None
    url: str | None
    deleted: str | None
    """The key that a bulk deletion failed for."""
    message: str
    """The text without the keys that it quotes."""
    words: str
    """The text without anything that it quotes: keys, URLs, and what stands in quotation marks."""


def texts(error: BaseException) -> str:
    """Return the error's own text and those of its causes."""
    found = []
    seen: BaseException | None = error
    while seen is not None:
        found.append(f"{type(seen).__name__}: {seen}")
        # botocore keeps the cause of a failed connection there, and tells only where it wanted to go.
        inner = getattr(seen, "kwargs", {}).get("error")
        if inner is not None and seen.__cause__ is None:
            found.append(f"{type(inner).__name__}: {inner}")
        # And it has no words for an answer that is not S3's.
        response = getattr(seen, "response", None)
        if isinstance(response, dict) and "HTTPStatusCode" in response.get("ResponseMetadata", {}):
            found.append(f"status: {response['ResponseMetadata']['HTTPStatusCode']}")
        seen = seen.__cause__
    return "\n".join(found)


def read_answer(text: str) -> Answer:
    """Read what an error's text tells."""
    plain = _DECORATION.sub("", text)
    message = _KEYS.sub(" ", plain)
    words = _QUOTED.sub("", message)
    codes = [match["xml"] or match["boto"] for match in _CODE.finditer(message)]
    bulk = _BULK.search(plain)
    answered = _STATUS.search(words)
    status = int(answered["words"] or answered["debug"]) if answered else None
    if status is None:
        # Where the answer has no body, botocore tells the status in place of the code.
        status = next((int(code) for code in codes if code.isdigit()), None)
    request = _REQUEST.search(message)
    operation = _OPERATION.search(message)
    return Answer(
        codes=(*(code for code in codes if not code.isdigit()), *([bulk["code"]] if bulk else ())),
        status=status,
        operation=operation["name"] if operation else None,
        method=request["method"] if request else None,
        url=request["url"] if request else None,
        deleted=bulk["key"] if bulk else None,
        message=message,
        words=words,
    )
