"""Why a reviewer's wish cannot be. Each refusal has a code, and the page has a sentence for each code."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from services.approver.domain import Status


class RefusalCode(StrEnum):
    CASE_ALREADY_DECIDED = "case_already_decided"
    REGISTRATION_OVER = "registration_over"
    CASE_CLAIMED_BY_ANOTHER = "case_claimed_by_another"
    CLAIM_OF_ANOTHER = "claim_of_another"
    NO_LONGER_ELIGIBLE = "no_longer_eligible"
    CONDITIONS_CHANGED = "conditions_changed"
    FACTS_NOT_YET_READ = "facts_not_yet_read"


@dataclass(frozen=True, slots=True)
class CaseAlreadyDecided:
    """`status` is approved or rejected; `by` is a person or the policy."""

    code: ClassVar = RefusalCode.CASE_ALREADY_DECIDED
    status: Status
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RegistrationOver:
    """Registrar closed the registration before anybody decided."""

    code: ClassVar = RefusalCode.REGISTRATION_OVER
    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseClaimedByAnother:
    code: ClassVar = RefusalCode.CASE_CLAIMED_BY_ANOTHER
    by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class ClaimOfAnother:
    """Only the claimer or an admin releases a claim."""

    code: ClassVar = RefusalCode.CLAIM_OF_ANOTHER
    by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class NoLongerEligible:
    """Approving needs a reason to override these codes."""

    code: ClassVar = RefusalCode.NO_LONGER_ELIGIBLE
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConditionsChanged:
    """The account has changed since the reviewer saw it, and fails these codes now: nobody decides on what they have
    not seen."""

    code: ClassVar = RefusalCode.CONDITIONS_CHANGED
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactsNotYetRead:
    """Approver has just started: the newest facts about accounts may not be among those it knows."""

    code: ClassVar = RefusalCode.FACTS_NOT_YET_READ


Refusal = (
    CaseAlreadyDecided
    | RegistrationOver
    | CaseClaimedByAnother
    | ClaimOfAnother
    | NoLongerEligible
    | ConditionsChanged
    | FactsNotYetRead
)
