"""The site's page of the Python interface: every name of `s3_assets`, with its docstring."""

import inspect
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

import s3_assets
from scripts.reference_registry import anchor

_HEAD = """\
# Python

`import s3_assets` costs nothing: each of these names is loaded when it is first used.

"""


def page() -> str:
    """Return the page."""
    return _HEAD + "\n".join(_section(name, getattr(s3_assets, name)) for name in s3_assets.__all__)


def _section(name: str, found: Any) -> str:  # noqa: ANN401 - any kind of object
    return "\n".join([f"## {name}\n", *_body(name, found)])


def _body(name: str, found: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    is_model = inspect.isclass(found) and issubclass(found, BaseModel)
    if not is_model:
        yield f"```python\n{name}{_signature(found)}\n```\n"
    yield f"{inspect.getdoc(found)}\n"
    if is_model:
        yield f"Its arguments are the fields of [{name} in the registry](registry.md#{anchor(found)}).\n"
    if inspect.isclass(found):
        yield from _methods(found)


def _methods(kind: type) -> Iterator[str]:
    for name, member in vars(kind).items():
        if name.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property)):
            continue
        told = inspect.getdoc(member)
        # Pydantic's checks of fields are not for calling.
        if not told or hasattr(member, "decorator_info"):
            continue
        title = name if isinstance(member, property) else f"{name}{_signature(member)}"
        yield f"**`{title}`**\n\n{told}\n"


def _signature(found: Any) -> str:  # noqa: ANN401 - as above
    try:
        text = str(inspect.signature(found))
    except (TypeError, ValueError):
        return ""
    return text.replace("(self, ", "(").replace("(self)", "()").replace("'", "")
