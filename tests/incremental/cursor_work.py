"""What a child of the zygote does that moves a cursor."""

from s3_assets.incremental.cursor_edit import open_stream
from tests.incremental import work


def reset(endpoint: str, bucket: str, prefix: str) -> int:
    """Have the stream begin anew; return the cursor's number."""
    target = work.target(work.connection(endpoint, bucket), prefix)
    return open_stream(target, work.STREAM).move(None).after.number
