"""Registrar as a machine that any facts are thrown at, beside a model of it that knows nothing but the lifecycle's
table, told again in other words."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.registrar.domain import Fact
from services.registrar.opening import Policy
from shared.eligibility import CurrentCustomers
from shared.events import RegistrationApproved, RegistrationClosed, RegistrationOpened
from tests.domain.facts import (
    DAY,
    NOW,
    account,
    confirmed,
    declined,
    expired,
    requested,
    vng_approved,
    vng_rejected,
    withdrawn,
)
from tests.domain.test_registrar import Registrar

IDS = st.sampled_from([UUID(int=n) for n in range(1, 5)])
PARTNERS = st.sampled_from(["p-1", "p-2"])
EMAILS = st.sampled_from(["k0@x.vn", "k1@x.vn", "k2@x.vn", "unknown@x.vn"])
LIMIT = 2
OPEN = {"asked", "confirmed"}

FACTS: dict[str, tuple[Callable[[UUID], Fact], dict[str, str]]] = {
    "CustomerConfirmed": (confirmed, {"asked": "confirmed"}),
    "CustomerDeclined": (declined, {"asked": "declined"}),
    "ConfirmationExpired": (expired, {"asked": "expired"}),
    "VngApproved": (vng_approved, {"asked": "approved", "confirmed": "approved"}),
    "VngRejected": (vng_rejected, {"asked": "rejected", "confirmed": "rejected"}),
}
"""What each fact makes of a registration; of any other it makes nothing."""

NAMES = {"asked": "awaiting_confirmation", "confirmed": "awaiting_approval"}


class AnyLife(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        policy = Policy(LIMIT, 30 * DAY, CurrentCustomers.SKIP, withdrawal_limit=1)
        self.registrar = Registrar(*map(account, ("k0@x.vn", "k1@x.vn", "k2@x.vn")), policy=policy)
        self.now = NOW
        self.lives: dict[UUID, str] = {}
        self.whose: dict[UUID, tuple[str, str]] = {}
        self.withdrawn_before: set[tuple[UUID, str]] = set()
        self.declined: list[tuple[str, str, object]] = []
        self.withdrawn: list[tuple[str, str, object]] = []

    @rule(registration_id=IDS, partner=PARTNERS, email=EMAILS)
    def request(self, registration_id: UUID, partner: str, email: str) -> None:
        if registration_id not in self.lives:
            self.lives[registration_id] = self._begins_as(registration_id, partner, email)
            self.whose[registration_id] = (partner, email)
        self.registrar.hears(requested(registration_id, partner_id=partner, customer_email=email), at=self.now)

    @rule(registration_id=IDS, name=st.sampled_from(sorted(FACTS)))
    def hear(self, registration_id: UUID, name: str) -> None:
        event, moves = FACTS[name]
        if registration_id in self.lives:
            status = self.lives[registration_id]
            self.lives[registration_id] = moves.get(status, status)
            if name == "CustomerDeclined" and status == "asked":
                self.declined.append((*self.whose[registration_id], self.now))
        self.registrar.hears(event(registration_id), at=self.now)

    @rule(registration_id=IDS, partner=PARTNERS)
    def withdraw(self, registration_id: UUID, partner: str) -> None:
        if registration_id not in self.lives:
            self.withdrawn_before.add((registration_id, partner))
        elif self.whose[registration_id][0] == partner and self.lives[registration_id] in OPEN:
            self.lives[registration_id] = "withdrawn"
            self.withdrawn.append((*self.whose[registration_id], self.now))
        self.registrar.hears(withdrawn(registration_id, partner_id=partner), at=self.now)

    @rule(days=st.integers(1, 31))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    def _begins_as(self, registration_id: UUID, partner: str, email: str) -> str:
        if (registration_id, partner) in self.withdrawn_before:
            return "withdrawn"
        lives = [(self.whose[it], status) for it, status in self.lives.items()]
        held = any(whose[1] == email and status in OPEN | {"approved"} for whose, status in lives)
        crowded = sum(whose[0] == partner and status in OPEN for whose, status in lives) >= LIMIT
        left_in_peace = any(
            (partner, email) == it[:2] and it[2] > self.now - cooldown  # type: ignore[operator]  # a datetime
            for ends, cooldown in ((self.declined, 30 * DAY), (self.withdrawn, 7 * DAY))
            for it in ends
        )
        return "refused" if email == "unknown@x.vn" or held or crowded or left_in_peace else "asked"

    @invariant()
    def everything_stands_as_the_table_says(self) -> None:
        stands = {it: str(known.status) for it, known in self.registrar.registrations.items()}
        assert stands == {it: NAMES.get(status, status) for it, status in self.lives.items()}

    @invariant()
    def each_end_is_told_once_and_no_other(self) -> None:
        ends = Counter((UUID(it.key), getattr(it, "outcome", "approved")) for it in self.registrar.finals())
        over = {(it, status) for it, status in self.lives.items() if status not in OPEN}
        assert ends == Counter(over)

    @invariant()
    def each_that_was_asked_was_opened_once(self) -> None:
        opened = Counter(it.registration_id for it in self.registrar.told if isinstance(it, RegistrationOpened))
        never_asked = {it for it, known in self.registrar.registrations.items() if known.codes or known.version == 1}
        assert set(opened.values()) <= {1}
        assert set(opened) >= set(self.lives) - never_asked

    @invariant()
    def nothing_else_is_told(self) -> None:
        kinds = (RegistrationOpened, RegistrationApproved, RegistrationClosed)
        assert all(isinstance(event, kinds) for event in self.registrar.told)


AnyLife.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestAnyLife = AnyLife.TestCase
