"""The proof of exactly once: crash at every request, run again, look at what is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Literal

from tests.support.proxy import RequestProxy
from tests.support.proxy_state import WRITES
from tests.support.zygote import Function, Outcome, Zygote

KillVariant = Literal["kill_before", "kill_after"]
Ending = Literal["killed", "not reached", "failed"]
Prepare = Callable[[str], Mapping[str, Any]]
Check = Callable[[dict[str, Any]], None]

ENOUGH_NOT_REACHED = 3
"""So many runs in a row that ended before their k: the requests have become fewer, not only their order."""


@dataclass(frozen=True, slots=True)
class Crash:
    """What became of one k: ``not reached`` means that the run succeeded with fewer requests."""

    variant: KillVariant
    k: int
    ending: Ending
    request: str
    """Method and path of the request at which the process was killed."""
    detail: str = ""

    def __str__(self) -> str:
        """One line, and the detail of a failure below it."""
        place = f"{self.variant} at {self.k} ({self.request or 'no request'})"
        return f"{place}: {self.ending}\n{self.detail}".strip()


@dataclass(slots=True)
class Report:
    """What a matrix found."""

    requests: int
    """How many requests an undisturbed run sends."""
    writes: int
    """How many of them may change something."""
    crashes: list[Crash] = field(default_factory=list)

    @property
    def failures(self) -> list[Crash]:
        """What must be empty."""
        return [crash for crash in self.crashes if crash.ending == "failed"]

    def killed(self, variant: KillVariant) -> list[int]:
        """The k's at which the process was killed, and everything was as it must be after the repair."""
        return [crash.k for crash in self.crashes if crash.variant == variant and crash.ending == "killed"]

    def not_reached(self, variant: KillVariant) -> list[int]:
        """The k's that a run did not reach."""
        return [
            crash.k for crash in self.crashes if crash.variant == variant and crash.ending == "not reached"
        ]

    def summary(self) -> str:
        """For a person: how many k's, and every failure in full."""
        variants = dict.fromkeys(crash.variant for crash in self.crashes)
        counts = ", ".join(
            f"{variant}: {len(self.killed(variant))} survived, {len(self.not_reached(variant))} not reached"
            for variant in variants
        )
        failures = "".join(f"\n{failure}" for failure in self.failures)
        undisturbed = f"{self.requests} requests undisturbed, {self.writes} of them writes"
        return f"{undisturbed}; {counts}; {len(self.failures)} failed{failures}"


@dataclass(frozen=True, slots=True)
class Crasher:
    """Runs one function through the proxy, with or without a kill."""

    proxy: RequestProxy
    zygote: Zygote
    function: Function
    timeout: float

    def run(self, arguments: Mapping[str, Any], variant: KillVariant | None = None, k: int = 0) -> Outcome:
        """One run. The numbers begin with it: what prepared its state is not counted."""
        child = self.zygote.spawn(self.function, arguments)
        self.proxy.reset()
        if variant is not None:
            self.proxy.arm(variant, k, pid=child.pid, writes=variant == "kill_after")
        child.go()
        return child.wait(self.timeout)

    def crash(
        self, variant: KillVariant, k: int, arguments: dict[str, Any], check: Check, repair_runs: int
    ) -> Crash:
        """Kill at k, repair, check."""
        try:
            request, problem = self._kill_and_repair(variant, k, arguments, repair_runs)
        except TimeoutError as error:
            return Crash(variant, k, "failed", "", str(error))
        if problem:
            return Crash(variant, k, "failed", request, problem)
        # Nothing may be left of the action when the check reads, perhaps through the proxy.
        self.proxy.reset()
        try:
            check(arguments)
        except Exception as error:  # noqa: BLE001 - a check that cannot read the target is a finding as well
            return Crash(variant, k, "failed", request, f"The check: {type(error).__name__}: {error}")
        return Crash(variant, k, "killed" if request else "not reached", request)

    def _kill_and_repair(
        self, variant: KillVariant, k: int, arguments: dict[str, Any], repair_runs: int
    ) -> tuple[str, str]:
        outcome = self.run(arguments, variant, k)
        victims = [f"{one.method} {one.path}" for one in self.proxy.requests() if one.action == variant]
        request = "".join(victims)
        if victims and not outcome.killed:
            return request, f"The kill did not end it: it {outcome.describe()}"
        if not victims and not outcome.succeeded:
            return request, f"Before the kill it {outcome.describe()}"
        # A run that was not killed is checked as well, and like the others after a further run.
        for number in range(1, repair_runs + 1):
            outcome = self.run(arguments)
            if not outcome.succeeded:
                return request, f"Run {number} after the crash {outcome.describe()}"
        return request, ""


def count_requests(
    proxy: RequestProxy,
    zygote: Zygote,
    function: Function,
    arguments: Mapping[str, Any],
    timeout: float = 120.0,
) -> int:
    """How many requests one undisturbed run sends; it must succeed."""
    outcome = Crasher(proxy, zygote, function, timeout).run(arguments)
    if not outcome.succeeded:
        message = f"The undisturbed run {outcome.describe()}"
        raise AssertionError(message)
    return proxy.count()


def crash_matrix(
    proxy: RequestProxy,
    zygote: Zygote,
    function: Function,
    arguments: Mapping[str, Any],
    prepare: Prepare,
    check: Check,
    *,
    variants: Sequence[KillVariant] = ("kill_before", "kill_after"),
    every: int = 1,
    repair_runs: int = 1,
    timeout: float = 120.0,
) -> Report:
    """Crash at every k, or at every ``every``-th and the last.

    ``kill_before`` counts all requests. ``kill_after`` counts those that may change something: after a read,
    the server is as it was before it, and that is the ``kill_before`` of the same request.

    Args:
        proxy: Stands before the server; its endpoint is among the arguments.
        zygote: Gives the processes.
        function: What is crashed, and run again undisturbed ``repair_runs`` times.
        arguments: What all runs have in common.
        prepare: Makes a fresh state under a label that is unique in this matrix (``kill-before-7``), for
            instance a new prefix, and returns the arguments that point to it.
        check: Raises, best by assert, if the state to which its arguments point is not as it must be.
        variants: Whether the server is to have acted on the k-th request.
        every: Above 1 for a sample.
        repair_runs: 2 shows that the run after the repair finds nothing to do.
        timeout: Seconds for one run.
    """
    crasher = Crasher(proxy, zygote, function, timeout)
    undisturbed = {**arguments, **prepare("undisturbed")}
    requests = count_requests(proxy, zygote, function, undisturbed, timeout)
    report = Report(requests, sum(each.method in WRITES for each in proxy.requests()))
    check(undisturbed)
    if not report.requests:
        raise ValueError("Nothing was sent through the proxy: is its endpoint among the arguments?")
    for variant in variants:
        missed = 0
        last = report.requests if variant == "kill_before" else report.writes
        # With concurrency the number of requests varies: past the last k go on until a run ends before.
        for k in chain(range(1, last, every), count(max(last, 1))):
            state = {**arguments, **prepare(f"{variant.replace('_', '-')}-{k}")}
            crash = crasher.crash(variant, k, state, check, repair_runs)
            report.crashes.append(crash)
            missed = missed + 1 if crash.ending == "not reached" else 0
            if missed == ENOUGH_NOT_REACHED or (k >= last and crash.ending != "killed"):
                break
    return report
