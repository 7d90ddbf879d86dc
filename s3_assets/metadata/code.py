"""Links from assets to the lines of the registry that declare them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import dagster as dg

from s3_assets.metadata.keys import CODE

if TYPE_CHECKING:
    from s3_assets.registry.models import Registry

_ENTRIES = {"tables": "table", "imports": "import", "media": "media set", "exports": "export"}


def code_references(registry: Registry, *entries: tuple[str, str]) -> dg.CodeReferencesMetadataValue | None:
    """Return links to entries, each a section and a name; None for a registry that is no file."""
    found: list[dg.LocalFileCodeReference | dg.UrlCodeReference] = []
    with warnings.catch_warnings():
        # Code references are in Dagster's beta; that we use them is our decision.
        warnings.simplefilter("ignore", dg.BetaWarning)
        for section, name in entries:
            place = registry.places.of(section, name)
            if place is not None:
                label = f"{_ENTRIES[section]} {name} ({place.file.name}:{place.line})"
                reference = dg.LocalFileCodeReference(
                    file_path=str(place.file), line_number=place.line, label=label
                )
                found.append(reference)
        return dg.CodeReferencesMetadataValue(code_references=found) if found else None


def source_of(asset: dg.AssetsDefinition) -> dg.CodeReferencesMetadataValue | None:
    """Return a link to the function of an asset; None if it has no source, such as one that was evaluated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        try:
            (found,) = dg.with_source_code_references([asset])
        except (OSError, TypeError):
            return None
    specs = found.specs if isinstance(found, dg.AssetsDefinition) else ()
    return next((_references(spec.metadata.get(CODE)) for spec in specs), None)


def together(first: object, second: object) -> dg.CodeReferencesMetadataValue | None:
    """Return the links of both, as far as these are some."""
    links = [
        link for each in (first, second) if (found := _references(each)) for link in found.code_references
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.CodeReferencesMetadataValue(code_references=links) if links else None


def _references(value: object) -> dg.CodeReferencesMetadataValue | None:
    return value if isinstance(value, dg.CodeReferencesMetadataValue) else None
