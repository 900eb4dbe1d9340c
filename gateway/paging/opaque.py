"""Bytes as opaque text: base64 in the alphabet for URLs, without padding."""

from __future__ import annotations

from binascii import b2a_base64

_FOR_URLS = bytes.maketrans(b"+/", b"-_")


def opaque(data: bytes) -> str:
    """The text; written for each row of an answer, and so without the detours of `base64`."""
    return b2a_base64(data, newline=False).translate(_FOR_URLS).rstrip(b"=").decode()
