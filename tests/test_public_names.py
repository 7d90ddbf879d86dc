"""The package's face: what `s3_assets` offers, sorted, each name where it says."""

import subprocess
import sys

import pytest

import s3_assets


def test_the_names_are_sorted_and_each_has_a_home() -> None:
    assert s3_assets.__all__ == sorted(s3_assets.__all__)
    assert set(s3_assets.__all__) == set(s3_assets._HOMES)


@pytest.mark.parametrize("name", s3_assets.__all__)
def test_a_name_is_found_at_its_home(name: str) -> None:
    found = getattr(s3_assets, name)

    assert found.__name__ == name
    assert found.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = s3_assets.nothing


def test_importing_the_package_imports_no_other() -> None:
    code = "import sys; before = {*sys.modules}; import s3_assets; print(*{*sys.modules} - before)"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    loaded = {name.partition(".")[0] for name in printed.stdout.split()}
    assert loaded - sys.stdlib_module_names == {"s3_assets"}
