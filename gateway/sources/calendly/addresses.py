"""Ids that are made of e-mail addresses, which they do not show: a global id is no secret.

Calendly has no records of people. Whoever it alone knows is an address; the id is that address, folded and encrypted
by AES-SIV (RFC 5297), which gives the same id for the same address as long as the key is the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.model.filters import fold_email

_PURPOSE = b"meeting-gateway ids of addresses 1:"
MOST_CHARS = 320
"""Characters that an address has at most (RFC 3696, errata 1690)."""


class AddressIds:
    """The ids of addresses under one key.

    Args:
        secret: What the key is derived from.
    """

    def __init__(self, secret: str) -> None:
        self._cipher = AESSIV(hashlib.sha512(_PURPOSE + secret.encode()).digest())

    def id_of(self, address: str) -> str:
        """The id of an address, whatever its case."""
        sealed = self._cipher.encrypt(fold_email(address).encode(), None)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def address_of(self, id_: str) -> str | None:
        """The address, folded, that an id was made of; None where it is none of ours, or of another key."""
        try:
            sealed = base64.b64decode(id_ + "=" * (-len(id_) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(sealed, None).decode()
        except (ValueError, binascii.Error, InvalidTag):
            return None
