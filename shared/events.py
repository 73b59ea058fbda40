"""The events that services exchange: the contract, field by field.

An event is frozen, says everything that correctness needs in its data alone, and never changes within `v1`: unknown
fields are ignored on reading, and no field is renamed, removed or retyped. Times are RFC 3339 in UTC. A value that
breaks a rule here is refused on reading with pydantic's `ValidationError`, and the consumer quarantines it.
"""

import re
import unicodedata
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)


def normal_email(text: str) -> str:
    """The address as every service compares it: trimmed, checked without DNS, lower-cased; `+tag` and dots are kept.

    Raises ValueError with a sentence for people.
    """
    return _normal_email(text.strip())


_PLAIN_LOCAL = re.compile(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*", re.ASCII)


def _normal_email(text: str) -> str:
    """A plain local part is right by itself: before it stands the library's verdict on the domain, asked for once."""
    if len(text) > 254:
        raise ValueError("The email address is longer than 254 characters.")
    local, _at, domain = text.partition("@")
    if text.isascii() and _PLAIN_LOCAL.fullmatch(local):
        return local + _checked(f"a@{domain}")[1:]
    return _checked(text)


@lru_cache(maxsize=100_000)  # checking costs 40 µs, and one address, or its domain, passes every service many times
def _checked(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as problem:
        raise ValueError(str(problem)) from None


_IS_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_IS_CONTROL_BUT_LINES = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_CONTROL = re.compile(f"[{_IS_CONTROL}]")
_CONTROL_BUT_LINES = re.compile(f"[{_IS_CONTROL_BUT_LINES}]")


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("Control characters are not allowed; write it on one line.")
    return text


def _prose(text: str) -> str:
    if _CONTROL_BUT_LINES.search(text):
        raise ValueError("Control characters other than line breaks are not allowed.")
    return text


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("The time is beyond what UTC can hold.") from None


def _written(value: Any) -> Any:
    """Times are text in RFC 3339. Digits alone would be read as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value.upper()):
        return value
    raise ValueError('Expected an RFC 3339 time, for example "2026-07-01T09:00:00Z".')


RFC_3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
_LONGEST_COMPOSED = 4000  # characters: four of them become one at most, and no text here may hold more than 1000


def _composed(value: Any) -> Any:
    """Before lengths are checked: some letters become two. What is too long whatever becomes of it stays as it is:
    composing a million marks over one letter would take minutes.
    """
    if not isinstance(value, str) or len(text := value.strip()) > _LONGEST_COMPOSED:
        return value
    return unicodedata.normalize("NFC", text)


def _told(description: str, **more: Any) -> Any:
    """What the published JSON Schema says of a type beyond what pydantic knows of it. Changes nothing of decoding."""
    return Field(description=description, json_schema_extra=more)


def _text_without(letters: str) -> str:
    """A pattern, in JSON Schema's dialect and Python's alike, of text with something to see and none of `letters`."""
    return rf"^[^{letters}]*[^{letters}\s][^{letters}]*$"


Email = Annotated[
    str,
    AfterValidator(normal_email),
    _told(
        "An email address, compared in lower case.",
        pattern=r"^\s*[^\s@]+@[^\s@]+\.[^\s@]+\s*$",
        minLength=5,
        maxLength=254,
    ),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    BeforeValidator(_composed),
    AfterValidator(_one_line),
    _told("One line of text, kept in Unicode's composed form (NFC).", pattern=_text_without(_IS_CONTROL)),
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    BeforeValidator(_composed),
    AfterValidator(_prose),
    _told("Text that may have lines, kept in NFC.", pattern=_text_without(_IS_CONTROL_BUT_LINES)),
]
Key = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    BeforeValidator(_composed),
    AfterValidator(_one_line),
    _told("An identifier, one line, kept in NFC.", pattern=_text_without(_IS_CONTROL)),
]
Actor = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=254),
    BeforeValidator(_composed),
    AfterValidator(_one_line),
    _told("A person's email address, or the policy that acted.", pattern=_text_without(_IS_CONTROL)),
]
Time = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_written),
    AfterValidator(_in_utc),
    PlainSerializer(lambda moment: moment.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json"),
    _told("A moment, RFC 3339; we write UTC, with a Z.", pattern=RFC_3339),
]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Count = Annotated[int, Field(ge=0, lt=2**31)]


class Locale(StrEnum):
    VI = "vi"
    EN = "en"


class Billing(StrEnum):
    PREPAID = "prepaid"
    POSTPAID = "postpaid"


class Outcome(StrEnum):
    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


class Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    key_field: ClassVar[str] = "registration_id"

    @property
    def key(self) -> str:
        """The Kafka key: records with one key stay in order within a topic."""
        return str(getattr(self, self.key_field))

    @classmethod
    def type(cls) -> str:
        return cls.__name__

    @classmethod
    def about(cls, source: object, **more: Any) -> Self:
        """An event with the values of `source` (a registration, a case, an event) in the fields of the same name."""
        return cls(**{name: getattr(source, name) for name in _fields(cls) if name not in more}, **more)


@cache
def _fields(kind: type[Event]) -> tuple[str, ...]:
    return tuple(kind.model_fields)


Role = Literal["Partner"]


class RegistrationRequested(Event):
    """A partner asks for a customer. Its publisher chooses `registration_id`: the same id is the same request. Any
    UUID will do; one with the time in front (UUIDv7) costs the least to store."""

    registration_id: UUID
    batch_id: UUID | None = None
    partner_id: Key
    partner_name: Name
    customer_email: Email
    common_name: Name
    role: Role = "Partner"
    requested_by: Email
    requester_locale: Locale = Locale.VI
    requested_at: Time


class RegistrationWithdrawn(Event):
    """The partner takes its request back."""

    registration_id: UUID
    partner_id: Key
    withdrawn_by: Email
    reason: Reason | None = None
    withdrawn_at: Time


class ConfirmationResendRequested(Event):
    """The partner asks that the customer be mailed once more."""

    registration_id: UUID
    partner_id: Key
    requested_by: Email
    requested_at: Time


class AccountUpdated(Event):
    """What is true of an account now. `version` grows for ever per email; a lower one than is known changes nothing."""

    key_field = "email"

    email: Email
    account_id: Key
    holder_name: Name
    locale: Locale
    billing: Billing
    credit_balance: Whole
    active_services: Count
    active_discounts: Count
    in_poc: bool
    vng_customer: bool
    version: Whole
    updated_at: Time


class RegistrationOpened(Event):
    """The account qualifies: the customer may be asked."""

    registration_id: UUID
    partner_id: Key
    partner_name: Name
    customer_email: Email
    common_name: Name
    role: Role
    locale: Locale
    requested_by: Email
    requester_locale: Locale
    opened_at: Time


class ConfirmationSent(Event):
    """The customer was mailed; `number` counts such mails from 1."""

    registration_id: UUID
    partner_id: Key
    number: Count
    sent_at: Time
    valid_until: Time
    resends_left: Count
    next_resend_at: Time | None


class ConfirmationResendRefused(Event):
    """The customer is not mailed once more, and why."""

    registration_id: UUID
    partner_id: Key
    requested_at: Time
    code: Literal["too_soon", "limit", "not_pending"]


class ConfirmationUndeliverable(Event):
    """The mail to the customer was refused for good; the registration stays open."""

    registration_id: UUID
    partner_id: Key
    detail: Reason
    failed_at: Time


class CustomerConfirmed(Event):
    """The customer agreed on the page that the mail led to."""

    registration_id: UUID
    partner_id: Key
    partner_name: Name
    customer_email: Email
    common_name: Name
    role: Role
    confirmed_at: Time


class CustomerDeclined(Event):
    """The customer refused on the page that the mail led to."""

    registration_id: UUID
    reason: Reason | None
    declined_at: Time


class ConfirmationExpired(Event):
    """The customer did not answer in time."""

    registration_id: UUID
    expired_at: Time


class VngApproved(Event):
    """VNG Cloud approves; `failing_codes` are conditions that were overridden, with `override_reason`."""

    registration_id: UUID
    approved_by: Actor
    note: Reason | None = None
    override_reason: Reason | None = None
    failing_codes: tuple[Key, ...] = ()
    approved_at: Time


class VngRejected(Event):
    """VNG Cloud rejects; `reason` is for its partner, not for the customer."""

    registration_id: UUID
    rejected_by: Actor
    reason: Reason
    rejected_at: Time


class ReviewDue(Event):
    """Nobody has decided a case in time; `claimed_by` has it in hand."""

    registration_id: UUID
    partner_name: Name
    customer_email: Email
    claimed_by: Email | None
    due_at: Time


class RegistrationApproved(Event):
    """Final: the partner manages this customer from now on."""

    registration_id: UUID
    partner_id: Key
    partner_name: Name
    customer_email: Email
    account_id: Key
    common_name: Name
    role: Role
    locale: Locale
    requested_by: Email
    requester_locale: Locale
    approved_by: Actor
    approved_at: Time


class RegistrationClosed(Event):
    """Final, without approval. `reasons` are codes, or a person's words, that the partner may read; empty if none."""

    registration_id: UUID
    partner_id: Key
    partner_name: Name
    customer_email: Email
    common_name: Name
    locale: Locale | None
    requested_by: Email
    requester_locale: Locale
    outcome: Outcome
    reasons: tuple[Reason, ...]
    closed_at: Time


class Quarantined(Event):
    """A service could not accept the record that stood at this place, named without the prefix of topics."""

    key_field = "service"

    service: Key
    topic: str
    partition: int
    offset: int
    reason: str
    quarantined_at: Time
