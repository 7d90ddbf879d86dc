"""README.md: every example is run, and every command that it names exists."""

import re
import shlex
import shutil
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
README = (CLONE / "README.md").read_text(encoding="utf-8")


class Block(NamedTuple):
    language: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)


BLOCKS = list(blocks(README))


def of(language: str) -> list[Any]:
    return [pytest.param(each, id=f"line {each.line}") for each in BLOCKS if each.language == language]


def test_first_block_is_two_commands() -> None:
    assert BLOCKS[0].text == "make demo\nmake test\n"


def test_every_block_is_looked_at() -> None:
    assert {each.language for each in BLOCKS} == {"console", "python", "text", "yaml"}


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_is_a_registry(block: Block) -> None:
    registry = parse_registry(block.text, Path("s3_assets.yaml"), {})

    assert registry.connections


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_server: EmbeddedServer) -> Path:
    """A folder with the registry, and its bucket with the first wave of the demo."""
    shutil.copytree(CLONE / "demo", tmp_path / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CLONE / "s3_assets.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S3_ASSETS_DEMO_ENDPOINT", s3_server.endpoint_url)
    landing = Landing(s3_server.endpoint_url, "shop")
    landing.make_bucket()
    landing.empty()
    found = orders(1_000)
    landing.land_orders(found, "landing/orders/")
    landing.land_payments(payments(found), "landing/payments/")
    return tmp_path


@pytest.mark.parametrize("block", of("python"))
@pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning")
def test_python_runs(block: Block, clone: Path) -> None:
    # An asset's annotations are looked up in its module, so the block becomes one.
    file = clone / "block.py"
    file.write_text(block.text)
    names: dict[str, Any] = {"__name__": "readme"}

    exec(compile(block.text, str(file), "exec"), names)  # noqa: S102 - the README's own lines

    if "outcome" in names:
        assert names["outcome"].rows == 600
        assert names["newest"].collect().height == names["first"].collect().height == 600


@pytest.mark.parametrize(
    "line",
    [line for each in BLOCKS if each.language == "console" for line in each.text.splitlines()],
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
    for target in set(re.findall(r"`make (\w+)`", README)):
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
