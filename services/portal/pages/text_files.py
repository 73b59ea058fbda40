"""The text of a file that a person has, whatever program wrote it. Pure."""

import codecs
import re
import unicodedata
from itertools import groupby

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x7f]")
_MOST_MARKS = 30
"""No letter has more, and composing very many takes time by the square of their number."""
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_TONE_IN_WRONG_PLACE = re.compile(rf"(?<![aăâeêioôơuưyAĂÂEÊIOÔƠUƯY])[{_TONES}]")


def text_of(data: bytes) -> str | None:
    """None for what is no text: a workbook, a picture."""
    text = _decoded(data)
    if not _piled_up(text):
        text = unicodedata.normalize("NFC", text)
    return None if _NO_TEXT.search(text) else text


def _piled_up(text: str) -> bool:
    runs = groupby(text, lambda letter: letter > "\u02ff" and bool(unicodedata.combining(letter)))
    return any(is_mark and sum(1 for _ in run) > _MOST_MARKS for is_mark, run in runs)


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if data[1:2] == b"\0":
        return data.decode("utf-16-le", "replace")
    if data[:1] == b"\0":
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _of_windows(data)


def _of_windows(data: bytes) -> str:
    """Vietnam's code page, in which a tone follows its vowel; where one does not, the Western one was meant. Letters
    that either may mean (ă and ã) are read as Vietnamese."""
    text = data.decode("cp1258", "replace")
    if _TONE_IN_WRONG_PLACE.search(text) or "\ufffd" in text:
        return data.decode("cp1252", "replace")
    return text
