"""What lies in the bucket of the soak, by what it is for: rows, logs, cursors, manifests, open uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import obstore

from benchmarks.ground import BUCKET
from s3_assets.embedded.server import REGION

if TYPE_CHECKING:
    from benchmarks.ground import Ground

_MARKS = {
    "/_delta_log/": "log",
    "/metadata/": "metadata",
    "/_s3_assets/": "_s3_assets",
    "/_change_data/": "change data",
}


def kept(ground: Ground) -> dict[str, tuple[int, int]]:
    """Return objects and bytes by place and purpose."""
    found: dict[str, tuple[int, int]] = {}
    for chunk in obstore.list(ground.store):
        for each in chunk:
            name = _purpose(each["path"])
            objects, size = found.get(name, (0, 0))
            found[name] = objects + 1, size + each["size"]
    return found


def open_uploads(ground: Ground) -> int:
    """Return the number of uploads that nobody has completed or aborted."""
    client: Any = boto3.session.Session().client(
        "s3",
        endpoint_url=ground.endpoint,
        region_name=REGION,
        aws_access_key_id=ground.key_id,
        aws_secret_access_key=ground.secret,
    )
    pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=BUCKET)
    return sum(len(page.get("Uploads", ())) for page in pages)


def _purpose(path: str) -> str:
    top, _, rest = path.partition("/")
    purpose = next((name for mark, name in _MARKS.items() if mark in f"/{path}"), "rows")
    place = f"{top}/{rest.split('/')[0]}" if top in ("lake", "exports", "soak.db", "iceberg") else top
    return f"{place}: {purpose}"
