"""Notifier as a machine that anything may happen to, beside a diary of each registration in which only facts are
noted. Where it stands, what is owed to whom, what is due next and what the page says are read off the diary."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise, product
from typing import TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.notifier import answers, periods
from services.notifier.answers import NoLongerOpen
from services.notifier.domain import TRANSITIONS, Confirmation, Mail, MailKind, Policy, Status, knows
from services.notifier.mails import needless
from shared import events
from shared.events import (
    ConfirmationExpired,
    ConfirmationResendRefused,
    ConfirmationResendRequested,
    ConfirmationSent,
    ConfirmationUndeliverable,
    CustomerConfirmed,
    CustomerDeclined,
    Event,
    Outcome,
    RegistrationApproved,
    RegistrationClosed,
    RegistrationOpened,
)
from shared.history import Entry
from tests.domain.facts import (
    DAY,
    HOUR,
    NOW,
    opened,
    registration_approved,
    registration_closed,
    resend_requested,
)
from tests.domain.notifier import CLICK_CONFIRM, CLICK_DECLINE, Heard, Notifier

T = TypeVar("T")
Poll = tuple[tuple[int, str], ...]
MOMENT, MINUTE = timedelta(microseconds=1), timedelta(minutes=1)
LINK, RESENDS = 15 * DAY, 3
REMINDERS = (20 * DAY, 15 * DAY, 10 * DAY, 7 * DAY, DAY)
ENDED = NOW - DAY
"""When registrar decided: nothing else happens then."""

OPENED, APPROVED = "opened", "approved"
PLACES, MORE_OF_WHAT_IS_OVER = (0, 0, 1, 1, 2), (0, 1, 2, 2, 2)
"""What is written more than once happens more often: so that lives are long enough for what comes late in them."""
FINALS = [APPROVED, *(how.value for how in Outcome), "rejected", *["withdrawn"] * 5]
PARTNERS = [f"resend {n}" for n in range(12)]
"""Each sixth by a partner that the registration does not belong to."""
TOPICS = (RegistrationOpened, ConfirmationResendRequested, RegistrationApproved | RegistrationClosed)
WAITS = [0 * DAY, HOUR, DAY, 10 * DAY, 12 * DAY, 16 * DAY]
NEARLY = [-MOMENT, 0 * DAY, 0 * DAY, MOMENT]
ACCEPTED, REFUSED, IN_DOUBT = "accepted", "refused", "in doubt"
REFUSAL = "550 no such user"
ANSWERS = {CLICK_CONFIRM: "confirmed", CLICK_DECLINE: "declined"}


@cache
def event(it: UUID, word: str) -> Heard:
    if word == OPENED:
        return opened(it)
    if word == APPROVED:
        return registration_approved(it, approved_at=ENDED)
    if word not in PARTNERS:
        return registration_closed(it, Outcome(word), closed_at=ENDED)
    n = PARTNERS.index(word)
    return resend_requested(it, NOW + n * MINUTE, partner_id="p-2" if n % 6 == 5 else "p-1")


@dataclass
class Diary:
    """Of one registration. The mail server's answer and what has been seen to are about the mail asked for last."""

    about: UUID
    asked: list[datetime] = field(default_factory=list)
    """When each mail that asks the customer was asked for."""
    server_answered: datetime | None = None
    refused: bool = False
    seen_to: datetime = NOW
    """Until when reminders have been."""
    answer: tuple[str, datetime] | None = None
    ran_out: bool = False
    final: str | None = None
    heard_of: bool = False
    """By the customer: some mail has arrived or may have, or there is an answer."""
    reminders: list[Mail] = field(default_factory=list)
    refusals: list[Mail] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    @property
    def status(self) -> str:
        if self.answer:
            return self.answer[0]
        return "expired" if self.ran_out else "void" if self.final else "pending"

    @property
    def link_ends(self) -> datetime | None:
        return self.server_answered + LINK if self.server_answered else None

    def may_answer(self, now: datetime) -> bool:
        return self.status == "pending" and (self.link_ends is None or now < self.link_ends)

    def resend_from(self) -> datetime:
        left = None if self.refused else self.server_answered
        return (left or self.asked[-1]) + HOUR

    def moments(self) -> list[datetime]:
        """At which to remind, in this period."""
        begun, end = self.server_answered, self.link_ends
        if self.status != "pending" or not begun or not end or self.refused:
            return []
        return [end - before for before in REMINDERS if end - before > begun]

    def next_due(self) -> datetime | None:
        to_come = (at for at in self.moments() if at > self.seen_to)
        return min(to_come, default=self.link_ends) if self.status == "pending" else None

    def moments_to_look(self) -> list[datetime]:
        """Those, halfway between them, and the end."""
        moments = self.moments()
        end = [self.link_ends] if self.link_ends and self.status == "pending" else []
        return [*moments, *(at + (then - at) / 2 for at, then in pairwise([*moments, *end])), *end]

    def is_late(self, now: datetime) -> bool:
        """The next reminder is nearer than the moment of the last."""
        last = max(at for at in self.moments() if at <= now)
        to_come = [at for at in self.moments() if at > now]
        return bool(to_come) and now - last > min(to_come) - now

    def says(self, now: datetime) -> tuple[str, datetime | None] | None:
        """What the page says to who comes too late, and since when; None for a moment that matters to nobody."""
        if self.may_answer(now):
            return None
        if self.final:
            return self.final, None if self.final in ("declined", "expired") else ENDED
        return self.answer or ("expired", self.link_ends)

    def owed(self) -> set[Mail]:
        asking = {Mail(self.about, MailKind.CONFIRMATION, period=n + 1) for n in range(len(self.asked))}
        return {*asking, *self.reminders, *self.refusals, *(Mail(self.about, kind) for kind in self._owed_at_the_end())}

    def _owed_at_the_end(self) -> Iterator[MailKind]:
        if self.final == "approved":
            yield from (MailKind.PARTNER_APPROVED, MailKind.CUSTOMER_APPROVED)
        elif self.final not in (None, "withdrawn"):
            yield MailKind.PARTNER_CLOSED
        if self.final == "rejected" and self.status == "confirmed":
            yield MailKind.CUSTOMER_REJECTED
        if self.final == "withdrawn" and self.heard_of:
            yield MailKind.CUSTOMER_WITHDRAWN

    def is_worth_sending(self, mail: Mail, now: datetime) -> bool:
        if mail.kind not in (MailKind.CONFIRMATION, MailKind.REMINDER):
            return True
        if mail.period < len(self.asked) or not self.may_answer(now):
            return False
        if mail.kind is MailKind.CONFIRMATION:
            return True
        return mail == self.reminders[-1] and not self.is_late(now) and not self.is_overlooked(now)

    def is_overlooked(self, now: datetime) -> bool:
        """A moment to remind has passed, and the scheduler has not come yet: what is owed will be known when it has."""
        return any(self.seen_to < at <= now for at in self.moments())

    def note_mail_asked_for(self, now: datetime) -> None:
        self.asked.append(now)
        self.server_answered, self.refused = None, False

    def note_server_answered(self, mail: Mail, now: datetime, *, accepted: bool) -> None:
        if mail.kind is not MailKind.CONFIRMATION:
            return
        if begins := self.status == "pending" and mail.period == len(self.asked):
            self.server_answered, self.refused, self.seen_to = now, not accepted, now
        if accepted:
            self.heard_of = True
            self.told.append(self._sent(mail.period, now))
        elif begins:
            self.told.append(ConfirmationUndeliverable.about(event(self.about, OPENED), detail=REFUSAL, failed_at=now))
            self.refusals.append(Mail(self.about, MailKind.PARTNER_UNDELIVERABLE, period=mail.period))

    def _sent(self, number: int, now: datetime) -> ConfirmationSent:
        left = RESENDS + 1 - len(self.asked)
        return ConfirmationSent(
            registration_id=self.about,
            partner_id="p-1",
            number=number,
            sent_at=now,
            valid_until=self.link_ends or now + LINK,
            resends_left=left,
            next_resend_at=self.resend_from() if left else None,
        )

    def note_request(self, request: ConfirmationResendRequested, now: datetime) -> str:
        """The answer to it."""
        answer = self._answer_to(request, now)
        if answer == "accepted":
            self.note_mail_asked_for(now)
        elif answer != "wrong_partner":
            self.told.append(ConfirmationResendRefused.about(request, code=answer))
        return answer

    def _answer_to(self, request: ConfirmationResendRequested, now: datetime) -> str:
        if request.partner_id != "p-1":
            return "wrong_partner"
        if self.status != "pending":
            return "not_pending"
        if len(self.asked) > RESENDS:
            return "limit"
        return "too_soon" if now < self.resend_from() else "accepted"

    def note_customer_answered(self, answer: str, now: datetime) -> None:
        self.answer, self.heard_of = (answer, now), True
        about: Event = CustomerDeclined(registration_id=self.about, reason="Không quen", declined_at=now)
        if answer == "confirmed":
            about = CustomerConfirmed.about(event(self.about, OPENED), confirmed_at=now)
        self.told.append(about)

    def note_somebody_looked(self, now: datetime) -> None:
        """One reminder for all the moments that have passed, none once the link has ended."""
        if self.status != "pending" or self.link_ends is None:
            return
        if now >= self.link_ends:
            self.ran_out = True
            self.told.append(ConfirmationExpired(registration_id=self.about, expired_at=now))
        elif self.is_overlooked(now) and not self.is_late(now):
            number = 1 + sum(mail.period == len(self.asked) for mail in self.reminders)
            self.reminders.append(Mail(self.about, MailKind.REMINDER, number, len(self.asked)))
        self.seen_to = now


