"""A registry file that is changed: by one process at a time, at once, and never over somebody's edit."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from s3_assets.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TRIES = 5
_BREAK, _WINDOWS_BREAK = b"\n", b"\r\n"


def change_file(file: Path, change: Callable[[str], str]) -> None:
    """Write what `change` makes of the file's text; of a file that is not there, it is the empty text.

    Other processes that change it by this function wait. What an editor saves meanwhile is not lost: `change`
    is asked again about the new text. The file's kind of line ends stays. Raises `SettingError` if the file
    cannot be read or written, or is saved by somebody again and again.
    """
    # A file of which only a link is there is changed where it is.
    file = file.resolve()
    try:
        with _alone(file.parent):
            for _ in range(_TRIES):
                old = _read(file)
                new = _with_breaks(change(_text(old, file)), old)
                if _replace(file, old, new):
                    return
    except OSError as error:
        raise SettingError(
            f"{file} cannot be changed ({error.strerror})",
            remedy="Check the permissions of the file and of its folder.",
        ) from error
    raise SettingError(f"{file} is changed by somebody else all the time", remedy="Try again later.")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time change files of the folder; a lock on it leaves nothing behind."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems have no locks; who saves meanwhile is noticed without them, too.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(file: Path, old: bytes | None, text: bytes) -> bool:
    """Write the file, unless it is another one than it was."""
    if text == (old or b""):
        return True
    with _written_beside(file, text) as new:
        if _read(file) != old:
            return False
        new.replace(file)
    return True


@contextmanager
def _written_beside(file: Path, text: bytes) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(
        "wb", dir=file.absolute().parent, prefix=f".{file.name}.", delete=False
    ) as new:
        new.write(text)
    path = Path(new.name)
    try:
        path.chmod(file.stat().st_mode if file.exists() else 0o644)
        yield path
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _text(old: bytes | None, file: Path) -> str:
    try:
        text = (old or b"").decode()
    except UnicodeDecodeError as error:
        # Not chained: the error holds the file's bytes.
        raise SettingError(
            f"{file} is not UTF-8: byte {error.start} cannot be read", remedy="Save it as UTF-8."
        ) from None
    return text.replace("\r\n", "\n") if _all_windows(old) else text


def _with_breaks(new: str, old: bytes | None) -> bytes:
    return (new.replace("\n", "\r\n") if _all_windows(old) else new).encode()


def _all_windows(old: bytes | None) -> bool:
    # Of a mixture, each line keeps what it has.
    return old is not None and 0 < old.count(_BREAK) == old.count(_WINDOWS_BREAK)
