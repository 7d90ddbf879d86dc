"""Files of each kind, made by libraries that are not ours, or by hand as the formats' specifications say."""

import io
import struct
import wave

from PIL import Image


def image(kind: str, width: int, height: int, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (width % 256, height % 256, 99)).save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_with_long_beginning(width: int, height: int, segments: int) -> bytes:
    """A JPEG whose frame header stands behind so many segments of 64 KB, as long profiles make them."""
    plain = image("JPEG", width, height)
    segment = b"\xff\xec" + struct.pack(">H", 65_000) + b"x" * 64_998
    return plain[:2] + segment * segments + plain[2:]


def wav(seconds: float, rate: int = 8000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0\0\0" * int(seconds * rate))
    return buffer.getvalue()


def flac(seconds: int, rate: int = 44_100) -> bytes:
    """RFC 9639, 8.2: STREAMINFO, and no frame behind it."""
    samples = seconds * rate
    info = struct.pack(">HH", 4096, 4096) + b"\0" * 6
    info += (rate << 44 | 1 << 41 | 15 << 36 | samples).to_bytes(8, "big") + b"\0" * 16
    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + name + body


def mp4(
    seconds: float,
    *,
    brand: bytes = b"isom",
    media: int = 100,
    at_end: bool = False,
    wide: bool = False,
    length: int | None = None,
) -> bytes:
    """ISO/IEC 14496-12: `moov` before or behind so many bytes of `mdat`."""
    scale = 600
    units = int(seconds * scale) if length is None else length
    if wide:
        times = struct.pack(">B3xQQIQ", 1, 0, 0, scale, units)
    else:
        times = struct.pack(">B3xIIII", 0, 0, 0, scale, units)
    moov = _box(b"moov", _box(b"udta", b"some words"), _box(b"mvhd", times, b"\0" * 80))
    mdat = _box(b"mdat", b"m" * media)
    begin = _box(b"ftyp", brand, b"\0\0\2\0", b"isom")
    return begin + (mdat + moov if at_end else moov + mdat)
