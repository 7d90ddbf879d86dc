"""What a probe found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from s3_assets.errors import AccessDeniedError, S3AssetsError


class Verdict(StrEnum):
    """How a probe ended."""

    OK = "ok"
    MISSING = "missing"
    """The action is not allowed."""
    FAILED = "failed"
    """Something else is wrong."""
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Finding:
    """One action on one resource: allowed, or what is missing and what to do."""

    verdict: Verdict
    action: str
    resource: str
    told: str = ""
    remedy: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong, as far as could be seen."""
        return self.verdict in {Verdict.OK, Verdict.UNTESTED}


def refused(action: str, resource: str, error: S3AssetsError) -> Finding:
    """Return the finding for an error: what the server says of the action counts most."""
    if not isinstance(error, AccessDeniedError):
        return Finding(Verdict.FAILED, action, resource, error.found, error.remedy)
    if error.action not in {None, action}:
        # S3 asks for another one on our behalf, as for a KMS key.
        return Finding(
            Verdict.MISSING, str(error.action), error.resource or resource, error.found, error.remedy
        )
    if "explicit deny" in error.found or not action.startswith("s3:"):
        return Finding(Verdict.MISSING, action, resource, error.found, error.remedy)
    remedy = f"Allow {action} on {resource}, as 's3-assets policy {error.connection}' prints it."
    return Finding(Verdict.MISSING, action, resource, "", remedy)


def untested(action: str, resource: str, why: str) -> Finding:
    """Return the finding for what could not be tried."""
    return Finding(Verdict.UNTESTED, action, resource, why)
