"""What the soak has seen so far, on disk after every round, and as a table at its end."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.soak_samples import FLAT, MEASURES, WARM_UP, Sample, trend

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.soak_model import Difference

_SHOWN = 40


@dataclass
class Seen:
    """Counters, samples and differences."""

    seed: int
    begun: str
    minutes: float = 0.0
    rounds: int = 0
    runs: int = 0
    ticks: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    hangs: list[str] = field(default_factory=list)
    left_behind: int = 0
    comparisons: int = 0
    rows: int = 0
    differences: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    objects: list[tuple[int, int]] = field(default_factory=list)
    """Runs, and what Python's collector knew then."""
    kept: list[tuple[int, dict[str, tuple[int, int]]]] = field(default_factory=list)
    """Runs, and what lay in the bucket then: objects and bytes by purpose."""
    uploads: list[int] = field(default_factory=list)
    exit_seconds: float | None = None

    def struck(self, fault: str) -> None:
        """Take note of a fault that happened."""
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def failed(self, error: str) -> None:
        """Take note of a run, a tick or a check that did not end well."""
        self.failures[error] = self.failures.get(error, 0) + 1

    def compared(self, found: dict[str, Difference], rows: int) -> None:
        """Take note of one comparison of everything with the model."""
        self.comparisons += 1
        self.rows = rows
        self.differences += [f"round {self.rounds}: {name}: {each}" for name, each in found.items() if each]

    def write(self, path: Path) -> None:
        """Write it, so that no reader ever sees half of it."""
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps(asdict(self)))
        scratch.replace(path)

    @classmethod
    def read(cls, path: Path) -> Seen:
        told: dict[str, Any] = json.loads(path.read_text())
        told["samples"] = [Sample(**each) for each in told["samples"]]
        return cls(**told)

    def table(self) -> str:
        """Tell all of it."""
        return "\n\n".join(
            [
                "\n".join(each)
                for each in (self._counts(), self._trends(), self._kept(), self._failures())
                if each
            ]
        )

    def _counts(self) -> list[str]:
        struck = ", ".join(f"{count:,} {name}" for name, count in sorted(self.faults.items()))
        return [
            f"### Soak of {self.minutes:.0f} minutes, seed {self.seed}, begun {self.begun}",
            "",
            "| what | |",
            "|---|---|",
            f"| rounds, runs, ticks of sensors | {self.rounds:,}, {self.runs:,}, {self.ticks:,} |",
            f"| faults | {sum(self.faults.values()):,}: {struck} |",
            f"| runs and ticks that ended with an error | {sum(self.failures.values()):,} |",
            f"| hangs, processes left behind by killed ones | {len(self.hangs)}, {self.left_behind} |",
            f"| comparisons of all tables and exports with the model | {self.comparisons:,} |",
            f"| rows at the last one | {self.rows:,} |",
            f"| tables that differed | {len(self.differences)} |",
            *(f"| | {each} |" for each in self.differences[:_SHOWN]),
            *(
                [f"| exit of the long-lived process | {self.exit_seconds:.1f} s |"]
                if self.exit_seconds
                else []
            ),
        ]

    def _trends(self) -> list[str]:
        lines = [
            f"One process from first to last run. Of {len(self.samples)} samples the first {WARM_UP:.0%}",
            f"are warm-up. Flat: the line of Theil and Sen adds less than {FLAT:.0%}, or may as well fall.",
            "",
            "| of the long-lived process | after warm-up | at the end | in 100 runs | 95 % of it | flat |",
            "|---|---:|---:|---:|---:|---|",
        ]
        for name, title in MEASURES.items():
            found = trend(self.samples, name)
            if found is not None:
                lines.append(
                    f"| {title} | {found.first:.1f} | {found.last:.1f} | {found.slope:+.2f} | "
                    f"{found.low:+.2f} to {found.high:+.2f} | {'yes' if found.flat else 'NO'} |"
                )
        if self.objects:
            told = ", ".join(f"{count:,} ({runs:,} runs)" for runs, count in self.objects)
            lines += ["", f"Objects of Python's collector: {told}."]
        return lines

    def _kept(self) -> list[str]:
        if not self.kept:
            return []
        (first_runs, first), (last_runs, last) = self.kept[0], self.kept[-1]
        lines = [
            f"| on S3 | objects after {first_runs:,} runs | after {last_runs:,} | KB | KB |",
            "|---|---:|---:|---:|---:|",
        ]
        for name in sorted(last):
            objects, size = first.get(name, (0, 0))
            lines.append(
                f"| {name} | {objects:,} | {last[name][0]:,} "
                f"| {size / 1000:,.0f} | {last[name][1] / 1000:,.0f} |"
            )
        lines.append(f"| open uploads | {self.uploads[0]:,} | {self.uploads[-1]:,} | | |")
        return lines

    def _failures(self) -> list[str]:
        if not self.failures:
            return []
        return [
            "| errors | times |",
            "|---|---:|",
            *(
                f"| {name} | {count:,} |"
                for name, count in sorted(self.failures.items(), key=lambda each: -each[1])[:_SHOWN]
            ),
        ]
