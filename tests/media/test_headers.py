"""What headers tell, against files of other makers: type, size in pixels, seconds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_assets.media.durations import duration
from s3_assets.media.found_types import found_type
from s3_assets.media.header import START, Header
from s3_assets.media.images import image_size
from tests.media import samples

IMAGES = {
    "image/png": samples.image("PNG", 640, 48),
    "image/jpeg": samples.image("JPEG", 641, 47),
    "image/gif": samples.image("GIF", 300, 70_00),
    "image/webp": samples.image("WEBP", 321, 123),
    "image/bmp": samples.image("BMP", 33, 44),
}
SIZES = {
    "image/png": (640, 48),
    "image/jpeg": (641, 47),
    "image/gif": (300, 7000),
    "image/webp": (321, 123),
    "image/bmp": (33, 44),
}


class Remote:
    """A body that is read by ranges, which are counted."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.requests = 0

    def header(self) -> Header:
        return Header(self.body[:START], len(self.body), self.fetch)

    def fetch(self, start: int, end: int) -> bytes:
        self.requests += 1
        return self.body[start:end]


def look(body: bytes) -> tuple[str | None, tuple[int, int] | None, float | None]:
    header = Remote(body).header()
    kind = found_type(header.start)
    return kind, image_size(kind, header), duration(kind, header)


@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_of_pillow(kind: str) -> None:
    assert look(IMAGES[kind]) == (kind, SIZES[kind], None)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}])
def test_every_kind_of_webp(options: dict[str, object]) -> None:
    assert look(samples.image("WEBP", 1000, 3, **options)) == ("image/webp", (1000, 3), None)


def test_a_progressive_jpeg() -> None:
    assert look(samples.image("JPEG", 99, 88, progressive=True))[1] == (99, 88)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG2000", "ICO"])
def test_an_image_whose_size_is_not_read(kind: str) -> None:
    name = {"TIFF": "image/tiff", "JPEG2000": "image/jp2", "ICO": "image/vnd.microsoft.icon"}[kind]

    assert look(samples.image(kind, 32, 32)) == (name, None, None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(samples.wav(1.5), ("audio/wav", 1.5), id="wav"),
        pytest.param(samples.flac(215), ("audio/flac", 215.0), id="flac"),
        pytest.param(samples.mp4(12.5), ("video/mp4", 12.5), id="mp4"),
        pytest.param(samples.mp4(12.5, wide=True), ("video/mp4", 12.5), id="mp4-wide"),
        pytest.param(samples.mp4(3, brand=b"M4A "), ("audio/mp4", 3.0), id="m4a"),
        pytest.param(samples.mp4(3, brand=b"qt  "), ("video/quicktime", 3.0), id="mov"),
        pytest.param(samples.mp4(7, media=500_000, at_end=True), ("video/mp4", 7.0), id="mp4-at-end"),
        pytest.param(samples.mp4(0, length=2**32 - 1), ("video/mp4", None), id="mp4-unknown"),
    ],
)
def test_a_duration(body: bytes, expected: tuple[str, float | None]) -> None:
    kind, _, seconds = look(body)

    assert (kind, seconds) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"\0\0\0\x1cftypheic", "image/heic"),
        (b"\0\0\0\x1cftypavif", "image/avif"),
        (b"OggS" + b"\0" * 24 + b"OpusHead", "audio/ogg"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"PK\x03\x04", "application/zip"),
        (b"plain text", None),
        (b"", None),
    ],
)
def test_a_type_without_size_or_duration(body: bytes, expected: str | None) -> None:
    assert look(body) == (expected, None, None)


def test_a_header_that_is_spread_out_takes_few_requests() -> None:
    remote = Remote(samples.jpeg_with_long_beginning(640, 480, segments=3))
    header = remote.header()

    assert image_size("image/jpeg", header) == (640, 480)
    assert remote.requests == 3


def test_a_header_that_is_spread_out_too_far_is_given_up() -> None:
    remote = Remote(samples.jpeg_with_long_beginning(640, 480, segments=30))

    assert image_size("image/jpeg", remote.header()) is None
    assert remote.requests < 10


KNOWN = [*IMAGES.values(), samples.wav(0.1), samples.flac(3), samples.mp4(1), samples.mp4(1, wide=True)]


@given(st.sampled_from(KNOWN), st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_files_are_no_error(body: bytes, data: st.DataObject) -> None:
    damaged = bytearray(body[: data.draw(st.integers(0, 300))])
    for place, value in data.draw(
        st.dictionaries(st.integers(8, 299), st.integers(0, 255), max_size=20)
    ).items():
        if place < len(damaged):
            damaged[place] = value

    look(bytes(damaged))
