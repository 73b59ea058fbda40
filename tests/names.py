"""Names that people may give themselves, and that pages and mails must show as names."""

import re

HOSTILE = {
    "markup": '<b onclick="x()">R&D</b><!-- \'',
    "override": "Công ty \u202egnuht",
    "end of isolate": "Công ty \u2069\u202egnuht",
    "open isolates": "\u2067Công \u2066ty",
    "right to left": "شركة 12 (א)",
    "emoji": "🐉 Rồng 👩‍👩‍👧",
    "formula": '=HYPERLINK("https://evil.example")',
    "quote": "> “Không",
    "address": "https://evil.example/sign-in",
    "homoglyphs": "VNG Сlоud",
    "template": "{{ 7 * 7 }} %(partner)s %s",
    "long": "Ấ" * 200,
}
SIGNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Those of direction."""


def outside_isolates(text: str) -> str:
    """What is not within an isolate, as the bidirectional algorithm pairs their signs. Each must have its end."""
    kept, depth = [], 0
    for letter in text:
        depth += letter in "\u2066\u2067\u2068"
        if depth == 0:
            kept.append(letter)
        depth -= letter == "\u2069" and depth > 0
    assert depth == 0
    return "".join(kept)
