"""What MkDocs does more than to read `docs`: pages that are made of the code when the site is built.

They are never stale, since they are nowhere else; `tests/site` tests that they name everything.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import (  # noqa: E402 - the line above makes them importable
    reference_environment,
    reference_errors,
    reference_python,
    reference_registry,
)

_WORD_OF_BLOCK = re.compile(r"^```(\w+) (\w[\w ]*)$", re.MULTILINE)
PAGES: dict[str, Callable[[], str]] = {
    "reference/registry.md": reference_registry.page,
    "reference/python.md": reference_python.page,
    "reference/errors.md": reference_errors.page,
    "reference/environment.md": reference_environment.page,
}


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401 - without MkDocs installed this can still be read
    """Add the pages to those of the folder."""
    from mkdocs.structure.files import File

    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Say in the words of these extensions what other readers of Markdown understand as it is.

    That is an escaped `<`, and words behind a block's language, which become its title.
    """
    return _WORD_OF_BLOCK.sub(r'```\1 title="\2"', markdown.replace("\\<", "&lt;"))
