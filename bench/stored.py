"""Many registrations as they lie in the tables of portal, notifier and approver after a few years, made up."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from services.approver import store as approver
from services.approver.domain import Case
from services.approver.domain import Decided as Cases
from services.approver.domain import Status as CaseStatus
from services.portal import store as portal
from services.portal.domain import Registration, Status
from shared.database import Database

AT_ONCE = 10_000
NOW = datetime.now(UTC)
PARTNER_ID, PARTNER_NAME = "saigon-cloud", "Saigon Cloud"
LAN = "lan@saigon-cloud.example"
STAFF = "hoa@vng.example"
NAMES = ("Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Hoàng", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô")
TRADES = ("May mặc", "Vận tải", "Thủy sản", "Cơ khí", "Phần mềm", "Xây dựng", "Nội thất", "Dược phẩm", "Du lịch")
STATUSES = {
    Status.APPROVED: 0.7,
    Status.AWAITING_APPROVAL: 0.2,
    Status.DECLINED: 0.05,
    Status.AWAITING_CONFIRMATION: 0.0499,
    Status.EXPIRED: 0.0001,
}

_CASES = {Status.APPROVED: CaseStatus.APPROVED, Status.AWAITING_APPROVAL: CaseStatus.OPEN}
_HISTORY = (
    """
    insert into portal.history (registration_id, version, status_from, status_to, event, note, actor, at)
    select registration_id, stage, null, status, event, '', requested_by, requested_at
    from portal.registrations, (values (1, 'RegistrationRequested'), (2, 'RegistrationOpened')) moves(stage, event)
    """,
    """
    insert into approver.history (registration_id, version, status_from, status_to, event, note, actor, at)
    select registration_id, 1, null, 'open', 'CustomerConfirmed', '', customer_email, opened_at from approver.cases
    """,
)
_CONFIRMATIONS = """
    insert into notifier.confirmations (registration_id, partner_id, partner_name, customer_email, common_name, role,
        locale, requested_by, requester_locale, status, version, period, asked_at, sent_at, valid_until, reminded,
        undeliverable, mailed, due_at, reasons)
    select registration_id, partner_id, partner_name, customer_email, common_name, role, 'vi', requested_by, 'vi',
        'pending', 2, 1, requested_at, requested_at, now() + interval '10 days', 0, false, true,
        now() + interval '3 days', '{}'
    from portal.registrations
"""


@dataclass(frozen=True, slots=True)
class Stored:
    ids: list[UUID]
    open_cases: list[UUID]


async def fill(url: str, count: int, pick: random.Random) -> Stored:
    ids = [UUID(int=pick.getrandbits(128), version=4) for _ in range(count)]
    statuses = pick.choices(list(STATUSES), list(STATUSES.values()), k=count)
    made = [_registration(number, *it) for number, it in enumerate(zip(ids, statuses, strict=True))]
    await _store_registrations(url, made)
    await _store_cases(url, [_case(it) for it in made if it.status in _CASES])
    owner = await asyncpg.connect(url, command_timeout=600)
    for statement in (*_HISTORY, _CONFIRMATIONS, "vacuum analyze"):
        await owner.execute(statement)
    await owner.close()
    return Stored(ids, [it.registration_id for it in made if it.status is Status.AWAITING_APPROVAL])


def _registration(number: int, registration_id: UUID, status: Status) -> Registration:
    requested_at = NOW - timedelta(minutes=number)
    return Registration(
        registration_id,
        status=status,
        requested_at=requested_at,
        changed_at=requested_at + timedelta(days=number % 7),
        customer_email=f"{'khach' if number % 3 else 'ketoan'}.{number}@congty{number % 5000}.example",
        common_name=f"Công ty {TRADES[number % len(TRADES)]} {NAMES[number % len(NAMES)]} {number}",
        role="Partner",
        requested_by=LAN,
        mail_number=1,
        mail_sent_at=requested_at,
        valid_until=requested_at + timedelta(days=15),
        resends_left=3,
        partner_id=PARTNER_ID,
        partner_name=PARTNER_NAME,
    )


def _case(it: Registration) -> Case:
    assert it.customer_email and it.common_name
    waiting = it.status is Status.AWAITING_APPROVAL
    over = None if waiting else it.changed_at
    return Case(
        registration_id=it.registration_id,
        customer_email=it.customer_email,
        common_name=it.common_name,
        role="Partner",
        status=_CASES[it.status],
        version=1 if waiting else 2,
        opened_at=it.requested_at,
        waiting_since=it.requested_at,
        due_at=it.requested_at + timedelta(days=3),
        due_told_at=it.requested_at + timedelta(days=3),
        decided_by=None if waiting else STAFF,
        decided_at=over,
        outcome=None if waiting else "approved",
        final_at=over,
        current_customer=waiting and it.registration_id.int % 100 == 0,
        partner_id=PARTNER_ID,
        partner_name=PARTNER_NAME,
    )


async def _store_registrations(url: str, made: list[Registration]) -> None:
    database = Database(url, "portal", lambda: NOW)
    for first in range(0, len(made), AT_ONCE):
        async with database.transaction() as tx:
            tx.insert(portal.registrations, made[first : first + AT_ONCE])
    await database.close()


async def _store_cases(url: str, made: list[Case]) -> None:
    database = Database(url, "approver", lambda: NOW)
    for first in range(0, len(made), AT_ONCE):
        async with database.transaction() as tx:
            await approver.save(tx, Cases(new={it.registration_id: it for it in made[first : first + AT_ONCE]}))
    await database.close()
