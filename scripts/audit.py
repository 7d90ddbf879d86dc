"""Ask whether any locked package has a known vulnerability, and check what a lock tells by itself.

Exit codes: 0 all is well; 1 something was found; 3 nobody could be asked about vulnerabilities. The last is
never taken for the first: `AUDIT=offline` in the environment alone leaves the asking out, and says so.

Asked is OSV (osv.dev) by pip-audit, which comes into a throw-away environment. Checked here: every package
has one exact version for each platform, and a licence that lets it be used beside this project's.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from s3_assets.embedded.virtual_environment import InstallationError, VirtualEnvironment  # noqa: E402 - as above

LOCKS = (
    ROOT / "requirements.lock",
    ROOT / "requirements-lean.lock",
    ROOT / "s3_assets" / "embedded" / "requirements.txt",
)
AUDITOR = "pip-audit==2.10.1"
FOUND, NOT_ASKED = 1, 3
ACCEPTED: dict[str, str] = {}
"""Vulnerabilities that do not concern this project, by their ids, each with the reason."""

_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w,.-]+\])?==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>.+))?$"
)
# Those that ask for more than a notice of whoever passes a program on together with the package, or runs it.
_REFUSED = re.compile(
    r"\bA?GPL|\bSSPL|Affero|Business Source|Commons Clause|Proprietary|General Public", re.IGNORECASE
)
_LESSER = re.compile(r"\bLGPL|Lesser|Library General", re.IGNORECASE)
_PATIENCE = 600


@dataclass
class Answer:
    """What pip-audit says of a lock."""

    asked: int = 0
    """Packages that it has an answer for."""
    vulnerable: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    """Packages that nobody answered for, and why."""


def pins(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and marker of each package; raises `ValueError` for a line that pins nothing."""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.partition(" #")[0].strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _PINNED.match(stripped)
        if found is None or "*" in found["version"]:
            raise ValueError(f"line {number} pins no version: {stripped}")
        yield found["name"].lower(), found["version"], found["marker"] or ""


def twice(found: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return the packages that have two versions on one platform."""
    seen: dict[tuple[str, str], str] = {}
    return [
        f"{name}: {before} and {version}"
        for name, version, marker in found
        if (before := seen.setdefault((name, marker), version)) != version
    ]


def licence(name: str) -> str | None:
    """Return what an installed package says of its licence; None if it is not installed."""
    try:
        told = distribution(name).metadata
    except PackageNotFoundError:
        return None
    classified = [
        each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if "License ::" in each
    ]
    # Some put the whole text there: its first line is the name.
    spelled = (told.get_all("License") or [""])[0].strip().partition("\n")[0]
    return (told.get_all("License-Expression") or [""])[0] or "; ".join(classified) or spelled


def is_refused(spelled: str) -> bool:
    """Tell whether a licence is none to depend on; of several to choose from, one is enough."""
    choices = re.split(r"\s+OR\s+|;", spelled)
    return all(_REFUSED.search(each) is not None and _LESSER.search(each) is None for each in choices)


def read_answer(text: str) -> Answer:
    """Read pip-audit's JSON; raises `ValueError` for anything else."""
    answer = Answer()
    for each in json.loads(text)["dependencies"]:
        if "skip_reason" in each:
            answer.unasked.append(f"{each['name']}: {each['skip_reason']}")
            continue
        answer.asked += 1
        for found in each["vulns"]:
            ids = {found["id"], *found.get("aliases", ())}
            if not ids & ACCEPTED.keys():
                mended = ", ".join(found.get("fix_versions", ())) or "no release yet"
                answer.vulnerable.append(
                    f"{each['name']} {each['version']}: {found['id']}, mended in {mended}"
                )
    return answer


def asked(locks: Iterable[Path]) -> Answer:
    """Ask about all packages of the locks; raises `InstallationError` or `ValueError` if nobody answers."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = VirtualEnvironment(Path(scratch) / "environment")
        environment.make(with_pip=True)
        environment.install([AUDITOR])
        command = [environment.folder / "bin" / "pip-audit", "--no-deps", "--disable-pip", "--format=json"]
        options = ["--vulnerability-service=osv", "--progress-spinner=off", "--timeout=15"]
        files = [f"--requirement={lock}" for lock in locks]
        try:
            done = subprocess.run(
                [*map(str, command), *options, *files],
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"pip-audit did not end within {_PATIENCE} s") from error
    if not done.stdout.strip():
        raise ValueError((done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1])
    return read_answer(done.stdout)


def offline() -> list[str]:
    """Return what is wrong with the locks, as far as they and what is installed tell."""
    wrong: list[str] = []
    for lock in LOCKS:
        try:
            found = list(pins(lock.read_text(encoding="utf-8")))
        except ValueError as error:
            wrong.append(f"{lock.name}: {error}")
            continue
        wrong += [f"{lock.name}: two versions of {each}" for each in twice(found)]
        spelled = {name: licence(name) for name, _, _ in found}
        wrong += [
            f"{lock.name}: {name} is licensed as {told or 'nothing that it tells'}"
            for name, told in spelled.items()
            if told is not None and is_refused(told)
        ]
        here = sum(told is not None for told in spelled.values())
        print(f"{lock.name}: {len(found)} packages pinned, licences of the {here} installed ones looked at")
    return wrong


def main() -> int:
    """Check and ask; the result is the exit code."""
    wrong = offline()
    for each in wrong:
        print(f"  {each}")
    if os.environ.get("AUDIT") == "offline":
        print("vulnerabilities: NOT ASKED, since AUDIT=offline says so; this is no clean result")
        return FOUND if wrong else NOT_ASKED
    try:
        answer = asked(LOCKS)
    except (InstallationError, ValueError) as error:
        print(f"vulnerabilities: NOT ASKED: {str(error)[:300]}")
        print("  This says nothing about the packages. Run `make audit` where osv.dev can be reached.")
        return FOUND if wrong else NOT_ASKED
    for each in (*answer.vulnerable, *answer.unasked):
        print(f"  {each}")
    asked_about = f"{len(answer.vulnerable)} in {answer.asked} packages"
    print(f"vulnerabilities: {asked_about}, nothing known of {len(answer.unasked)}")
    if wrong or answer.vulnerable:
        return FOUND
    return NOT_ASKED if answer.unasked or not answer.asked else 0


if __name__ == "__main__":
    sys.exit(main())
