"""What people typed, as a page can give it back: HTML has no control characters. Pure."""

import re

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Stands where a character could not be given back; what holds it is not taken."""

_NO_CHARACTERS = "\ufdd0-\ufdef" + "".join(f"{chr(0x10000 * n + 0xFFFE)}{chr(0x10000 * n + 0xFFFF)}" for n in range(17))
_FORBIDDEN = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_NO_CHARACTERS}]")


def readable(text: str) -> str:
    return _FORBIDDEN.sub(UNREADABLE, text)
