"""Lists of customers as programs write them."""

import unicodedata

TONES = "\u0300\u0301\u0303\u0309\u0323"


def in_vietnamese_windows(text: str) -> bytes:
    """As Excel saves a CSV file on a Vietnamese Windows: code page 1258, most tones after their vowels."""
    return b"".join(_letter(letter) for letter in unicodedata.normalize("NFC", text))


def _letter(letter: str) -> bytes:
    try:
        return letter.encode("cp1258")
    except UnicodeEncodeError:
        parts = unicodedata.normalize("NFD", letter)
        tone = next(part for part in parts if part in TONES)
        return unicodedata.normalize("NFC", parts.replace(tone, "")).encode("cp1258") + tone.encode("cp1258")
