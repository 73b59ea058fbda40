"""The contract: which values an event accepts, how it writes them, and which fields each has."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError, create_model

from shared import events as e
from shared.events import Email, Event, Key, Name, Reason, Time, normal_email
from tests.domain.facts import NOW, account_updated, confirmed, registration_closed, requested, vng_approved

# What each field is, by hand from the design; "?" may be null.
WHO = {"partner_id": "key", "partner_name": "name", "customer_email": "email", "common_name": "name"}
REQUESTER = {"requested_by": "email", "requester_locale": "locale"}
FIELDS: dict[type[Event], dict[str, str]] = {
    e.RegistrationRequested: {"registration_id": "id", "batch_id": "id?", **WHO, "role": "role", **REQUESTER,
                              "requested_at": "time"},
    e.RegistrationWithdrawn: {"registration_id": "id", "partner_id": "key", "withdrawn_by": "email",
                              "reason": "reason?", "withdrawn_at": "time"},
    e.ConfirmationResendRequested: {"registration_id": "id", "partner_id": "key", "requested_by": "email",
                                    "requested_at": "time"},
    e.AccountUpdated: {"email": "email", "account_id": "key", "holder_name": "name", "locale": "locale",
                       "billing": "billing", "credit_balance": "whole", "active_services": "count",
                       "active_discounts": "count", "in_poc": "bool", "vng_customer": "bool", "version": "whole",
                       "updated_at": "time"},
    e.RegistrationOpened: {"registration_id": "id", **WHO, "role": "role", "locale": "locale", **REQUESTER,
                           "opened_at": "time"},
    e.ConfirmationSent: {"registration_id": "id", "partner_id": "key", "number": "count", "sent_at": "time",
                         "valid_until": "time", "resends_left": "count", "next_resend_at": "time?"},
    e.ConfirmationResendRefused: {"registration_id": "id", "partner_id": "key", "requested_at": "time",
                                  "code": "resend_code"},
    e.ConfirmationUndeliverable: {"registration_id": "id", "partner_id": "key", "detail": "reason",
                                  "failed_at": "time"},
    e.CustomerConfirmed: {"registration_id": "id", **WHO, "role": "role", "confirmed_at": "time"},
    e.CustomerDeclined: {"registration_id": "id", "reason": "reason?", "declined_at": "time"},
    e.ConfirmationExpired: {"registration_id": "id", "expired_at": "time"},
    e.VngApproved: {"registration_id": "id", "approved_by": "name", "note": "reason?", "override_reason": "reason?",
                    "failing_codes": "keys", "approved_at": "time"},
    e.VngRejected: {"registration_id": "id", "rejected_by": "name", "reason": "reason", "rejected_at": "time"},
    e.ReviewDue: {"registration_id": "id", "partner_name": "name", "customer_email": "email", "claimed_by": "email?",
                  "due_at": "time"},
    e.RegistrationApproved: {"registration_id": "id", **WHO, "account_id": "key", "role": "role", "locale": "locale",
                             **REQUESTER, "approved_by": "name", "approved_at": "time"},
    e.RegistrationClosed: {"registration_id": "id", **WHO, "locale": "locale?", **REQUESTER, "outcome": "outcome",
                           "reasons": "reasons", "closed_at": "time"},
    e.Quarantined: {"service": "key", "topic": "key", "partition": "count", "offset": "count", "reason": "reason",
                    "quarantined_at": "time"},
}  # fmt: skip

_one_line = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60)
_text = _one_line.filter(lambda text: text.strip() != "")
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.uuids(),
    "key": _text,
    "name": _text,
    "email": st.from_regex(r"[a-z0-9]{1,20}(\+[a-z]{1,5})?@[a-z]{1,10}\.vn", fullmatch=True),
    "role": st.just("Partner"),
    "locale": st.sampled_from(e.Locale),
    "billing": st.sampled_from(e.Billing),
    "outcome": st.sampled_from(e.Outcome),
    "resend_code": st.sampled_from(["too_soon", "limit", "not_pending"]),
    "bool": st.booleans(),
    "count": st.integers(0, 2**31 - 1),
    "whole": st.integers(-(2**63), 2**63 - 1),
    "time": st.datetimes(datetime(2000, 1, 2), datetime(2999, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
    "reason": _text,
    "keys": st.lists(_text, max_size=3).map(tuple),
    "reasons": st.lists(_text, max_size=3).map(tuple),
}


def any_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Events of one kind, every field by its description above."""
    values = {}
    for name, described in FIELDS[kind].items():
        strategy = KINDS[described.removesuffix("?")]
        values[name] = strategy | st.none() if described.endswith("?") else strategy
    return st.fixed_dictionaries(values).map(lambda given: kind(**given))


any_event = st.one_of([any_of(kind) for kind in FIELDS])


def read(kind: Any, value: object) -> Any:
    """As a JSON value is read: an event by its own rules, another type as the field of an event."""
    if isinstance(kind, type) and issubclass(kind, Event):
        return kind.model_validate_json(TypeAdapter(Any).dump_json(value))
    one_field: Any = create_model("OneField", __base__=Event, it=(kind, ...))
    return one_field.model_validate_json(TypeAdapter(Any).dump_json({"it": value})).model_dump()["it"]


