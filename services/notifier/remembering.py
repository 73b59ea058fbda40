"""What notifier takes back from its own events once its database has been set back: answers of customers, mails that
have left, periods. Of other mails no event tells that they left: those are sent again, with the same Message-ID."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from services.notifier import answers, domain, periods, queue, resends, store
from services.notifier.domain import Confirmation, Decided, Mail, MailKind, Policy, Status
from services.notifier.resends import Answer, Resend
from shared.database import Transaction
from shared.events import (
    ConfirmationExpired,
    ConfirmationResendRefused,
    ConfirmationResendRequested,
    ConfirmationSent,
    ConfirmationUndeliverable,
    CustomerConfirmed,
    CustomerDeclined,
    RegistrationOpened,
)
from shared.messaging.remembering import Memory, Told
from shared.stores import moments_of

Own = ConfirmationSent | ConfirmationUndeliverable | CustomerConfirmed | CustomerDeclined | ConfirmationExpired
OWN: tuple[type[Own], ...] = (
    ConfirmationSent,
    ConfirmationUndeliverable,
    CustomerConfirmed,
    CustomerDeclined,
    ConfirmationExpired,
)


@dataclass(slots=True)
class TakenBack:
    """`fates`: the confirmation mails that had left, or never will, and when or why."""

    decided: Decided = field(default_factory=Decided)
    answered: list[Resend] = field(default_factory=list)
    fates: dict[Mail, datetime | str] = field(default_factory=dict)


def remember(
    own: Iterable[Own | ConfirmationResendRefused],
    opened: Mapping[UUID, RegistrationOpened],
    asks: Iterable[Resend],
    known: Mapping[UUID, Confirmation],
    policy: Policy,
) -> TakenBack:
    """`own` are events of which history has no line, `asks` the requests that have no answer there."""
    taken = TakenBack()
    waiting: defaultdict[UUID, list[Resend]] = defaultdict(list)
    for ask in sorted(asks, key=lambda it: it.requested_at):
        waiting[ask.registration_id].append(ask)
    for event in sorted(own, key=_in_order):
        key = event.registration_id
        if taken.decided.now_known(key, known) is None and key in opened:
            _merge(taken, domain.open_confirmations([opened[key]], {}, opened[key].opened_at))
        if it := taken.decided.now_known(key, known):
            if isinstance(event, ConfirmationResendRefused):
                _refuse(taken, it, event, waiting[key])
            else:
                _fold(taken, it, event, waiting[key], policy)
    return taken


def _in_order(event: Own | ConfirmationResendRefused) -> tuple[bool, datetime]:
    """Refusals first: what they refused was not accepted."""
    if isinstance(event, ConfirmationResendRefused):
        return False, event.requested_at
    return True, at_of(event)


def _refuse(taken: TakenBack, it: Confirmation, event: ConfirmationResendRefused, asks: list[Resend]) -> None:
    for ask in [ask for ask in asks if ask.requested_at == event.requested_at]:
        asks.remove(ask)
        answer = Answer(event.code)
        taken.answered.append(replace(ask, answer=answer))
        taken.decided.history.append(resends.refused(it, ask, answer, event.requested_at))


def _fold(taken: TakenBack, it: Confirmation, event: Own, asks: list[Resend], policy: Policy) -> None:
    at = at_of(event)
    match event:
        case ConfirmationSent():
            while it.period < event.number and asks:
                it = _resent(taken, it, asks.pop(0), policy)
            sent = periods.sent(it, event.number, policy, at)
            after = sent.changed[it.registration_id]
            if after.valid_until != it.valid_until:  # the period began: until when, is what the customer was told
                after = after._replace(valid_until=event.valid_until)
                sent.changed[it.registration_id] = after._replace(due_at=periods.due_at(after, policy))
            taken.fates[_mail(it, event.number)] = at
            _merge(taken, sent)
        case ConfirmationUndeliverable():
            if it.valid_until is not None and asks and asks[0].requested_at <= at:
                it = _resent(taken, it, asks.pop(0), policy)
            taken.fates[_mail(it, it.period)] = event.detail
            _merge(taken, periods.undeliverable(it, it.period, event.detail, policy, at))
        case CustomerConfirmed() | CustomerDeclined() if it.status is Status.PENDING:
            _merge(taken, answers.answered(it, event, at))
        case ConfirmationExpired() if it.status is Status.PENDING:
            _merge(taken, periods.act_when_due([it], policy, at))
        case _:
            pass


def _resent(taken: TakenBack, it: Confirmation, ask: Resend, policy: Policy) -> Confirmation:
    """The request was accepted: a mail of another period tells. When, lies between its time and that mail's."""
    at = max(ask.requested_at, periods.next_resend_at(it, policy))
    taken.answered.append(replace(ask, answer=Answer.ACCEPTED))
    resends.resend(it, ask, taken.decided, at)
    return taken.decided.now_known(it.registration_id, {}) or it


