"""Whole commands that list a bucket of many keys, and the discovery of what lies in it.

Their server finds a page by bisection, as Amazon's does; the embedded one sorts all keys for each page.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import child, listing
from benchmarks.ground import Ground
from benchmarks.suite import homes, job, with_duckdb
from benchmarks.suite.homes import Home
from benchmarks.suite.job import Contestant, Job, Kind, Traffic, WrongResultError
from tests.support.many_keys import ManyKeys

KEYS = 1_000_000
_FOUND = 8


class Bucket(Job):
    """What is asked of that server, which counts requests itself."""

    layout = "flat"

    def __init__(self, *, behind: str = "") -> None:
        self.behind = behind
        self.keys = 0
        self._server = ManyKeys()

    def fill(self, ground: Ground, size: float) -> None:
        del ground
        self._server.__enter__()
        self.keys = self._server.lay_out(listing.BUCKET, self.layout, max(int(KEYS * size), 1_000))
        self.what = f"{self.keys:,} keys: {listing.LAYOUTS.get(self.layout, self.layout)}"

    def clear(self, ground: Ground) -> None:
        del ground
        self._server.__exit__(None, None, None)

    def arguments(self, ground: Ground, contestant: Contestant, folder: Path) -> dict[str, Any]:
        del ground, contestant, folder
        return {"endpoint": self._server.endpoint_url}

    def count(self, ground: Ground, contestant: Contestant, folder: Path) -> tuple[child.Run, Traffic]:
        self._server.reset()
        done = self.execute(contestant, self.arguments(ground, contestant, folder))
        return done, Traffic(sum(self._server.requests().values()), 0, 0)


class Listing(Bucket):
    """All keys, counted or named."""

    def __init__(self, *, named: bool, behind: str = "") -> None:
        super().__init__(behind=behind)
        self.named = named
        self.name = "listing, every key" if named else "listing, counted"
        self.absent = {"dlt": "lists before it reads, and tells nobody"}
        for each in ("dagster-deltalake", "dagster-iceberg", "dagster-polars"):
            self.absent[each] = "does not list"
        if named:
            self.absent["DuckDB"] = "counts beside `s3-assets du`, in the row before"

    def contestants(self) -> Sequence[Contestant]:
        if self.named:
            return [
                Contestant("s3-assets ls -R --all", Kind.OURS, ""),
                Contestant("aws s3 ls --recursive", Kind.PEER, "", home=Home.AWS),
            ]
        return [
            Contestant("s3-assets du", Kind.OURS, ""),
            Contestant("boto3 paginator", Kind.SCRIPT, ""),
            Contestant("obstore, one page after the other", Kind.SCRIPT, "benchmarks.suite.listings:obstore"),
            job.rival("DuckDB", "benchmarks.suite.with_duckdb:glob", *with_duckdb.LIBRARIES),
        ]

    def execute(self, contestant: Contestant, arguments: Mapping[str, Any]) -> child.Run:
        if contestant.call:
            told = json.dumps(
                {
                    "libraries": [*contestant.libraries],
                    "arguments": {**arguments, "bucket": listing.BUCKET},
                }
            )
            python = str(homes.python(contestant.home) or sys.executable)
            command = [python, "-m", "benchmarks.child", contestant.call, told]
            entered = listing.Contestant(lambda _: command, _answer)
        else:
            entered = listing.contestants(rivals=contestant.home == Home.AWS)[contestant.name]
        run = listing.run(self._server, entered, self.keys)
        return child.Run(self.keys, run.seconds, run.processor, run.peak, 0)

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        """Each command's own count has been compared already."""
        del ground
        if answer != self.keys:
            raise WrongResultError(f"{contestant.name}: {answer:,} keys, not {self.keys:,}")


def _answer(output: Path) -> int:
    return int(json.loads(output.read_text().splitlines()[-1])["answer"])


def obstore(endpoint: str, bucket: str) -> int:
    from obstore import list as keys
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        endpoint=endpoint,
        region=listing.REGION,
        access_key_id="key",
        secret_access_key="secret",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    return sum(chunk.num_rows for chunk in keys(store, return_arrow=True))


class Discovery(Bucket):
    """Every table and media set of the bucket, as entries of a registry."""

    name = "discovery"
    layout = "tables"

    def __init__(self, *, behind: str = "") -> None:
        super().__init__(behind=behind)
        peers = ("DuckDB", "dlt", "dagster-deltalake", "dagster-iceberg", "dagster-polars")
        self.absent = dict.fromkeys(peers, "is told what there is")

    def contestants(self) -> Sequence[Contestant]:
        return [job.ours("benchmarks.listing:discovered", "polars", "boto3", "obstore")]

    def fill(self, ground: Ground, size: float) -> None:
        super().fill(ground, size)
        self.what = f"{self.keys:,} keys: {listing.DISCOVERED['tables']}"

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        del ground
        if answer != _FOUND:
            raise WrongResultError(f"{contestant.name}: {answer} entries, not {_FOUND}")