def test_every_event_has_the_fields_of_the_contract() -> None:
    assert {kind: set(kind.model_fields) for kind in FIELDS} == {kind: set(fields) for kind, fields in FIELDS.items()}


def test_the_contract_above_names_every_event() -> None:
    assert set(FIELDS) == set(Event.__subclasses__())


@given(any_event, st.data())
def test_null_is_accepted_exactly_where_the_contract_says_so(event: Event, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(type(event).model_fields)))
    values = event.model_dump(mode="json") | {name: None}
    if FIELDS[type(event)][name].endswith("?"):
        assert getattr(read(type(event), values), name) is None
    else:
        with pytest.raises(ValidationError):
            read(type(event), values)


@given(any_event)
def test_every_event_reads_back_from_its_own_json(event: Event) -> None:
    written = event.model_dump_json()
    again = type(event).model_validate_json(written)
    assert again == event
    assert again.model_dump_json() == written


@given(any_event)
def test_a_time_is_written_in_utc_with_a_z(event: Event) -> None:
    for name, described in FIELDS[type(event)].items():
        written = event.model_dump(mode="json")[name]
        if described.startswith("time") and written is not None:
            assert written.endswith("Z")
            assert datetime.fromisoformat(written) == getattr(event, name)


def test_a_field_that_nobody_knows_is_ignored() -> None:
    values = confirmed().model_dump(mode="json") | {"invented_later": [1]}
    assert read(e.CustomerConfirmed, values) == confirmed()


@pytest.mark.parametrize("left_out", ["batch_id", "role", "requester_locale"])
def test_a_request_may_leave_out_what_has_a_default(left_out: str) -> None:
    values = requested().model_dump(mode="json")
    del values[left_out]
    standing = {"batch_id": None, "role": "Partner", "requester_locale": e.Locale.VI}
    assert getattr(read(e.RegistrationRequested, values), left_out) == standing[left_out]


def test_an_approval_may_leave_out_note_override_and_codes() -> None:
    values = {
        "registration_id": str(UUID(int=1)),
        "approved_by": "lan@vng.example",
        "approved_at": "2026-07-01T09:00:00Z",
    }
    it = read(e.VngApproved, values)
    assert (it.note, it.override_reason, it.failing_codes) == (None, None, ())


def test_the_key_is_the_registration_the_accounts_address_or_the_service() -> None:
    assert confirmed().key == str(confirmed().registration_id)
    assert account_updated("An@Example.VN").key == "an@example.vn"
    quarantined = e.Quarantined(service="approver", topic="t", partition=0, offset=1, reason="r", quarantined_at=NOW)
    assert quarantined.key == "approver"


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(confirmed(), "partner_id", "another")  # noqa: B010  # mypy knows that it cannot be set


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  An.Nguyen+Thue@Example.VN \n", "an.nguyen+thue@example.vn"),
        ("KHÁCH@Example.vn", "khách@example.vn"),
        ("an@ĐẸP.vn", "an@đẹp.vn"),
        ("AN@EXAMPLE.TEST", "an@example.test"),
    ],
)
def test_an_address_is_trimmed_and_lower_cased_and_keeps_dots_and_tag(typed: str, kept: str) -> None:
    assert read(Email, typed) == kept


