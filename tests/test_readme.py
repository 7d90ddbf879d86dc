"""README.md and docs: every example is run, every command and page that they name exists."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from s3_assets.embedded.demo_data import orders, payments
from s3_assets.embedded.demo_landing import Landing
from s3_assets.embedded.server import EmbeddedServer
from s3_assets.registry.loading import parse_registry

CLONE = Path(__file__).parent.parent
README = CLONE / "README.md"
# Their examples need more than the demo: they are run by tests of their own.
ELSEWHERE = {
    "checks.md": "tests/checks/test_checks_page.py",
    "commands.md": "tests/cli/test_commands_page.py",
    "components.md": "tests/components/test_page.py",
    "cursors.md": "tests/cli/test_cursors_page.py",
    "dagster-exports.md": "tests/dagster_floor/test_exports_page.py",
    "dagster-incremental.md": "tests/dagster_floor/test_incremental_page.py",
    "dagster-metadata.md": "tests/dagster_floor/test_metadata_page.py",
    "exports-protocol.md": "tests/exports/test_export_page.py",
    "imports.md": "tests/test_imports_page.py",
    "io-managers.md": "tests/dagster_floor/test_io_managers_page.py",
    "media.md": "tests/media/test_media_page.py",
    "sensors.md": "tests/dagster_floor/test_sensors_page.py",
    "observability.md": "tests/observability/test_observability_page.py",
    "production.md": "tests/production/test_page.py",
    "quick-start.md": "tests/site/test_pages.py",
}
DOCUMENTS = [
    README,
    *(each for each in sorted((CLONE / "docs").glob("*.md")) if each.name not in ELSEWHERE),
]
PROMPT = "$ "
LEFT_OUT = "..."


class Block(NamedTuple):
    document: Path
    line: int
    language: str
    text: str

    @property
    def told(self) -> bool:
        """Whether it shows what a command prints."""
        return self.text.startswith(PROMPT)


def blocks(document: Path) -> Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(document, text.count("\n", 0, match.start()) + 1, match[1], match[2])


BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]


def of(language: str, *, told: bool = False) -> list[Any]:
    return [
        pytest.param(each, id=f"{each.document.name}:{each.line}")
        for each in BLOCKS
        if each.language == language and each.told == told
    ]


def test_first_block_is_two_commands() -> None:
    assert BLOCKS[0].text == "make demo\nmake test\n"


def test_every_page_is_looked_at() -> None:
    for page, test in ELSEWHERE.items():
        assert page in (CLONE / test).read_text()


def test_every_block_is_looked_at() -> None:
    assert {each.language for each in BLOCKS} == {"console", "python", "text", "yaml"}


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_is_a_registry(block: Block) -> None:
    registry = parse_registry(block.text, Path("s3_assets.yaml"), {})

    assert registry.connections


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_server: EmbeddedServer, s3_client: Any) -> Path:
    """A folder with the registry, and its bucket with the first wave of the demo."""
    shutil.copytree(CLONE / "demo", tmp_path / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CLONE / "s3_assets.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("S3_ASSETS_DEMO_ENDPOINT", "LAKE_ENDPOINT"):
        monkeypatch.setenv(name, s3_server.endpoint_url)
    for name in ("LAKE_KEY", "LAKE_SECRET"):
        monkeypatch.setenv(name, "test")
    landing = Landing(s3_server.endpoint_url, "shop")
    landing.make_bucket()
    landing.empty()
    found = orders(1_000)
    landing.land_orders(found, "landing/orders/")
    landing.land_payments(payments(found), "landing/payments/")
    for day in ("28", "29"):
        body = f"id;customer;returned_at\n1;Zoë;{day}.01.2026 17:30\n2;Mia;n/a\n3;Ola;01.02.2026 09:00\n"
        s3_client.put_object(
            Bucket="shop", Key=f"landing/returns/date=2026-01-{day}/returns.csv", Body=body.encode()
        )
    return tmp_path


@pytest.mark.parametrize("block", of("python"))
@pytest.mark.filterwarnings(
    "ignore::dagster.BetaWarning",
    "ignore::dagster.PreviewWarning",
    # Dagster's own word, while it sets up resources inside of resources.
    "ignore:InitResourceContext.dagster_run is deprecated:DeprecationWarning",
)
def test_python_runs(block: Block, clone: Path) -> None:
    # An asset's annotations are looked up in its module, so the block becomes one.
    file = clone / "block.py"
    file.write_text(block.text)
    names = executed(block, file)

    if "payments" in names:
        assert names["found"] == b"all is well"
        assert names["size"] == 11
        assert names["orders"].height == 600
        assert names["payments"].version() == 0
    if "result" in names:
        assert names["result"].success
    if "outcome" in names:
        assert names["outcome"].rows == 600
        assert names["newest"].collect().height == names["first"].collect().height == 600


def executed(block: Block, file: Path) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(block.text, str(file), "exec"), names)  # noqa: S102 - the documents' own lines
    return names


@pytest.mark.parametrize("block", of("console", told=True))
def test_command_prints_what_is_shown(block: Block, clone: Path, s3_server: EmbeddedServer) -> None:
    command, *shown = block.text.splitlines()
    program, *arguments = shlex.split(command.removeprefix(PROMPT))
    assert program == "s3-assets"

    done = subprocess.run(
        [sys.executable, "-m", "s3_assets.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )

    text = done.stdout.replace(s3_server.endpoint_url, "http://127.0.0.1:9445")
    assert is_shown_by([line.rstrip() for line in text.splitlines()], shown), text


def is_shown_by(found: list[str], shown: list[str]) -> bool:
    """Tell whether the lines are those shown, where `...` stands for one or more that were left out."""
    pattern = "".join(r"(?:.*\n)+?" if line.strip() == LEFT_OUT else re.escape(f"{line}\n") for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in found)) is not None


def test_lines_that_are_not_printed_are_noticed() -> None:
    assert is_shown_by(["a", "b", "c"], ["a", "...", "c"])
    assert not is_shown_by(["a", "b", "c"], ["a", "...", "b", "c"])
    assert not is_shown_by(["a", "b", "c"], ["a", "...", "d"])
    assert not is_shown_by(["a", "b", "c"], ["a", "b"])


@pytest.mark.parametrize(
    "line", [line for each in of("console") for block in each.values for line in block.text.splitlines()]
)
def test_command_exists(line: str) -> None:
    program, *arguments = shlex.split(line)
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", (CLONE / "Makefile").read_text(), re.MULTILINE)
    elif program == "s3-assets":
        assert_accepted(arguments)
    else:
        assert program == "dagster"
        assert shutil.which("dagster", path=str(CLONE / ".venv" / "bin")) or shutil.which("dagster")
        assert "s3_assets.definitions" in arguments


def assert_accepted(arguments: list[str]) -> None:
    """Parse the command line as the program would, and stop before it runs."""
    from typer.main import get_command

    from s3_assets.cli.main import application

    command: Any = get_command(application)
    while hasattr(command, "commands"):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    command.make_context("s3-assets", list(arguments))


def test_commands_named_in_the_text_exist() -> None:
    for target in set(re.findall(r"`make (\w+)`", README.read_text(encoding="utf-8"))):
        assert re.search(rf"^{target}:", (CLONE / "Makefile").read_text(), re.MULTILINE), target


def test_every_command_is_in_the_changelog() -> None:
    from typer.main import get_command

    from s3_assets.cli.main import application

    command: Any = get_command(application)
    changelog = (CLONE / "CHANGELOG.md").read_text()
    assert [name for name in command.commands if f"`{name}`" not in changelog] == []


def test_registry_of_the_clone_is_sound_without_the_demo() -> None:
    text = (CLONE / "s3_assets.yaml").read_text()

    registry = parse_registry(text, CLONE / "s3_assets.yaml", {})

    assert registry.connections["shop"].endpoint == "http://127.0.0.1:9445"
    assert [path.name for path in registry.code] == ["revenue.py"]


def test_package_shows_the_readme() -> None:
    assert tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]["readme"] == "README.md"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.name)
def test_links_lead_somewhere(document: Path) -> None:
    for address in re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8")):
        if address.startswith("https://"):
            continue
        page, _, heading = address.partition("#")
        target = document.parent / page if page else document
        assert target.is_file(), address
        if heading:
            titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [title.lower().replace(" ", "-") for title in titles], address
