"""What a registry must be allowed to do: the policies to attach, and the probes that test them."""

from s3_assets.permissions.checking import check_connection
from s3_assets.permissions.documents import Document, Kind, Statement
from s3_assets.permissions.findings import Finding, Verdict
from s3_assets.permissions.folders import Folder, folders_of
from s3_assets.permissions.policies import policies
from s3_assets.permissions.service import Service
from s3_assets.permissions.situation import LARGEST_SKEW, Situation, situation
from s3_assets.permissions.trust import trust_policies

__all__ = [
    "LARGEST_SKEW",
    "Document",
    "Finding",
    "Folder",
    "Kind",
    "Service",
    "Situation",
    "Statement",
    "Verdict",
    "check_connection",
    "folders_of",
    "policies",
    "situation",
    "trust_policies",
]