@pytest.mark.parametrize(
    "typed", ["", "an", "an@", "@example.vn", "an@localhost", "an@@example.vn", "a n@example.vn",
              "an@example.vn,b@x.vn", "An <an@example.vn>", "an@[127.0.0.1]", "an\r\nbcc@example.vn",
              "an@" + "abcdefgh." * 30 + "vn"],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        read(Email, typed)


@given(st.text(max_size=80) | st.emails())
def test_a_normal_address_is_its_own_normal_form_and_a_bad_one_a_value_error(text: str) -> None:
    try:
        once = normal_email(text)
    except ValueError:
        return
    assert normal_email(once) == once


LOCAL = st.text("az09_+-.", min_size=1, max_size=70)
DOMAIN = st.one_of(
    st.text("ab1-.@ ", max_size=20).map("x{}.vn".format),
    st.sampled_from(
        ["example.vn", "EXAMPLE.VN", "localhost", "x.local", "x.test", "1.2.3.4", "xn--a.vn", "a." * 95 + "vn"]
    ),
    st.from_regex(r"[a-z0-9]{60,64}\.vn", fullmatch=True),
)


@given(LOCAL, DOMAIN)
@example("a" * 65, "a." * 93 + "vn")  # 254 characters
@example("a" * 60, "đẹp." * 17 + "vn")  # too long only as it is sent
@example("a..b", "example.vn")
def test_an_address_is_what_the_library_says_of_the_whole_of_it(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    try:
        whole = validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        with pytest.raises(ValueError, match=r".+"):
            normal_email(text)
    else:
        assert normal_email(text) == whole


@pytest.mark.parametrize("kind", [Name, Reason, Key])
def test_what_is_far_too_long_is_refused_before_it_is_composed(kind: Any) -> None:
    """A million marks over one letter: composing them takes time by the square of their number, here minutes."""
    with pytest.raises(ValidationError, match="at most"):
        TypeAdapter(kind).validate_python("a" + "\u0301" * 500_000 + "\u0323" * 500_000)


def test_spaces_around_a_name_do_not_count() -> None:
    assert TypeAdapter(Name).validate_python(" " * 5_000 + "A\u0309n" + " " * 5_000) == "\u1ea2n"


def test_a_name_is_trimmed_and_composed() -> None:
    decomposed = "Nguye\u0302\u0303n"
    assert read(Name, f" \t{decomposed}\u00a0 ") == "Nguy\u1ec5n"


def test_a_name_has_1_to_200_characters() -> None:
    assert len(read(Name, "ạ" * 200)) == 200
    for bad in ("", "   ", "ạ" * 201):
        with pytest.raises(ValidationError):
            read(Name, bad)


def test_a_name_that_was_accepted_is_accepted_again() -> None:
    """NFC writes U+0958 as two characters: the name must be refused, or be accepted wherever it is read later."""
    try:
        kept = read(Name, "\u0958" * 200)
    except ValidationError:
        return
    assert read(Name, kept) == kept


@pytest.mark.parametrize("inside", ["\x00", "\n", "\r\n", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("kind", [Name, Key])
def test_names_and_keys_hold_no_control_characters(kind: Any, inside: str) -> None:
    with pytest.raises(ValidationError):
        read(kind, f"a{inside}b")


def test_a_reason_may_have_lines_and_no_other_control_characters() -> None:
    assert read(Reason, " one\n\ttwo\r\n") == "one\n\ttwo"
    assert len(read(Reason, "a" * 1000)) == 1000
    for bad in ("a\x00b", "a\x1bb", "a\x85b", "", "a" * 1001):
        with pytest.raises(ValidationError):
            read(Reason, bad)


def test_a_time_in_another_zone_is_the_same_moment_in_utc() -> None:
    it = read(Time, "2026-07-01T16:00:00+07:00")
    assert it == NOW
    assert it.tzinfo is UTC
    hanoi = timezone(timedelta(hours=7))
    assert '"2026-07-01T09:00:00Z"' in confirmed(confirmed_at=NOW.astimezone(hanoi)).model_dump_json()


@pytest.mark.parametrize(
    "written", ["2026-07-01T09:00:00", "2026-07-01", "2026", "1970", "tomorrow", "", 1783000000, None, True,
                "2026-13-01T09:00:00Z", "0001-01-01T00:00:00+01:00"],
)  # fmt: skip
def test_a_time_without_zone_or_not_a_time_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        read(Time, written)


def test_a_time_that_utc_cannot_hold_is_refused_like_any_other() -> None:
    with pytest.raises(ValidationError):
        read(Time, "9999-12-31T23:59:59-01:00")


def test_digits_alone_are_no_time() -> None:
    with pytest.raises(ValidationError):
        read(Time, "1783000000")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "5"),
        ("version", 5.0),
        ("version", True),
        ("version", 2**63),
        ("active_services", "1"),
        ("active_services", -1),
        ("active_services", 2**31),
        ("credit_balance", 1.5),
        ("credit_balance", None),
        ("in_poc", 1),
        ("in_poc", "true"),
        ("vng_customer", 0),
        ("account_id", 17),
        ("account_id", ""),
        ("account_id", "a" * 101),
        ("holder_name", ["An"]),
        ("locale", "fr"),
        ("locale", "VI"),
        ("billing", "later"),
        ("updated_at", 1783000000),
    ],
)
def test_a_value_of_another_type_is_refused_and_never_converted(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        read(e.AccountUpdated, account_updated().model_dump(mode="json") | {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("registration_id", "1"), ("registration_id", 1), ("batch_id", "x"), ("role", "Reseller"), ("role", "partner")],
)
def test_a_request_with_another_kind_of_id_or_role_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        read(e.RegistrationRequested, requested().model_dump(mode="json") | {field: value})


def test_lists_hold_what_they_say() -> None:
    closed = registration_closed().model_dump(mode="json")
    approved = vng_approved().model_dump(mode="json")
    for kind, values in [
        (e.RegistrationClosed, closed | {"reasons": "not now"}),
        (e.RegistrationClosed, closed | {"reasons": [1]}),
        (e.RegistrationClosed, closed | {"outcome": "approved"}),
        (e.VngApproved, approved | {"failing_codes": [""]}),
    ]:
        with pytest.raises(ValidationError):
            read(kind, values)


def test_an_event_takes_what_it_shares_with_its_source() -> None:
    it = e.RegistrationOpened.about(requested(), locale=e.Locale.EN, opened_at=NOW)
    assert it.model_dump(exclude={"locale", "opened_at"}) == requested().model_dump(
        exclude={"batch_id", "requested_at"}
    )
