"""What kind of file an object is, by its first bytes: the types of IANA's registry.

Signatures are those of the formats' own specifications; what has none stays unknown (None).
"""

from __future__ import annotations

# (offset, bytes, type), the first that matches counts.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\x00\x00\x01\x00", "image/vnd.microsoft.icon"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"MThd", "audio/midi"),
    (0, b"#!AMR\n", "audio/amr"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "video/x-ms-asf"),
    (128, b"DICM", "application/dicom"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
)
# The four letters behind RIFF and its length; AIFF is the same the other way round.
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_FORM = {b"AIFF": "audio/aiff", b"AIFC": "audio/aiff"}
# ISO/IEC 14496-12, major brands of the box `ftyp`, and the registry at mp4ra.org.
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"3gp4": "video/3gpp",
    b"3gp5": "video/3gpp",
    b"crx ": "image/x-canon-cr3",
}
_MP4 = "video/mp4"
# ISO/IEC 11172-3: eleven bits of sync, version, layer (never 00), bit rate (never 1111), rate (never 11).
_SYNC, _SYNC_MASK = 0xFFE0, 0xFFE0


def found_type(start: bytes) -> str | None:
    """Return the media type that an object's first bytes tell; None if they tell none."""
    for offset, signature, name in _SIGNATURES:
        if start[offset : offset + len(signature)] == signature:
            return name
    return _contained(start) or _sounds_like(start) or _reads_like(start)


def _contained(start: bytes) -> str | None:
    """Tell the kinds of a container format by what it names next."""
    found = None
    if start[4:8] == b"ftyp":
        found = _BRANDS.get(start[8:12], _MP4)
    elif start[:4] in {b"RIFF", b"FORM"}:
        found = (_RIFF if start[:4] == b"RIFF" else _FORM).get(start[8:12])
    elif start[:4] == b"\x1aE\xdf\xa3":
        found = "video/webm" if b"webm" in start[:64] else "video/matroska"
    elif start[:4] == b"OggS":
        found = _ogg(start)
    elif start[:2] == b"BM" and start[6:10] == b"\0\0\0\0" and len(start) >= 26:
        found = "image/bmp"
    return found


def _ogg(start: bytes) -> str:
    """An Ogg page's first packet names the codec (RFC 3533)."""
    codec = start[28:36]
    if codec.startswith((b"\x80theora", b"\x01video")):
        return "video/ogg"
    return "audio/ogg"


def _sounds_like(start: bytes) -> str | None:
    """Tell a bare MPEG audio or AAC frame."""
    if len(start) < 4 or int.from_bytes(start[:2], "big") & _SYNC_MASK != _SYNC:
        return None
    layer, rates = (start[1] >> 1) & 3, start[2]
    if layer == 0:
        # ADTS: twelve bits of sync, layer always 0.
        return "audio/aac" if start[1] & 0xF6 == 0xF0 else None
    return "audio/mpeg" if rates >> 4 != 0xF and (rates >> 2) & 3 != 3 else None


def _reads_like(start: bytes) -> str | None:
    """Tell the one image format that is text."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1024].lower()
    if text.startswith(b"<svg") or (
        text.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in text
    ):
        return "image/svg+xml"
    return None
