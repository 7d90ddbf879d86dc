"""The files of a new Dagster project beside its registry."""

from importlib import resources
from pathlib import Path

from s3_assets.errors import SettingError

HEADER = """\
# The registry: what lies on S3, and what is moved where. Each entry's evidence stands above it: what begins
# with `in doubt:` is a choice that the files do not force. `s3-assets validate` checks this file, and running
# `s3-assets init` again adds what is new. Keys never stand here: they are read where they are kept.

"""
_TEMPLATES = {
    "definitions.py": "definitions.py.txt",
    "workspace.yaml": "workspace.yaml",
    "dagster.yaml": "dagster.yaml",
    ".gitignore": "gitignore.txt",
}


def check_folder(folder: Path) -> None:
    """Raise `SettingError` if the project cannot lie there."""
    found = next((each for each in (folder, *folder.absolute().parents) if each.exists()), folder)
    if not found.is_dir():
        raise SettingError(f"{found} is a file, not a folder", remedy="Name another folder.")


def write_project(folder: Path) -> tuple[list[str], list[str]]:
    """Write the files that are not there yet; return the names of the written and of the kept ones."""
    written, kept = list[str](), list[str]()
    templates = resources.files("s3_assets.cli").joinpath("project")
    try:
        for name, template in _TEMPLATES.items():
            text = templates.joinpath(template).read_text(encoding="utf-8")
            (written if _created(folder / name, text) else kept).append(name)
    except OSError as error:
        raise SettingError(
            f"{folder} cannot be written to ({error.strerror})", remedy="Check the folder's permissions."
        ) from error
    return written, kept


def make_folder(folder: Path) -> None:
    """Make the folder, if it is not there; raises `SettingError` if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(
            f"{folder} cannot be made ({error.strerror})", remedy="Name another folder."
        ) from error


def _created(file: Path, text: str) -> bool:
    """Write a new file; tell whether there was none."""
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        return False
    return True
