"""One cell of the matrix: a fault at one request of one operation, and what became of it."""

import faulthandler
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, Literal

from s3_assets.errors import S3AssetsError
from tests.faults.faults import Fault
from tests.faults.operations import CONNECTION, Operation
from tests.support.proxy import RequestProxy

DEADLINE = 60.0
"""Seconds after which a run is taken to hang; a connection as patient as the usual one has more."""
Ending = Literal["finished", "refused", "not reached", "failed"]


@dataclass(frozen=True)
class Cell:
    """What became of a run with a fault at the k-th request that it can happen to."""

    operation: str
    fault: str
    k: int
    request: str
    ending: Ending
    seconds: float
    detail: str = ""

    def __str__(self) -> str:
        """One line, and the detail below it."""
        place = f"{self.operation} / {self.fault} at {self.k} ({self.request})"
        return f"{place}: {self.ending} after {self.seconds:.1f} s {self.detail}".strip()


@dataclass
class _Run:
    """A run in a thread of its own, so that one that hangs is told from one that ends."""

    operation: Operation
    endpoint: str
    found: Any = None
    error: BaseException | None = None
    seconds: float = field(default=0.0)

    def bounded(self) -> bool:
        """Run; tell whether it ended before the deadline."""
        thread = threading.Thread(target=self._run, daemon=True)
        started = time.monotonic()
        thread.start()
        thread.join(DEADLINE)
        self.seconds = time.monotonic() - started
        if thread.is_alive():
            faulthandler.dump_traceback(sys.stderr)
        return not thread.is_alive()

    def _run(self) -> None:
        try:
            self.found = self.operation.run(self.endpoint)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what the cell is about
            self.error = error


def count(operation: Operation, proxy: RequestProxy, fault: Fault) -> int:
    """How many requests of an undisturbed run the fault can happen to; the run must be right."""
    operation.prepare()
    proxy.reset()
    operation.check(operation.run(proxy.endpoint))
    return fault.places(proxy.requests())


def try_cell(operation: Operation, proxy: RequestProxy, fault: Fault, k: int) -> Cell:
    """Run the operation with the fault, then without; look at everything in between and afterwards."""
    operation.prepare()
    proxy.reset()
    fault.arm(proxy, k)
    run = _Run(operation, proxy.endpoint)
    ended = run.bounded()
    hit = [each for each in proxy.requests() if each.action == fault.kind]
    request = f"{hit[0].method} {hit[0].path}"[:120] if hit else "none"
    proxy.reset()

    def cell(ending: Ending, detail: str = "") -> Cell:
        return Cell(operation.name, str(fault), k, request, ending, run.seconds, detail)

    if not ended:
        return cell("failed", f"it did not end in {DEADLINE:.0f} s")
    if run.error is not None and (wrong := _unclean(run.error, operation)):
        return cell("failed", wrong)
    try:
        if run.error is not None:
            run.found = operation.run(proxy.endpoint)
        operation.check(run.found)
        operation.follow()
    except Exception:  # noqa: BLE001 - what cannot be looked at is a finding as well
        return cell("failed", f"{run.error!r}\n{traceback.format_exc(limit=-6)}")
    if run.error is not None:
        return cell("refused", type(run.error).__name__)
    return cell("finished" if hit else "not reached")


def _unclean(error: BaseException, operation: Operation) -> str:
    """What an error lacks to be one that a person can act on."""
    if not isinstance(error, S3AssetsError):
        return f"not an error of ours: {''.join(traceback.format_exception(error, limit=-6))}"
    lacking = [
        name
        for name, there in (
            ("a remedy", error.remedy),
            ("the connection", error.connection == CONNECTION),
            ("the table", error.table or not operation.names_its_table),
        )
        if not there
    ]
    return f"it lacks {' and '.join(lacking)}: {type(error).__name__}: {error}" if lacking else ""
