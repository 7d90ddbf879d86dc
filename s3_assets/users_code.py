"""The user's own code: the files of a registry's `code`, and what Python gives beside them."""

from __future__ import annotations

import importlib.util
import sys
import traceback
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from s3_assets.decorator import S3Asset
from s3_assets.errors import RegistryError, S3AssetsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import ModuleType

    from s3_assets.registry.models import Registry


@dataclass(frozen=True)
class UsersCode:
    """Dagster's definitions of the user, and the assets that name their table or export."""

    plain: tuple[dg.Definitions, ...]
    own: dict[str, S3Asset]

    @classmethod
    def of(cls, registry: Registry, assets: Iterable[dg.AssetsDefinition | S3Asset] = ()) -> UsersCode:
        """Run the files of `code`; raises `RegistryError` for a missing file, or a name that is wrong."""
        modules = [_load(path) for path in registry.code]
        given = list(assets)
        plain = dg.Definitions(assets=[each for each in given if not isinstance(each, S3Asset)])
        values: list[object] = [value for module in modules for value in vars(module).values()]
        code = cls((*map(_definitions, modules), plain), _own([*values, *given], registry))
        for name in code.own:
            if tuple(name.split("/")) in code.keys:
                raise _two_writers(name)
        return code

    @property
    def keys(self) -> frozenset[tuple[str, ...]]:
        """The parts of the keys of the assets that do not name their table: their keys do."""
        return frozenset(
            tuple(key.path)
            for asset in assets_of(self.plain)
            if isinstance(asset, dg.AssetsDefinition) and asset.is_executable
            for key in asset.keys
        )

    def written(self, registry: Registry) -> set[str]:
        """Return the names of what all these assets write, by a registry that knows the keys of tables."""
        return {*(registry.assets.name(path) for path in self.keys), *self.own}


def assets_of(users: Iterable[dg.Definitions]) -> list[object]:
    """Return the assets of definitions."""
    return [asset for definitions in users for asset in definitions.assets or ()]


def _own(values: Iterable[object], registry: Registry) -> dict[str, S3Asset]:
    found: dict[str, S3Asset] = {}
    for value in values:
        if not isinstance(value, S3Asset):
            continue
        value.refuse_unknown(registry)
        if found.setdefault(value.name, value) is not value:
            raise _two_writers(value.name)
    return found


def _two_writers(name: str) -> RegistryError:
    return RegistryError(f"two of your assets write '{name}'", remedy="Give one of them another table.")


def _definitions(module: ModuleType) -> dg.Definitions:
    with warnings.catch_warnings():
        # A preview in Dagster: it finds every kind of definition, also asset jobs and their schedules.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.load_definitions_from_module(module)


def _load(path: Path) -> ModuleType:
    # Two folders may have files of one name.
    name = f"s3_assets_code_{path.stem}_{zlib.crc32(str(path.absolute()).encode()):08x}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None or not path.is_file():
        raise RegistryError(
            f"the file {path} of 'code' is not there", remedy="Name it relative to the registry's folder."
        )
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception) or isinstance(error, S3AssetsError):
            raise
        # Chained: Dagster shows the traceback, and the command line does with --debug.
        raise RegistryError(
            f"the file {path} of 'code' ends with an error{_line_of(error, path)}: "
            f"{type(error).__name__}: {error}",
            remedy="Mend the file; --debug, or running it with Python, shows all of it.",
        ) from error
    return module


def _line_of(error: Exception, path: Path) -> str:
    """Return the line of the file in which it was, as far as that is known."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        lines.append(error.lineno)
    return f" in line {lines[-1]}" if lines and lines[-1] else ""
