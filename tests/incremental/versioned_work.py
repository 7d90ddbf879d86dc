"""What the children of the zygote do with sources that have versions: an import in batches."""

from typing import Any, Literal

from s3_assets.incremental.batches import append_in_batches
from s3_assets.tables.positions import Limit
from tests.incremental import work


def import_batches(
    endpoint: str,
    bucket: str,
    source_bucket: str,
    prefix: str,
    on_gap: Literal["fail", "full_refresh"] = "fail",
) -> dict[str, Any]:
    """Append what is new, one file with each commit; say what happened."""
    outcome = append_in_batches(
        work.target(work.connection(endpoint, bucket), prefix),
        work.STREAM,
        work.source("delta", work.connection(endpoint, source_bucket)),
        limit=Limit(files=1),
        on_gap=on_gap,
    )
    return work.describe(outcome)
