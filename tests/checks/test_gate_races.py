"""Two writers at the same moment, and a check that compares with the table: it holds for both together."""

from typing import Any

import pytest

from s3_assets.embedded.server import EmbeddedServer
from tests.checks import work
from tests.checks.test_gate_crash import land
from tests.support.extent import EVERYTHING
from tests.support.zygote import Zygote

pytestmark = pytest.mark.timeout(300)
RACES = 20 if EVERYTHING else 2


@pytest.mark.parametrize("format_", ["delta", "parquet", "iceberg"])
def test_one_of_two_writers_of_the_same_ids_is_refused(
    format_: str, s3_server: EmbeddedServer, s3_client: Any, bucket: str, zygote: Zygote
) -> None:
    endpoint, store = s3_server.endpoint_url, work.store(s3_server.endpoint_url, bucket)
    for name, numbers in {"first": range(5), "left": range(5, 9), "right": range(8, 12)}.items():
        land(store, f"{name}/rows", numbers)
    given = {"endpoint": endpoint, "bucket": bucket, "format_": format_}
    for number in range(RACES):
        prefix = f"{format_}-{number}/"
        assert work.import_beside_another(**given, source_path="first/", prefix=prefix) == "committed"
        children = [
            zygote.spawn(work.import_beside_another, {**given, "source_path": source, "prefix": prefix})
            for source in ("left/", "right/")
        ]
        for child in children:
            child.go()
        outcomes = [child.wait(60) for child in children]

        assert all(each.succeeded for each in outcomes), [each.describe() for each in outcomes]
        told = [each.result for each in outcomes]
        assert sorted(told) == ["committed", "refused"]
        wanted = range(9) if told[0] == "committed" else [*range(5), *range(8, 12)]
        found = work.table(endpoint, bucket, format_, prefix, None).scan().select("id").collect()
        assert sorted(found["id"]) == list(wanted)