class Registrations(Notifier):
    """`about` is the one whose page is open."""

    about = UUID(int=0)

    @property
    def it(self) -> Confirmation:
        return self.confirmations[self.about]

    def does_not_know_whether_it_arrived(self, mail: Mail) -> None:
        self._keep(periods.gone_out(self.confirmations[mail.registration_id]))


def polls(words: list[str], places: tuple[int, ...]) -> st.SearchStrategy[Poll]:
    """One or two that are read at once, of whom."""
    ones = [*product(places, words)]
    return st.sampled_from([(it,) for it in ones]) | st.sampled_from([*product(ones, repeat=2)])


class AnyLife(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.notifier = Registrations(Policy(LINK, HOUR, RESENDS, REMINDERS))
        self.now = NOW
        self.diaries: dict[UUID, Diary] = {}
        self.held: list[ConfirmationResendRequested] = []
        self.answers: dict[tuple[UUID, datetime, str], str | None] = {}
        self.lines_read = 0
        self.last_lines: dict[UUID, Entry] = {}
        self.asked: defaultdict[UUID, list[datetime]] = defaultdict(list)
        self.stage = [UUID(int=0)] * 3
        """Two that are not over, where there is one at all, and the last that is."""
        self.came = 0

    @rule(poll=polls([*[OPENED] * 6, *FINALS], MORE_OF_WHAT_IS_OVER))
    def registrar_is_heard(self, poll: Poll) -> None:
        self._hear([event(self._at(place), word) for place, word in poll])

    @rule(poll=polls(PARTNERS, PLACES), off=st.sampled_from([*NEARLY, None]))
    def partners_ask_again(self, poll: Poll, off: timedelta | None) -> None:
        diary = self.diaries.get(self._at(poll[0][0]))
        if off is not None and diary and diary.status == "pending":
            self.now = max(self.now, diary.resend_from() + off)
        self._hear([event(self._at(place), word) for place, word in poll])

    def _hear(self, poll: list[Heard]) -> None:
        """What is read at once is stored topic by topic."""
        for topic in TOPICS:
            for it in poll:
                if isinstance(it, topic):
                    self._note(it)
            self._answer_what_was_held()
        self.notifier.hears(*poll, at=self.now)

    def _at(self, place: int) -> UUID:
        """Where one is over another comes: unheard of, opened, or asked already, by turns."""
        it = self.stage[place]
        if place < 2 and (not it.int or (it in self.diaries and self.diaries[it].status != "pending")):
            self.came += 1
            self.stage[2], self.stage[place] = it, UUID(int=self.came)
            if self.came % 3:
                self._hear([event(self.stage[place], OPENED)])
            if self.came % 3 == 1:
                self._note_the_mail_servers_answer(Mail(self.stage[place], MailKind.CONFIRMATION), ACCEPTED)
        return self.stage[place]

    def _note(self, event: Heard) -> None:
        it = event.registration_id
        match event:
            case RegistrationOpened():
                if it not in self.diaries:
                    self.diaries[it] = Diary(it, asked=[self.now])
            case ConfirmationResendRequested():
                key = (it, event.requested_at, event.partner_id)
                if key not in self.answers:
                    self.answers[key] = None
                    self.held.append(event)
            case RegistrationApproved() | RegistrationClosed():
                diary = self.diaries.setdefault(it, Diary(it))
                diary.final = diary.final or str(getattr(event, "outcome", "approved"))

    @rule(place=st.sampled_from(MORE_OF_WHAT_IS_OVER), answer=st.sampled_from([CLICK_CONFIRM, CLICK_DECLINE]))
    def a_customer_opens_the_page(self, place: int, answer: str) -> None:
        diary = self.diaries.get(self._at(place))
        if diary is None:
            return
        self.notifier.about = diary.about
        again, too_late = diary.status == ANSWERS[answer], diary.says(self.now)
        if not too_late:
            diary.note_customer_answered(ANSWERS[answer], self.now)
        said = self.notifier.clicks(answer, self.now)
        assert (said is None) == again
        assert isinstance(said, NoLongerOpen) == (too_late is not None and not again)

    @precondition(lambda self: self._asking_mails())
    @rule(answer=st.sampled_from([*product(range(3), (ACCEPTED, REFUSED, IN_DOUBT))]))
    def the_mail_server_answers(self, answer: tuple[int, str]) -> None:
        """To a mail that was in flight, whatever has happened since."""
        which, how = answer
        mail = one_of(self._asking_mails(), which)
        self._note_the_mail_servers_answer(mail, how)

    def _note_the_mail_servers_answer(self, mail: Mail, how: str) -> None:
        diary = self.diaries[mail.registration_id]
        if how == IN_DOUBT:
            diary.heard_of = True
            self.notifier.does_not_know_whether_it_arrived(mail)
        if how != IN_DOUBT or diary.is_worth_sending(mail, self.now):  # tried again, and refused
            diary.note_server_answered(mail, self.now, accepted=how == ACCEPTED)
            self.notifier.mail_server_answers(mail, None if how == ACCEPTED else REFUSAL, self.now)
        else:
            self.notifier.queued.remove(mail)

    @rule(how=st.sampled_from([*product(WAITS, (True, False))]))
    def time_passes(self, how: tuple[timedelta, bool]) -> None:
        wait, looks = how
        self.now += wait
        if looks:
            self._the_scheduler_acts()

    @rule(how=st.sampled_from([*product((0, 0, 1, 2), NEARLY, (True, True, False))]))
    def time_passes_until_something_is_due(self, how: tuple[int, timedelta, bool]) -> None:
        which, off, looks = how
        moments = {at + off for diary in self.diaries.values() for at in diary.moments_to_look()}
        self.now = one_of(sorted(at for at in moments if at > self.now) or [self.now], which)
        if looks:
            self._the_scheduler_acts()

    def _the_scheduler_acts(self) -> None:
        for diary in self.diaries.values():
            diary.note_somebody_looked(self.now)
        self.notifier.acts(self.now)
        assert all(it.due_at is None or it.due_at > self.now for it in self.notifier.confirmations.values())

    def _asking_mails(self) -> list[Mail]:
        return [it for it in self.notifier.queued if it.kind is MailKind.CONFIRMATION]

    def _answer_what_was_held(self) -> None:
        known = [it for it in self.held if it.registration_id in self.diaries]
        self.held = [it for it in self.held if it not in known]
        for it in sorted(known, key=lambda it: it.requested_at):
            diary = self.diaries[it.registration_id]
            self.answers[it.registration_id, it.requested_at, it.partner_id] = diary.note_request(it, self.now)

    @invariant()
    def everything_stands_as_the_diary_says(self) -> None:
        known = self.notifier.confirmations
        stands = {it: (known[it].status.value, known[it].outcome, knows(known[it])) for it in known}
        assert stands == {it: (diary.status, diary.final, diary.heard_of) for it, diary in self.diaries.items()}

    @invariant()
    def what_was_told_is_what_happened(self) -> None:
        told: dict[UUID, list[Event]] = {it: [] for it in self.diaries}
        for it in self.notifier.told:
            told[UUID(it.key)].append(it)
        assert told == {it: diary.told for it, diary in self.diaries.items()}

    @invariant()
    def mails_are_owed_as_the_diary_says_and_none_twice(self) -> None:
        owed = {mail for diary in self.diaries.values() for mail in diary.owed()}
        assert (set(self.notifier.mails), self.notifier.owed_twice) == (owed, [])

    @invariant()
    def the_scheduler_comes_when_there_is_something_to_do_and_not_before(self) -> None:
        due = {it: known.due_at for it, known in self.notifier.confirmations.items()}
        assert due == {it: diary.next_due() for it, diary in self.diaries.items()}

    @invariant()
    def mails_leave_while_they_are_apt_and_not_after(self) -> None:
        for mail in self.notifier.queued:
            diary, it = self.diaries[mail.registration_id], self.notifier.confirmations[mail.registration_id]
            is_apt = needless(mail, it, self.notifier.policy, self.now) is None
            assert is_apt == diary.is_worth_sending(mail, self.now)

    @invariant()
    def the_page_says_what_the_diary_says(self) -> None:
        for it, diary in self.diaries.items():
            said, expected = answers.settled(self.notifier.confirmations[it], self.now), diary.says(self.now)
            assert (said and said.code.value) == (expected and expected[0])
            assert not said or not expected or expected[1] in (None, said.at)

    @invariant()
    def each_request_is_answered_once_and_held_until_then(self) -> None:
        assert {key: it.answer for key, it in self.notifier.resends.items()} == self.answers

    @invariant()
    def history_stays_in_the_table_and_versions_have_no_gap(self) -> None:
        for line in self.notifier.history[self.lines_read :]:
            before = self.last_lines.get(line.registration_id)
            self.last_lines[line.registration_id] = line
            assert line.version == (before.version if before else 0) + (not line.note)
            assert line.status_from == (before.status_to if before else None)
            if line.note:
                assert line.status_to == line.status_from
                continue
            was = Status(line.status_from) if line.status_from else None
            assert Status(line.status_to) in TRANSITIONS[was, getattr(events, line.event)]
            if line.event in ("RegistrationOpened", "ConfirmationResendRequested"):
                self.asked[line.registration_id].append(line.at)
        self.lines_read = len(self.notifier.history)
        versions = {it: known.version for it, known in self.notifier.confirmations.items()}
        assert versions == {it: line.version for it, line in self.last_lines.items()}

    @invariant()
    def customers_are_asked_four_times_at_most_and_an_hour_apart(self) -> None:
        for moments in self.asked.values():
            assert len(moments) <= 1 + RESENDS
            assert all(then - before >= HOUR for before, then in pairwise(moments))


def one_of(them: list[T], which: int) -> T:
    return them[which % len(them)]


AnyLife.TestCase.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
TestAnyLife = AnyLife.TestCase
