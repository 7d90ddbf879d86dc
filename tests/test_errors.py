"""Errors say where, what and what to do, and travel between processes."""

import inspect
import pickle
import re

import pytest

from s3_assets import errors
from s3_assets.errors import (
    ObjectMissingError,
    RegistryError,
    RowKeyError,
    RowsOutsideWindowError,
    S3AssetsError,
    SettingError,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, S3AssetsError)]


def test_a_message_has_place_finding_and_remedy() -> None:
    error = ObjectMissingError(
        "it is gone", remedy="Look again.", connection="lake", table="sales", location="s3://bucket/key"
    )

    assert str(error) == "table 'sales', connection 'lake', s3://bucket/key: it is gone. Look again."


def test_a_place_is_added_and_never_overwritten() -> None:
    error = S3AssetsError("odd", connection="lake")

    assert str(error.at(connection="other", table="sales")) == "table 'sales', connection 'lake': odd"
    assert error.args == (str(error),)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_crosses_a_process_border(kind: type[S3AssetsError]) -> None:
    if kind is RowsOutsideWindowError:
        made: S3AssetsError = RowsOutsideWindowError("odd", count=3, smallest="a", largest="b", table="sales")
    elif kind is RowKeyError:
        made = RowKeyError("odd", count=3, table="sales")
    else:
        made = kind("odd", remedy="Mend it.", table="sales")

    copy = pickle.loads(pickle.dumps(made))  # noqa: S301 - what was pickled one line above

    assert type(copy) is kind
    assert str(copy) == str(made)
    assert copy.__dict__ == made.__dict__


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"── (\w+)(?: \((\w+)\))?", errors.__doc__ or "")
    builtins = {name: base for name, base in drawn if base}

    assert {name for name, _ in drawn} == {kind.__name__ for kind in KINDS} - {"S3AssetsError"}
    for kind in KINDS:
        if kind.__name__ in builtins:
            assert builtins[kind.__name__] in {base.__name__ for base in kind.__mro__}


def test_problems_of_a_registry_are_listed() -> None:
    error = RegistryError("2 problems", problems=["a: wrong", "b: missing"])

    assert str(error) == "2 problems\n  - a: wrong\n  - b: missing"
    assert isinstance(error, ValueError)


def test_errors_of_files_keep_their_message() -> None:
    """OSError would show an errno in its place."""
    assert str(ObjectMissingError("it is gone")) == "it is gone"
    assert isinstance(SettingError("odd"), ValueError)
