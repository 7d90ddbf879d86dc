"""What is measured: a job, who does it, who cannot and why, and what a run of one of them took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from benchmarks import child
from benchmarks.ground import Ground
from benchmarks.suite import homes
from benchmarks.suite.homes import Home
from tests.support.proxy import RequestProxy


class Kind(StrEnum):
    """What somebody is compared with: a run in Dagster has Dagster's own time in it."""

    OURS = "s3-assets"
    OURS_IN_DAGSTER = "s3-assets, in Dagster"
    SCRIPT = "by hand"
    PEER = "peer"
    PEER_IN_DAGSTER = "peer in Dagster"

    @property
    def ours(self) -> "Kind":
        """Which of our own runs is measured in the same way."""
        inside = self in {Kind.OURS_IN_DAGSTER, Kind.PEER_IN_DAGSTER}
        return Kind.OURS_IN_DAGSTER if inside else Kind.OURS


@dataclass(frozen=True)
class Contestant:
    name: str
    kind: Kind
    call: str
    """`module:function`, which is called in a process of its own."""
    libraries: tuple[str, ...] = ()
    """What is imported before the time begins."""
    home: Home = Home.PROJECT
    told: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that only this one is given."""
    loaded: tuple[str, ...] = ()
    """What a run before imported on its way."""

    def after(self, run: child.Run) -> "Contestant":
        """As it is timed: what a first run imports on its way is imported before the time begins."""
        return replace(self, loaded=tuple(run.loaded))


def ours(call: str, *libraries: str, **told: object) -> Contestant:
    return Contestant(Kind.OURS.value, Kind.OURS, call, libraries, told=told)


def ours_in_dagster(call: str, *libraries: str, **told: object) -> Contestant:
    kind = Kind.OURS_IN_DAGSTER
    return Contestant(kind.value, kind, call, ("dagster", *libraries), told=told)


def script(name: str, call: str, *libraries: str, **told: object) -> Contestant:
    return Contestant(name, Kind.SCRIPT, call, libraries, told=told)


def rival(name: str, call: str, *libraries: str, **told: object) -> Contestant:
    return Contestant(name, Kind.PEER, call, libraries, Home.RIVALS, told)


def in_dagster(name: str, call: str, *libraries: str, **told: object) -> Contestant:
    return Contestant(name, Kind.PEER_IN_DAGSTER, call, ("dagster", *libraries), Home.DAGSTER, told)


@dataclass(frozen=True)
class Traffic:
    """What went over the wire; `received` and `sent` are bytes, as the client has them."""

    requests: int
    received: int
    sent: int


class WrongResultError(RuntimeError):
    """A run ended well and left something else than it was to leave."""


class Job:
    """One job; `size` is a share of 30 million rows, 10,000 files, 1,000,000 keys or 1,000 tables."""

    name: str
    what: str
    """What is done with how much of what; filled in by `fill`."""
    source = ""
    """The prefix that a bare client would read, where bytes may be the limit."""
    behind = ""
    """Why others may be faster, and what would change it; told where they are."""
    absent: Mapping[str, str] = {}
    """Who cannot do it, and why."""

    def contestants(self) -> Sequence[Contestant]:
        raise NotImplementedError

    def fill(self, ground: Ground, size: float) -> None:
        """Make what is worked on, once for all."""

    def arguments(self, ground: Ground, contestant: Contestant, folder: Path) -> dict[str, Any]:
        """What each run is told; `folder` is this contestant's own, and stays from run to run."""
        raise NotImplementedError

    def begin(self, ground: Ground, contestant: Contestant, folder: Path) -> None:
        """Do what is needed once for each contestant, before its first run."""

    def before(self, ground: Ground, contestant: Contestant, folder: Path) -> None:
        """Do what is needed before each run, and not timed."""

    def verify(self, ground: Ground, contestant: Contestant, answer: Any) -> None:  # noqa: ANN401
        """Look at what a run left, with another tool.

        Raises:
            WrongResultError: it is not what it should be.

        """
        raise NotImplementedError

    def after(self, ground: Ground) -> None:
        """Clear what a run left."""

    def end(self, ground: Ground, contestant: Contestant) -> None:
        """Clear what a contestant's runs left."""

    def clear(self, ground: Ground) -> None:
        """Clear what all worked on."""

    def count(self, ground: Ground, contestant: Contestant, folder: Path) -> tuple[child.Run, Traffic]:
        """Run once through a proxy that counts; it is slower, and not timed."""
        with RequestProxy(ground.endpoint) as proxy:
            through = ground.through(proxy.endpoint)
            done = self.execute(contestant, self.arguments(through, contestant, folder))
            requests = proxy.requests()
        received, sent = sum(each.bytes_out for each in requests), sum(each.bytes_in for each in requests)
        return done, Traffic(len(requests), received, sent)

    def execute(self, contestant: Contestant, arguments: Mapping[str, Any]) -> child.Run:
        """Run once, in a process of its own."""
        return child.run(
            contestant.call,
            {**arguments, **contestant.told},
            libraries=contestant.libraries,
            loaded=contestant.loaded,
            python=homes.python(contestant.home),
        )
