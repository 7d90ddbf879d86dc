"""Hostile inputs by the number, each read in a process that may die of it.

    python -m tests.security.fuzz [--first 0] [--count 1000] [--kind avro ...]

An input has a number, and is the same one each time. It has to be read, or refused with an error of ours: any
other exception, a process that dies and one that does not come back are faults, told with their numbers.
"""

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 120.0
"""Seconds after which an input hangs, on a machine that has other things to do as well."""


@dataclass
class Found:
    """What became of inputs."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By kind and outcome: read, refused, raw, crash, hang."""
    faults: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    grown: int = 0
    """Bytes: the most that one input added to the process."""
    grown_by: str = ""
    slowest: float = 0.0
    slowest_by: str = ""

    @property
    def tried(self) -> int:
        return sum(self.outcomes.values())

    def count(self, outcome: str) -> int:
        return sum(number for (_, found), number in self.outcomes.items() if found == outcome)

    def note(self, told: dict[str, Any]) -> None:
        name = f"{told['kind']} {told['number']}"
        self.outcomes[told["kind"], told["outcome"]] += 1
        if told["outcome"] == "refused":
            self.errors[told["told"]] += 1
        elif told["outcome"] != "read":
            self.faults.append(f"{name}: {told['outcome']}: {told['told']}")
        if told.get("grown", 0) > self.grown:
            self.grown, self.grown_by = told["grown"], name
        if told.get("seconds", 0) > self.slowest:
            self.slowest, self.slowest_by = told["seconds"], name


def fuzz(endpoint: str, bucket: str, first: int, count: int, kinds: tuple[str, ...] = ()) -> Found:
    """Try the inputs of so many numbers; a process that dies is followed by another one behind its input."""
    found, number, end = Found(), first, first + count
    # Ctrl-C ends it early: what was found until then counts.
    with suppress(KeyboardInterrupt):
        while number < end:
            number = _one_process(found, [endpoint, bucket, str(number), str(end - number), *kinds], number)
    return found


def _one_process(found: Found, arguments: list[str], number: int) -> int:
    """Let a process read until it has done all or an input ends it; return the next number."""
    environment = {**os.environ, "POLARS_MAX_THREADS": "2", "RUST_BACKTRACE": "0"}
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [sys.executable, "-m", "tests.security.child", *arguments],
            stdout=subprocess.PIPE,
            stderr=said,
            # A line that a buffer held back would be waited for.
            bufsize=0,
            env=environment,
            cwd=Path(__file__).parents[2],
        ) as process,
    ):
        if process.stdout is None:
            raise TypeError("the process was started without a pipe")
        ended, begun = True, None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                if not selector.select(PATIENCE):
                    process.kill()
                    ended = False
                    break
                line = process.stdout.readline()
                if not line:
                    break
                told = json.loads(line)
                if "begins" in told:
                    begun, number = told, told["begins"]
                    continue
                found.note(told)
                begun, number = None, number + 1
        code = process.wait()
        if begun is None and code == 0:
            return number
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-80:]
        if begun is None:
            raise RuntimeError(f"the process ended with {code} between two inputs: {last}")
        outcome = "crash" if ended else "hang"
        found.note({"number": number, "kind": begun["kind"], "outcome": outcome, "told": f"{code}: {last}"})
        return number + 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--count", type=int, default=1000, help="how many inputs")
    parser.add_argument("--kind", action="append", default=[], help="of these kinds alone")
    asked = parser.parse_args()
    from s3_assets.embedded.server import EmbeddedServer
    from tests.conftest import boto_client

    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        boto_client(server).create_bucket(Bucket="hostile")
        found = fuzz(server.endpoint_url, "hostile", asked.first, asked.count, tuple(asked.kind))
    kinds = sorted({kind for kind, _ in found.outcomes})
    outcomes = ("read", "refused", "raw", "crash", "hang")
    lines = [f"{'kind':<14}" + "".join(f"{each:>9}" for each in outcomes)]
    lines += [
        f"{kind:<14}" + "".join(f"{found.outcomes[kind, each]:>9}" for each in outcomes) for kind in kinds
    ]
    lines += [f"{'all':<14}" + "".join(f"{found.count(each):>9}" for each in outcomes), *found.faults]
    lines += [f"refused with: {dict(found.errors.most_common())}"]
    lines += [f"most memory {found.grown / 1024**2:.0f} MiB by {found.grown_by}"]
    lines += [f"longest {found.slowest:.1f} s by {found.slowest_by}"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()
