"""The documentation as a site: it is built, loads nothing from elsewhere, and names all that there is."""

import html
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import s3_assets
from s3_assets import errors
from scripts import reference_environment, reference_registry

CLONE = Path(__file__).parents[2]
DOCS = CLONE / "docs"
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
POINTERS = {"canonical", "next", "prev", "alternate"}
"""Kinds of `link` that a browser does not follow by itself."""


class Loaded(HTMLParser):
    """The addresses that a browser loads to show a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        address = said.get(LOADING.get(tag, ""))
        if address and said.get("rel") not in POINTERS:
            self.found.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a link that leads nowhere, or a page that no menu has, fails here."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=CLONE,
        # What its makers say about its next major version is not about these pages.
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def text_of(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    addresses = {address for page in pages for address in Loaded(page.read_text(encoding="utf-8")).found}
    styles = "".join(each.read_text(encoding="utf-8") for each in site.rglob("*.css"))

    assert len(pages) > len(list(DOCS.rglob("*.md")))
    assert [each for each in addresses if re.match(r"(https?:)?//", each)] == []
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", styles) == []


def test_every_block_became_one(site: Path) -> None:
    assert [page.name for page in site.rglob("*.html") if "```" in text_of(page)] == []


def test_the_registry_page_names_every_setting(site: Path) -> None:
    page = (site / "reference" / "registry.html").read_text(encoding="utf-8")
    models = reference_registry.models()

    assert {"Registry", "S3Connection", "DeltaSettings", "ImportSettings", "Transport", "SplitSettings"} <= {
        each.__name__ for each in models
    }
    for model in models:
        section = page.split(f'<h2 id="{reference_registry.anchor(model)}">')[1].split("<h2 ")[0]
        for name, field in model.model_fields.items():
            if not field.exclude:
                assert f"<td><code>{field.alias or name}</code></td>" in section, f"{model.__name__}.{name}"


def test_every_setting_is_described() -> None:
    undescribed = [
        f"{model.__name__}.{name}"
        for model in reference_registry.models()
        for name, field in model.model_fields.items()
        if not field.exclude and not reference_registry.told(field).strip()
    ]

    assert undescribed == []


def test_the_python_page_names_everything(site: Path) -> None:
    page = text_of(site / "reference" / "python.html")

    assert [name for name in s3_assets.__all__ if f"\n{name}¶" not in page] == []


def test_the_errors_page_tells_what_the_code_says(site: Path) -> None:
    page = text_of(site / "reference" / "errors.html")
    kinds = [
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and each.__module__ == errors.__name__
    ]

    assert [name for name in kinds if f"\n{name}¶" not in page] == []
    # One of registry/finding.py, one whose words are cut by values.
    assert re.search(r"there is no …\s.*in … or above it", page)
    assert "Write one, or name it with the environment variable …." in page


def test_the_page_of_variables_names_those_that_the_code_reads(site: Path) -> None:
    page = text_of(site / "reference" / "environment.html")
    found = reference_environment.read_by_the_code()

    assert {"S3_ASSETS_REGISTRY", "DAGSTER_HOME", "NO_COLOR"} <= found
    assert [name for name in found if name not in page] == []
