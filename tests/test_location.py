import pytest

from s3_assets.errors import SettingError
from s3_assets.location import Location, folder_key, relative_path


def test_folders_and_objects() -> None:
    base = Location.parse("s3://bucket/base")

    assert base == Location("bucket", "base/")
    assert base.folder("a/b").url == "s3://bucket/base/a/b/"
    assert base.folder("").url == "s3://bucket/base/"
    assert base.folder("a/").object("x.parquet").url == "s3://bucket/base/a/x.parquet"
    assert Location.parse("s3://bucket").folder("a").key == "a/"


@pytest.mark.parametrize(("key", "folder"), [("", ""), ("a", "a/"), ("a/", "a/"), ("a/b", "a/b/")])
def test_folder_key(key: str, folder: str) -> None:
    assert folder_key(key) == folder


@pytest.mark.parametrize("path", ["a", "a/b", "a/b/", "é x/%", "", "a..b", ".hidden"])
def test_paths_inside(path: str) -> None:
    assert relative_path(path) == path


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("/a/b", "Write 'a/b'"),
        ("//a", "Write 'a'"),
        ("a/../b", "without"),
        ("..", "without"),
        ("s3://bucket/a", "below the connection's url"),
        ("a//b", "Write 'a/b'"),
        ("a/./b", "Write 'a/b'"),
    ],
)
def test_paths_that_are_refused_with_the_corrected_value(path: str, remedy: str) -> None:
    with pytest.raises(SettingError, match=remedy):
        relative_path(path)


@pytest.mark.parametrize("url", ["s3://bucket/a//b", "s3://bucket/a/../b", "s3://bucket/./a"])
def test_urls_with_segments_that_cannot_be_addressed(url: str) -> None:
    with pytest.raises(SettingError, match="segment"):
        Location.parse(url)
