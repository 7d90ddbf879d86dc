"""A project as `dg` lays it out, and components in it."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster.components.testing import create_defs_folder_sandbox
from pydantic import PydanticDeprecatedSince20

TYPE = "s3_assets.components.S3AssetsComponent"


class Project:
    """One project's folder of definitions."""

    def __init__(self, sandbox: Any) -> None:
        self._sandbox = sandbox
        self._count = 0

    def scaffold(self, component: type[dg.Component], **parameters: Any) -> Path:
        """Let the component's scaffolder write a beginning; return its folder."""
        self._count += 1
        path = self._sandbox.scaffold_component(
            component, defs_path=f"c{self._count}", scaffold_params=parameters
        )
        return Path(path)

    def write(self, attributes: str, type_: str = TYPE, **files: str) -> Path:
        """Write a `defs.yaml` of these attributes with files beside it; return its folder."""
        self._count += 1
        folder = Path(self._sandbox.defs_folder_path) / f"c{self._count}"
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)
        indented = "".join(f"  {line}\n" if line else "\n" for line in attributes.splitlines())
        (folder / "defs.yaml").write_text(f"type: {type_}\n\nattributes:\n{indented}")
        return folder

    def load(self, folder: Path) -> dg.Definitions:
        """Load one component's definitions, as the project would."""
        with warnings.catch_warnings():
            # Dagster's own way of reading a file is deprecated by pydantic, and its links are in its beta.
            for each in (PydanticDeprecatedSince20, dg.BetaWarning):
                warnings.simplefilter("ignore", each)
            with self._sandbox.load_component_and_build_defs(folder) as (_, definitions):
                found: dg.Definitions = definitions
                return found

    def refusal(self, folder: Path) -> str:
        """Load what has to fail, and return all that is said of it, causes included."""
        with pytest.raises(Exception) as raised:
            self.load(folder)
        told: BaseException | None = raised.value
        said = []
        while told is not None:
            said.append(str(told))
            told = told.__cause__ or told.__context__
        return "\n".join(said)


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with create_defs_folder_sandbox(project_name="shop") as sandbox:
        yield Project(sandbox)
