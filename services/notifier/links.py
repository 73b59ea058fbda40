"""Confirmation links. A token holds the confirmation's id, the id of the key that signed it and an HMAC: nothing of it
is stored or logged, and none can be guessed. Keys change with two alive: the first signs, both verify.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

_KEY_ID = 4  # bytes of each part
_ID = 16
_MAC = 32


class Links:
    """`public_url` is where customers reach notifier; `keys` has one key or two."""

    def __init__(self, public_url: str, keys: Sequence[str]) -> None:
        self._public_url = public_url
        self._keys = [key.encode() for key in keys]

    def link(self, registration_id: UUID) -> str:
        return f"{self._public_url}/confirmations/{self.token(registration_id)}"

    def token(self, registration_id: UUID) -> str:
        key = self._keys[0]
        signed = _key_id(key) + registration_id.bytes
        return _encoded(signed + _mac(key, signed))

    def read(self, token: str) -> UUID | None:
        """The confirmation that the token was made for; None for one that we did not make."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) != _KEY_ID + _ID + _MAC or token != _encoded(raw):  # one confirmation, one token
            return None
        signed, mac = raw[: _KEY_ID + _ID], raw[_KEY_ID + _ID :]
        for key in self._keys:
            if hmac.compare_digest(signed[:_KEY_ID], _key_id(key)) and hmac.compare_digest(mac, _mac(key, signed)):
                return UUID(bytes=signed[_KEY_ID:])
        return None


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"key id" + key).digest()[:_KEY_ID]


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, b"confirmation" + signed, hashlib.sha256).digest()
