"""Faults at the requests of every operation: it ends right, or with an error of ours and nothing harmed.

An ordinary run tries some cells; with EVERYTHING=1 in the environment every operation meets every fault, at
up to `SPREAD` of the requests that it can happen to. `docs/concepts/faults.md` tells what came of it.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.cells import Cell, count, try_cell
from tests.faults.conftest import NAMES, Operations
from tests.faults.faults import FAULTS, Fault
from tests.support.extent import EVERYTHING

pytestmark = pytest.mark.timeout(900)
SPREAD = {False: 4, True: 2}
"""At how many requests a fault that happens once is tried, and one that stays."""
CHOSEN = {
    "parquet-to-delta": {"slow-down-persistent": 9, "lost-reply-once": 5, "refused-persistent": 12},
    "delta-to-delta": {"reset-body-once": 4, "clock-skew-once": 14},
    "parquet-to-iceberg-sql": {"cut-reply-once": 6},
    "parquet-to-folder": {"cut-reply-once": 7, "expired-token-once": 11, "internal-error-persistent": 20},
    "export-csv.gz": {"completed-and-500-once": 1, "completed-and-500-persistent": 2, "lost-reply-once": 3},
    "media-copies": {"lost-reply-once": 3},
    "listing": {"silence-once": 2, "slow-down-once": 1},
    "read-csv.gz": {"truncated-body-persistent": 1, "drip-once": 1},
    "read-avro": {"reset-body-persistent": 1, "truncated-body-once": 2},
    "cursor": {"internal-error-persistent": 3},
    "sensor-tick": {"slow-down-persistent": 2},
}
"""The cells of an ordinary run, each with its request."""


@pytest.fixture(scope="module")
def tally() -> Iterator[list[Cell]]:
    """All cells of the module, counted when it is through."""
    cells: list[Cell] = []
    yield cells
    by_fault: dict[str, Counter[str]] = {}
    for each in cells:
        by_fault.setdefault(each.fault, Counter())[each.ending] += 1
    for fault, found in [*by_fault.items(), ("all", sum(by_fault.values(), Counter()))]:
        print(f"{fault}: {dict(found)}")  # noqa: T201 - the counts are the result


def places(most: int, wanted: int) -> list[int]:
    """So many requests of all that there are: the first, the last, and some between them."""
    if most <= wanted:
        return list(range(1, most + 1))
    return [1 + (most - 1) * step // (wanted - 1) for step in range(wanted)]


def _cases() -> list[object]:
    found: list[object] = []
    for name in NAMES:
        for fault in FAULTS:
            chosen = CHOSEN.get(name, {}).get(str(fault))
            if EVERYTHING or chosen is not None:
                found.append(pytest.param(name, fault, chosen, id=f"{name}-{fault}"))
    return found


@pytest.mark.parametrize(("name", "fault", "chosen"), _cases())
def test_a_fault_does_no_harm(
    name: str,
    fault: Fault,
    chosen: int | None,
    operations: Operations,
    request: pytest.FixtureRequest,
    tally: list[Cell],
    record_property: Callable[[str, object], None],
) -> None:
    proxy = request.getfixturevalue("catalog_proxy" if name == "iceberg-rest-catalog" else "proxy")
    operation = operations(name)
    if chosen is not None and not EVERYTHING:
        tried = [chosen]
    else:
        tried = places(count(operation, proxy, fault), SPREAD[fault.persistent])
    cells = [try_cell(operation, proxy, fault, k) for k in tried]
    tally += cells
    for each in cells:
        print(each)  # noqa: T201 - what came of each is the result
    record_property("cells", [str(each) for each in cells])

    failed = [str(each) for each in cells if each.ending == "failed"]
    assert not failed, "\n".join(failed)
    assert not cells or any(each.ending != "not reached" for each in cells)
