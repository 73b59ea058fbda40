"""Bytes from anybody, as text that a terminal or a page can show: nothing in it moves the words around it. Pure."""


def readable(value: bytes | None, most: int | None = None) -> str:
    """The text where the bytes are UTF-8, else hexadecimal digits; "null" where there are none. `most`: bytes shown."""
    if value is None:
        return "null"
    shown = value if most is None else value[:most]
    try:
        return visible(_whole(shown).decode() if len(shown) < len(value) else shown.decode())
    except UnicodeDecodeError:
        return f"hex {shown.hex()}"


def visible(text: str) -> str:
    """Characters that have no picture of their own are written as escapes; ends of lines stay."""
    return "".join(letter if letter == "\n" or letter.isprintable() else _escape(letter) for letter in text)


def one_line(text: str) -> str:
    return visible(text).replace("\n", "\\n")


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def _whole(cut: bytes) -> bytes:
    """Without the beginning of a character that was cut in two."""
    for back in range(1, min(4, len(cut) + 1)):
        byte = cut[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return cut[:-back] if length > back else cut
        if byte < 0x80:
            break
    return cut
