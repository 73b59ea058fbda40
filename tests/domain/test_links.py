"""Confirmation links: only a token that we made is read, and only with a key that we still have."""

import base64
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.links import Links
from tests.domain.facts import ONE, TWO

URL = "https://confirm.example.vn"
OLD, NEW, OTHER = (
    "an old key of thirty-two letters",
    "a new key of thirty-two letters.",
    "a key that was never ours ......",
)
LINKS = Links(URL, [NEW, OLD])


def raw(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def token_of(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@given(st.uuids())
def test_a_token_reads_back_as_its_confirmation(registration_id: UUID) -> None:
    assert LINKS.read(LINKS.token(registration_id)) == registration_id


def test_a_link_is_the_public_address_and_the_token_and_the_same_every_time() -> None:
    assert LINKS.link(ONE) == f"{URL}/confirmations/{LINKS.token(ONE)}"
    assert LINKS.token(ONE) == Links("https://elsewhere.vn", [NEW]).token(ONE)


@given(st.uuids())
def test_a_token_holds_nothing_that_an_address_must_escape(registration_id: UUID) -> None:
    assert all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in LINKS.token(registration_id))


@given(st.uuids(), st.data())
def test_every_bit_of_it_is_guarded(registration_id: UUID, data: st.DataObject) -> None:
    signed = bytearray(raw(LINKS.token(registration_id)))
    bit = data.draw(st.integers(0, len(signed) * 8 - 1))
    signed[bit // 8] ^= 1 << bit % 8
    assert LINKS.read(token_of(bytes(signed))) is None


@given(st.uuids(), st.uuids())
def test_the_signature_of_one_confirmation_is_none_for_another(one: UUID, two: UUID) -> None:
    mixed = raw(LINKS.token(one))[:20] + raw(LINKS.token(two))[20:]
    assert LINKS.read(token_of(mixed)) == (one if one == two else None)


@given(st.integers(0, 69))
def test_a_shortened_or_lengthened_token_is_refused(length: int) -> None:
    assert LINKS.read(LINKS.token(ONE)[:length]) is None
    assert LINKS.read(LINKS.token(ONE) + "A" * (length + 1)) is None


@given(st.text(max_size=100) | st.text("ABCabc019-_=", min_size=60, max_size=80) | st.binary(max_size=80).map(token_of))
def test_nothing_is_read_from_garbage(garbage: str) -> None:
    assert LINKS.read(garbage) is None


def test_while_keys_change_both_verify_and_the_first_signs() -> None:
    before, during, after = Links(URL, [OLD]), Links(URL, [NEW, OLD]), Links(URL, [NEW])
    assert during.token(ONE) == after.token(ONE) != before.token(ONE)
    assert during.read(before.token(ONE)) == ONE
    assert after.read(during.token(ONE)) == ONE
    assert after.read(before.token(ONE)) is None


def test_a_token_of_a_key_that_is_not_ours_is_refused() -> None:
    assert LINKS.read(Links(URL, [OTHER]).token(ONE)) is None


def test_a_keys_id_does_not_make_another_keys_signature_good() -> None:
    ours, theirs = raw(LINKS.token(ONE)), raw(Links(URL, [OTHER]).token(ONE))
    assert LINKS.read(token_of(ours[:20] + theirs[20:])) is None


def test_one_confirmation_has_one_token() -> None:
    """Sixteen last letters decode to the same bytes: nothing is forged, but one page has many addresses."""
    for registration_id in (ONE, TWO):
        token = LINKS.token(registration_id)
        others = {token[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"}
        others |= {token + "==", token.replace("-", "+").replace("_", "/")}
        assert [it for it in sorted(others - {token}) if LINKS.read(it)] == []