def _merge(taken: TakenBack, more: Decided) -> None:
    """All but what it tells."""
    taken.decided.add(replace(more, told=[]))


def _mail(it: Confirmation, period: int) -> Mail:
    return Mail(it.registration_id, MailKind.CONFIRMATION, period=period)


def at_of(event: Own) -> datetime:
    match event:
        case ConfirmationSent():
            return event.sent_at
        case ConfirmationUndeliverable():
            return event.failed_at
        case CustomerConfirmed():
            return event.confirmed_at
        case CustomerDeclined():
            return event.declined_at
        case ConfirmationExpired():
            return event.expired_at


async def take_back(told: Told, tx: Transaction, *, policy: Policy) -> int:
    await store.shut_out_openings(tx)
    ids = {event.registration_id for event in told.of(ConfirmationResendRefused, *OWN)}
    known = await store.lock(tx, ids)
    opened = {event.registration_id: event for event in told.of(RegistrationOpened)}
    held = await store.held_resends(tx, ids)
    asks = [*await store.not_asked_before(tx, map(resends.asked, told.of(ConfirmationResendRequested))), *held]
    of_partner = [it for it in asks if it.partner_id == _partner(it.registration_id, known, opened)]
    taken = remember(await _unknown(tx, told, ids), opened, of_partner, known, policy)
    answered = {it.key for it in taken.answered}
    rest = [it for it in held if it.key not in answered]  # those whose confirmation is there again
    was_held = {it.key for it in held}
    late = [it for it in resends.decide(rest, taken.decided, known, policy, tx.now) if it.answer]
    store.keep_resends(tx, [it for it in taken.answered if it.key not in was_held])
    await store.keep_answers(tx, [*(it for it in taken.answered if it.key in was_held), *late])
    await store.save(tx, taken.decided)
    await queue.keep_fates(tx, taken.fates)
    return len(taken.decided.new) + len(taken.decided.changed)


async def _unknown(tx: Transaction, told: Told, ids: Iterable[UUID]) -> list[Own | ConfirmationResendRefused]:
    """Each once."""
    before = await moments_of(tx, ids)
    own = {(it.registration_id, it.type(), at_of(it)): it for it in told.of(*OWN)}
    refused = {(it.registration_id, it.requested_at): it for it in told.of(ConfirmationResendRefused)}
    return [*(it for key, it in own.items() if key not in before), *refused.values()]


def _partner(key: UUID, known: Mapping[UUID, Confirmation], opened: Mapping[UUID, RegistrationOpened]) -> str | None:
    it = known.get(key) or opened.get(key)
    return it.partner_id if it else None


def memory(policy: Policy) -> Memory:
    kinds = (RegistrationOpened, ConfirmationResendRequested, ConfirmationResendRefused, *OWN)
    return Memory(kinds, partial(take_back, policy=policy))
