"""dlt in the suite's jobs: its filesystem source into its filesystem destination; in the rivals' environment.

Rows of Parquet pass as Arrow batches, which is its quickest way. It writes Delta tables by delta-rs, and
Iceberg tables by PyIceberg.
"""

import tempfile
from collections.abc import Mapping
from typing import Any

from benchmarks.rivals import BUCKET, REGION

LIBRARIES = (
    "dlt.sources.filesystem",
    "dlt.sources.credentials",
    "dlt.destinations",
    "s3fs",
    "deltalake",
    "pyarrow.parquet",
)
_ROWS_AT_ONCE = 100_000
_READERS = {
    "parquet": lambda readers: readers.read_parquet(chunksize=_ROWS_AT_ONCE, use_pyarrow=True),
    "jsonl.gz": lambda readers: readers.read_jsonl(chunksize=_ROWS_AT_ONCE),
}
_FILES = {"parquet": "parquet", "csv.gz": "csv"}


def import_rows(place: Mapping[str, str], kind: str, source: str, into: str, target: str) -> None:
    with tempfile.TemporaryDirectory() as state:
        _run(place, _rows(place, kind, source), target, state, table_format=into)


def export_rows(place: Mapping[str, str], kind: str, source: str, target: str) -> None:
    with tempfile.TemporaryDirectory() as state:
        rows = _rows(place, "parquet", source)
        _run(place, rows, target, state, loader_file_format=_FILES[kind])


def new_files(place: Mapping[str, str], kind: str, source: str, into: str, target: str, state: str) -> None:
    """Its incremental cursor over the time of modification."""
    import dlt

    newer = dlt.sources.incremental("modification_date")
    _run(place, _rows(place, kind, source, incremental=newer), target, state, table_format=into)


def _rows(place: Mapping[str, str], kind: str, source: str, *, incremental: Any = None) -> Any:  # noqa: ANN401
    from dlt.sources.filesystem import readers

    made = readers(
        f"s3://{BUCKET}/{source.rstrip('/')}",
        credentials=_credentials(place),
        file_glob=f"**/*.{kind}",
        **({"incremental": incremental} if incremental is not None else {}),
    )
    return _READERS[kind](made).with_name("rows")


def _run(
    place: Mapping[str, str],
    rows: Any,  # noqa: ANN401 - dlt's
    target: str,
    state: str,
    *,
    table_format: str = "",
    **told: str,
) -> None:
    import dlt
    from dlt.destinations import filesystem

    pipeline = dlt.pipeline(
        "suite",
        pipelines_dir=state,
        dataset_name=target.rstrip("/"),
        destination=filesystem(f"s3://{BUCKET}", credentials=_credentials(place)),
    )
    if table_format:
        told["table_format"] = table_format
    pipeline.run(rows, write_disposition="append", **told).raise_on_failed_jobs()


def _credentials(place: Mapping[str, str]) -> Any:  # noqa: ANN401 - dlt's
    from dlt.sources.credentials import AwsCredentials

    return AwsCredentials(
        aws_access_key_id=place["key_id"],
        aws_secret_access_key=place["secret"],
        endpoint_url=place["endpoint"],
        region_name=REGION,
    )
