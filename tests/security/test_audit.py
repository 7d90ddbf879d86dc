"""The audit of dependencies: what it finds, and that silence is never taken for a good answer."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "audit.py"


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module
    spec.loader.exec_module(module)
    return module


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_the_locks_are_pinned_and_licensed(audit: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.offline() == []
    assert "requirements.lock: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line", ["polars>=2", "polars", "polars==2.*", "git+https://host/polars", "-r others.txt"]
)
def test_a_line_that_pins_nothing(audit: ModuleType, line: str) -> None:
    with pytest.raises(ValueError, match=r"line 2 pins no version"):
        list(audit.pins(f"# comment\n{line}\n"))


def test_two_versions_on_one_platform(audit: ModuleType) -> None:
    windows, other = "sys_platform == 'win32'", "sys_platform != 'win32'"
    found = list(audit.pins(f"a==1 ; {windows}\na==2 ; {other}\nb==1\nB==2\n"))

    assert audit.twice(found) == ["b: 1 and 2"]


@pytest.mark.parametrize(
    ("spelled", "refused"),
    [
        *(("MIT", False), ("Apache-2.0 OR GPL-2.0", False), ("LGPL-3.0-only", False), ("", False)),
        *(("GPL-3.0-only", True), ("GNU Affero General Public License v3", True), ("SSPL-1.0", True)),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
    ],
)
def test_licences(audit: ModuleType, spelled: str, refused: bool) -> None:
    assert audit.is_refused(spelled) is refused


def test_a_vulnerability_is_told_with_its_mend(audit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"id": "PYSEC-2023-1", "aliases": ["CVE-2023-1"], "fix_versions": ["2.0.7"]}
    text = answer(
        {"name": "urllib3", "version": "1.0", "vulns": [known]}, {"name": "a", "version": "1", "vulns": []}
    )

    found = audit.read_answer(text)

    assert found.vulnerable == ["urllib3 1.0: PYSEC-2023-1, mended in 2.0.7"]
    assert (found.asked, found.unasked) == (2, [])
    monkeypatch.setitem(audit.ACCEPTED, "CVE-2023-1", "not called here")
    assert audit.read_answer(text).vulnerable == []


def test_packages_that_nobody_answered_for_are_not_clean(audit: ModuleType) -> None:
    """What pip-audit says, beside "No known vulnerabilities found", where an index has no advisories."""
    text = answer({"name": "urllib3", "skip_reason": "Dependency not found on PyPI and could not be audited"})

    found = audit.read_answer(text)

    assert found.asked == 0
    assert found.unasked == ["urllib3: Dependency not found on PyPI and could not be audited"]


def test_not_asked_is_an_exit_code_of_its_own(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDIT", "offline")

    assert audit.main() == audit.NOT_ASKED != 0
    assert "NOT ASKED" in capsys.readouterr().out
