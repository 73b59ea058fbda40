"""Letters that may be taken for others. Addresses and names with them are accepted, and pointed out. Pure."""

import unicodedata

_MOST_READ = 1_000  # characters: what is longer is refused anyway
_LOOK_LATIN = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "FULLWIDTH LATIN", "MATHEMATICAL")


def beyond_ascii(address: str) -> str:
    """What an address has beyond plain letters, digits and signs, each once: a slip of the keyboard, or a lookalike."""
    return " ".join(dict.fromkeys(sign for sign in address.strip()[:_MOST_READ] if ord(sign) > 126))


def foreign_letters(name: str) -> str:
    """Letters of other alphabets inside of words that have Latin ones too, each once."""
    found: dict[str, None] = {}
    for word in name[:_MOST_READ].split():
        foreign = [letter for letter in word if unicodedata.name(letter, "").startswith(_LOOK_LATIN)]
        if foreign and any(unicodedata.name(letter, "").startswith("LATIN") for letter in word):
            found |= dict.fromkeys(foreign)
    return " ".join(found)
