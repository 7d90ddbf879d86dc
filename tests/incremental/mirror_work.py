"""What the children of the zygote do: one mirror."""

from typing import Any

from s3_assets.incremental.mirror import mirror
from tests.incremental import iceberg_work, work


def run(
    endpoint: str,
    bucket: str,
    source_bucket: str,
    format_: str,
    prefix: str | None,
    *,
    iceberg: bool = False,
    retries: int = 3,
) -> dict[str, Any]:
    """Mirror a source into a Delta table, or into an Iceberg table without a catalog; say what happened."""
    here = work.connection(endpoint, bucket, retries)
    target = iceberg_work.table(here, None, flat=True) if iceberg else work.target(here, str(prefix))
    source = work.source(format_, work.connection(endpoint, source_bucket, retries))
    return work.describe(mirror(target, work.STREAM, source, keys=["id"]))
