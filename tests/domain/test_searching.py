"""Words are found as people type them: without accents, from their beginnings, whatever else is typed."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.searching import LONGEST_WORD, MOST_WORDS, folded, query


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Nguyễn Thị Đặng-Ân", "nguyen thi dang an"),
        ("ĐỖ  văn\tÝ", "do van y"),
        ("An.Nguyen+tag@Minh-Phat.example", "an nguyen tag minh phat example"),
        ("Straße Ⅷ ﬁ", "strasse viii fi"),
        ("=HYPERLINK('x')&|!:*", "hyperlink x"),
        ("안녕 中文", "안녕 中文"),
        ("\U0001f469\u200d\U0001f4bb \u202e", ""),
    ],
)
def test_words_are_plain(text: str, words: str) -> None:
    assert unicodedata.normalize("NFC", folded(text)) == words


@given(st.text())
def test_what_is_folded_holds_letters_and_single_spaces_only(text: str) -> None:
    words = folded(text).split(" ") if folded(text) else []
    assert all(word.isalnum() and len(word) <= LONGEST_WORD for word in words)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text())
def test_accents_and_capitals_make_no_difference(text: str) -> None:
    assert folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFC", text))


@given(st.text())
def test_a_query_is_quoted_words_and_nothing_that_was_typed_besides(typed: str) -> None:
    asked = query(typed, "m")
    assert asked is None or re.fullmatch(r"('m[^'\\]+' & )*'m[^'\\]+':\*", asked)
    assert (asked or "").count("'m") == min(len(folded(typed).split()), MOST_WORDS)
