"""dlt appends what is new in a Delta table to another one; in the rivals' environment."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.rivals import BUCKET, REGION

_OF_THE_FEED = ("_change_type", "_commit_version", "_commit_timestamp")


def dlt(place: Mapping[str, str], source: str, target: str, state: str) -> None:
    """A resource that yields the change feed's batches and keeps the version in its state, into Delta files.

    `state` is the folder that dlt keeps between its runs.
    """
    import deltalake
    import dlt as library  # type: ignore[import-not-found]  # of the other environment
    import pyarrow as pa
    from dlt.destinations import filesystem  # type: ignore[import-not-found]
    from dlt.sources.credentials import AwsCredentials  # type: ignore[import-not-found]

    options = {
        "aws_endpoint_url": place["endpoint"],
        "aws_access_key_id": place["key_id"],
        "aws_secret_access_key": place["secret"],
        "aws_region": REGION,
        "aws_allow_http": "true",
    }

    def rows() -> Iterator[Any]:
        kept = library.current.resource_state()
        table = deltalake.DeltaTable(f"s3://{BUCKET}/{source}", storage_options=options)
        if kept.get("version", -1) == table.version():
            return
        feed = pa.RecordBatchReader.from_stream(
            table.load_cdf(starting_version=kept.get("version", -1) + 1, predicate="_change_type = 'insert'")
        )
        fields = [each for each in feed.schema if each.name not in _OF_THE_FEED]
        # dlt takes no string views.
        plain = pa.schema(
            [each.with_type(pa.string()) if each.type == pa.string_view() else each for each in fields]
        )
        for batch in feed:
            yield pa.Table.from_batches([batch.select(plain.names)]).cast(plain)
        kept["version"] = table.version()

    credentials = AwsCredentials(
        aws_access_key_id=place["key_id"],
        aws_secret_access_key=place["secret"],
        endpoint_url=place["endpoint"],
        region_name=REGION,
    )
    pipeline = library.pipeline(
        "append",
        pipelines_dir=state,
        dataset_name=target.rstrip("/"),
        destination=filesystem(f"s3://{BUCKET}", credentials=credentials),
    )
    resource = library.resource(rows, name="rows", table_format="delta", write_disposition="append")
    pipeline.run(resource).raise_on_failed_jobs()
