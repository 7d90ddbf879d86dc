"""`dg scaffold defs s3_assets.components.S3AssetsComponent my_tables`: a beginning that loads as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from pathlib import Path

_INLINE = """\
type: {type}

attributes:
  # How a bucket, or a base path in it, is reached. Without `auth` keys come from wherever boto3 finds some.
  connections:
    lake:
      url: {url}
{endpoint}      # region: eu-central-1
      # auth:
      #   type: access_key
      #   access_key_id: "{{{{ env.LAKE_KEY_ID }}}}"
      #   secret_access_key: "{{{{ env.LAKE_SECRET }}}}" # read when a request needs it, and shown nowhere

  # Rows in place. `s3-assets guess {url}landing/orders` writes such an entry for what is there.
  tables:
    landing/orders:
      connection: lake
      format: parquet
      path: landing/orders
    lake/orders:
      connection: lake
      format: delta
      path: lake/orders
      # partitions: {{column: date, every: day, start: 2026-01-01}}

  # What is new in a source is appended to its target, once.
  imports:
    orders:
      source: landing/orders
      target: lake/orders
      # mode: replace
      # schedule: "@daily"

  # Files with your own assets: `@s3_asset("lake/daily", reads={{"rows": "lake/orders"}})`
  # code: [assets.py]

  # Of every generated asset; `spec` is what it would be, `declared` what the registry says of it.
  # translation:
  #   key_prefix: prod
  #   group_name: "{{{{ declared.kind }}}}"
  #   tags: {{connection: "{{{{ declared.connection }}}}"}}
"""
_BY_FILE = """\
type: {type}

attributes:
  # Connections, tables, imports and exports stand there; `s3-assets check --registry {registry}` checks them.
  registry: {registry}

  # Of every generated asset; `spec` is what it would be, `declared` what the registry says of it.
  # translation:
  #   key_prefix: prod
  #   group_name: "{{{{ declared.kind }}}}"
"""
_PYTHON = """\
import dagster as dg
from {module} import {name}

from s3_assets import Registry


@dg.component_instance
def load(context: dg.ComponentLoadContext) -> {name}:
    registry = Registry(
        connections={{"lake": {{"url": "{url}"}}}},
        tables={{
            "landing/orders": {{"connection": "lake", "format": "parquet", "path": "landing/orders"}},
            "lake/orders": {{"connection": "lake", "format": "delta", "path": "lake/orders"}},
        }},
        imports={{"orders": {{"source": "landing/orders", "target": "lake/orders"}}}},
    )
    return {name}(registry=registry)
"""


class ScaffoldParameters(BaseModel):
    """What a beginning is made for."""

    url: str = Field(default="s3://my-bucket/", description="The bucket, or a base path in it.")
    endpoint: str | None = Field(default=None, description="Of a server that is not AWS.")
    registry: str | None = Field(
        default=None,
        description="Path of a registry file, relative to the new folder; instead of its sections.",
    )


class S3AssetsScaffolder(dg.Scaffolder[ScaffoldParameters]):
    """Writes a `defs.yaml` whose comments say what else may stand there, or a `component.py`."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParameters]:
        """Return the options of the command."""
        return ScaffoldParameters

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParameters]) -> None:
        """Write the file into the new folder, or behind the components of a file that is there."""
        wanted = request.params
        module, _, name = request.type_name.rpartition(".")
        said = {
            "type": request.type_name,
            "module": module,
            "name": name,
            "url": f"{wanted.url.rstrip('/')}/",
            "endpoint": f"      endpoint: {wanted.endpoint}\n" if wanted.endpoint else "",
            "registry": wanted.registry,
        }
        if request.scaffold_format == "python":
            (request.target_path / "component.py").write_text(_PYTHON.format(**said), encoding="utf-8")
            return
        text = (_INLINE if wanted.registry is None else _BY_FILE).format(**said)
        if request.append:
            _append(request.target_path, text)
        else:
            (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


def _append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as end:
        end.write(f"---\n{text}")
