"""Hostile inputs, each read in a process that may die of it: none does, and each is read or refused as ours.

FUZZ=100000 in the environment tries so many; `python -m tests.security.fuzz --help` does so without pytest.
"""

import os

from s3_assets.embedded.server import EmbeddedServer
from tests.security.bombs import BOMBS
from tests.security.fuzz import fuzz
from tests.security.hostile import KINDS
from tests.support.extent import EVERYTHING

INPUTS = int(os.environ.get("FUZZ", "0")) or (3000 if EVERYTHING else 3 * len(KINDS))
GIB = 1024**3
# They take seconds, since a reader has to come far to know that they have no end.
SLOW = (
    *("csv of empty lines", "csv of one field", "csv of one line", "csv of zeros", "json of one string"),
    *("csv of columns", "metadata of iceberg", "avro: zstandard"),
)
# The unpacked bytes of a part of a file, or a row of the greatest length and what is made of it.
MOST_MEMORY = 1.25 * GIB


def test_hostile_inputs(s3_server: EmbeddedServer, bucket: str) -> None:
    found = fuzz(s3_server.endpoint_url, bucket, 0, INPUTS)

    assert found.faults == []
    assert found.tried == INPUTS
    assert found.grown < MOST_MEMORY, found.grown_by
    # Neither are all of them harmless, nor is everything refused.
    assert found.count("read") > INPUTS // 20
    assert found.count("refused") > INPUTS // 20
    assert {kind for kind, _ in found.outcomes} == {kind.name for kind in KINDS}


def test_bombs(s3_server: EmbeddedServer, bucket: str) -> None:
    names = tuple(bomb.name for bomb in BOMBS if EVERYTHING or bomb.name not in SLOW)
    found = fuzz(s3_server.endpoint_url, bucket, 0, len(names), names)

    assert found.faults == []
    # Nothing but line ends is a text like any other: it is read, however long it is.
    assert {kind for kind, outcome in found.outcomes if outcome == "read"} <= {"csv of empty lines"}
    assert found.tried == len(names)
    assert found.grown < MOST_MEMORY, found.grown_by


def test_a_fault_is_found(s3_server: EmbeddedServer, bucket: str) -> None:
    """The tests above would hold of a harness that sees nothing."""
    found = fuzz(s3_server.endpoint_url, bucket, 0, 3, ("fault: raw", "fault: memory", "fault: crash"))

    assert dict(found.outcomes.keys()) == {
        "fault: raw": "raw",
        "fault: crash": "crash",
        "fault: memory": "read",
    }
    assert [each.partition(":")[0] for each in found.faults] == ["fault", "fault"]
    assert found.grown > GIB // 4
